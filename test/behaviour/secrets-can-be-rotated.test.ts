import t, { type Test } from 'tap'
import { startApp, type TestApp } from '../support/app.ts'
import type { Browser } from '../support/browser.ts'
import { errorCode, isAnonymous } from '../support/checks.ts'
import { Clock, HOUR, MINUTE } from '../support/clock.ts'
import { ADMIN, AGENT, logIn, logOut, upToCallback } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'

const OLD = 'the old secret, which has more than 32 characters'
const NEW = 'the new secret, which has more than 32 characters'

interface Rotation {
  store: TestStore
  clock: Clock
  /** The same app with other secrets, as after a restart: same store, same Sentinel. */
  restart: (secret: string | string[]) => Promise<TestApp>
}

async function rotation(t: Test): Promise<Rotation & { app: TestApp }> {
  const store = new TestStore()
  const clock = new Clock()
  const setting = (secret: string | string[]) => ({
    options: { secret, store, idleLifetime: 8 * HOUR, now: clock.now }
  })
  const app = await startApp(t, { ...setting(OLD), emulator: { now: clock.now } })
  return {
    store,
    clock,
    app,
    restart: secret => startApp(t, { ...setting(secret), sentinel: app.sentinel })
  }
}

/** The same person at the same browser, with the app behind it restarted. */
const moved = (to: TestApp, from: Browser): Promise<Browser> =>
  from.copy({ [to.origin]: to.server })

t.test('A login from before a secret rotation works for one request after another.', async t => {
  const { app, restart } = await rotation(t)
  const browser = app.browser()
  await logIn(app, browser)
  const both = await restart([NEW, OLD])
  const same = await moved(both, browser)
  for (let i = 0; i < 4; i += 1) {
    const response = await same.script(both.url('/me'))
    t.equal(response.status, 200, `request ${i + 1}`)
    t.same(
      response.setCookies.filter(line => line.startsWith('le-auth=;')),
      [],
      'its cookie is not cleared'
    )
  }
  t.same(await same.cookieNames(both.url('/')), ['le-auth'])
  t.equal((await same.script(both.url('/users'))).json().status, 200, 'the tokens can be decrypted')
})

t.test('A login from before a secret rotation can be ended by a logout.', async t => {
  const { app, store, restart } = await rotation(t)
  const browser = app.browser()
  await logIn(app, browser)
  const both = await restart([NEW, OLD])
  const same = await moved(both, browser)
  t.equal((await logOut(both, same)).status, 303)
  await isAnonymous(t, both, same)
  t.same([store.tokenSets, store.logins], [[], []])
})

t.test('A login that begins before a secret rotation can be finished after it.', async t => {
  const { app, restart } = await rotation(t)
  const browser = app.browser()
  const callback = await upToCallback(app, browser, '/login?returnTo=/page/one')
  const both = await restart([NEW, OLD])
  const same = await moved(both, browser)
  const response = await same.step(callback)
  t.equal(`${response.status} ${response.location}`, '303 /page/one')
  t.equal((await same.script(both.url('/me'))).status, 200)
})

t.test(
  'Logins and pending logins made after a secret rotation need only the new secret.',
  async t => {
    const { restart } = await rotation(t)
    const both = await restart([NEW, OLD])
    const browser = both.browser()
    await logIn(both, browser)
    const pending = await upToCallback(both, both.browser())
    t.ok(pending)
    const only = await restart(NEW)
    const same = await moved(only, browser)
    t.equal((await same.script(only.url('/me'))).status, 200)
    t.equal((await same.script(only.url('/users'))).json().status, 200)

    const tab = both.browser()
    const callback = await upToCallback(both, tab)
    const finishing = await moved(only, tab)
    t.equal((await finishing.step(callback)).status, 303)
  }
)

t.test(
  'A login from before a secret rotation survives its refreshes until the old secret is ' +
    'removed.',
  async t => {
    const { app, clock, restart } = await rotation(t)
    const browser = app.browser()
    await logIn(app, browser)
    const both = await restart([NEW, OLD])
    const same = await moved(both, browser)
    // Only the access token expires between the requests.
    for (let minutes = 0; minutes < 61; minutes += 20) {
      t.equal((await same.script(both.url('/me'))).status, 200)
      clock.advance(20 * MINUTE)
    }
    t.equal((await same.script(both.url('/users'))).json().status, 200)
    t.ok(both.calls('refresh') >= 1)
    const again = await restart([NEW, OLD])
    t.equal(
      (await (await moved(again, same)).script(again.url('/users'))).json().status,
      200,
      'after another restart, too'
    )
    const only = await restart(NEW)
    await isAnonymous(t, only, await moved(only, same))
  }
)

