import t from 'tap'
import { createRemovedSessions } from '../../lib/session/removed-sessions.js'
import { gate } from '../support/hold.js'
import { TestStore } from '../support/stores.js'

t.test('a removal is one to wait for until the last of them has ended, and is forgotten then', async t => {
  const store = new TestStore()
  const sessions = createRemovedSessions()
  const [first, second] = [gate(), gate()]
  store.trouble = ({ index }) => index === 0 ? { heldUntil: first.pass() } : { heldUntil: second.pass(), fails: true }
  const removals = [sessions.remove(store, 'id'), sessions.remove(store, 'id')]
  second.open()
  await t.rejects(removals[1]!, { code: 'LE_AUTH_STORE_UNAVAILABLE' })
  t.ok(sessions.removal('id'), 'the first is under way')
  t.notOk(sessions.has('id'))
  first.open()
  await removals[0]
  await sessions.removal('id')
  t.equal(sessions.removal('id'), null)
  t.ok(sessions.has('id'))
  t.notOk(sessions.has('another'))
})
