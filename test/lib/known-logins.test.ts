import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { KnownLogins } from '../../lib/logins/known-logins.ts'
import { Login } from '../../lib/logins/login.ts'
import { until } from '../support/wait.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function login(key: string): Login {
  const user = { id: '1', isAdmin: false, isLpa: false, claims: {} }
  return new Login(key, { accountId: '1', clientId: '1', user, loggedInAt: 0, endsAt: 1 }, 1)
}

/** Adds more logins than are remembered if nothing holds them. */
function flood(known: KnownLogins, name = 'other', count = 2000): void {
  for (let i = 0; i < count; i += 1) known.add(login(`${name} ${i}`))
}

t.test('A login is one object for as long as something holds it.', async t => {
  const known = new KnownLogins()
  const held = login('held')
  known.add(held)
  flood(known)
  collect()
  t.equal(known.get('held'), held)
})

t.test('A login that nothing holds is forgotten after other logins have been added.', async t => {
  const known = new KnownLogins()
  known.add(login('free'))
  t.ok(known.get('free'))
  flood(known)
  await until(() => {
    collect()
    return known.get('free') === undefined
  })
  t.pass('forgotten')
})

t.test(
  'If a login has had two objects, the end of the first does not make the second forgotten.',
  async t => {
    const known = new KnownLogins()
    known.add(login('same'))
    flood(known, 'first')
    // The target of a new weak reference is held until the end of its turn of the event loop.
    await new Promise(resolve => setImmediate(resolve))
    collect()
    t.equal(known.get('same'), undefined)
    const held = login('same')
    known.add(held)
    flood(known, 'second')
    await until(() => {
      collect()
      return known.get('first 1') === undefined
    })
    t.equal(known.get('same'), held)
  }
)