t.test(
  'Logins made under a removed secret are anonymous: there is no error, and a new login ' +
    'works.',
  async t => {
    const { app, restart } = await rotation(t)
    const browser = app.browser()
    await logIn(app, browser)
    const pendingBrowser = app.browser()
    const pending = await upToCallback(app, pendingBrowser)
    const only = await restart(NEW)

    const same = await moved(only, browser)
    await isAnonymous(t, only, same)
    t.equal((await same.navigate(only.url('/'))).text, 'hello stranger')
    t.equal((await same.script(only.url('/token'))).status, 401)
    t.equal((await logOut(only, same)).status, 303)
    t.equal((await logIn(only, await moved(only, app.browser()))).status, 200)

    const late = await moved(only, pendingBrowser)
    const response = await late.step(pending)
    t.equal(
      `${response.status} ${errorCode(response)}`,
      '400 LE_AUTH_CALLBACK_INVALID (state_mismatch)'
    )
    await isAnonymous(t, only, late)
  }
)

t.test(
  'Tokens sealed with a removed secret cannot be decrypted, and their login has ended.',
  async t => {
    const { app, store, restart } = await rotation(t)
    await logIn(app, app.browser())
    const only = await restart(NEW)
    const browser = only.browser()
    await logIn(only, browser)
    // The login is sealed with the new secret, and its tokens with the old one.
    const [oldSet, newSet] = store.tokenSets as [string, string]
    store.records.set(newSet, store.records.get(oldSet)!)
    const next = await restart(NEW)
    const same = await moved(next, browser)
    await isAnonymous(t, next, same)
    t.equal(next.calls('users') + next.calls('refresh'), 0)
    t.equal(store.logins.length, 1, 'the login of the other browser')
  }
)

t.test(
  'Token sets that were swapped in the store work for neither user in a process that reads ' +
    'them.',
  async t => {
    const { app, store, restart } = await rotation(t)
    const [agent, administrator] = [app.browser(), app.browser()]
    await logIn(app, agent, AGENT)
    await logIn(app, administrator, ADMIN)
    swap(store)
    const next = await restart(OLD)
    for (const browser of [agent, administrator]) {
      await isAnonymous(t, next, await moved(next, browser))
    }
    t.equal(next.calls('users') + next.calls('refresh'), 0)
  }
)

t.test(
  'A process that knows the right tokens ignores swapped ones: each user acts as ' +
    'themselves, and a refresh ends the login.',
  async t => {
    const { app, clock, store } = await rotation(t)
    const people = [AGENT, ADMIN].map(person => ({ person, browser: app.browser() }))
    for (const { person, browser } of people) await logIn(app, browser, person)
    const tokens = await Promise.all(
      people.map(
        async ({ browser }) => (await browser.script(app.url('/token'))).json().accessToken
      )
    )
    swap(store)
    for (const [index, { person, browser }] of people.entries()) {
      t.equal((await browser.script(app.url('/me'))).json().id, person.id)
      t.equal((await browser.script(app.url('/token'))).json().accessToken, tokens[index])
    }
    clock.advance(61 * MINUTE)
    for (const { browser } of people) await isAnonymous(t, app, browser)
    t.equal(app.calls('refresh'), 0)
  }
)

t.test(
  'A login made under the secret of one app does not work in an app with another secret.',
  async t => {
    const { app, restart } = await rotation(t)
    const browser = app.browser()
    await logIn(app, browser)
    const other = await restart('quite another secret, of more than 32 characters')
    await isAnonymous(t, other, await moved(other, browser))
  }
)

/** Swaps the two token sets of a store, as an attacker who can write to it could. */
function swap(store: TestStore): void {
  const [first, second] = store.tokenSets as [string, string]
  const kept = store.records.get(first)!
  store.records.set(first, store.records.get(second)!)
  store.records.set(second, kept)
}
