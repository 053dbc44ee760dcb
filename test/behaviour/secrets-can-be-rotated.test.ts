import t, { type Test } from 'tap'
import { isAnonymous, takeCookies } from '../support/anonymous.js'
import { ADMIN, AGENT, errorCode, logIn, logOut, startApp, upToCallback, type TestApp } from '../support/app.js'
import type { Browser } from '../support/browser.js'
import { Clock, MINUTE } from '../support/clock.js'
import { TestStore } from '../support/stores.js'

const OLD = 'the old secret, which has more than 32 characters'
const NEW = 'the new secret, which has more than 32 characters'

interface Rotation {
  store: TestStore
  clock: Clock
  /** The same app with other secrets, as after a restart: same store, same Sentinel. */
  restart: (secret: string | string[]) => Promise<TestApp>
}

async function rotation (t: Test): Promise<Rotation & { app: TestApp }> {
  const store = new TestStore()
  const clock = new Clock()
  const setting = (secret: string | string[]) => ({ options: { secret, session: { store }, now: clock.now } })
  const app = await startApp(t, { ...setting(OLD), emulator: { now: clock.now } })
  return { store, clock, app, restart: secret => startApp(t, { ...setting(secret), sentinel: app.sentinel }) }
}

/** The same person at the same browser, with the app behind it restarted. */
const moved = (to: TestApp, from: Browser): Promise<Browser> => takeCookies(to.browser(), from)

t.test('a session goes on, request after request', async t => {
  const { app, restart } = await rotation(t)
  const browser = app.browser()
  await logIn(app, browser)
  const both = await restart([NEW, OLD])
  const same = await moved(both, browser)
  for (let i = 0; i < 4; i += 1) {
    const answer = await same.script(both.url('/me'))
    t.equal(answer.status, 200, `request ${i + 1}`)
    t.same(answer.setCookies.filter(line => line.startsWith('le-auth=;')), [], 'its cookie is not taken back')
  }
  t.same(await same.cookieNames(both.url('/')), ['le-auth'])
  t.equal((await same.script(both.url('/users'))).json().status, 200, 'the tokens open')
})

t.test('a session of before the rotation can log out', async t => {
  const { app, store, restart } = await rotation(t)
  const browser = app.browser()
  await logIn(app, browser)
  const both = await restart([NEW, OLD])
  const same = await moved(both, browser)
  t.equal((await logOut(both, same)).status, 303)
  await isAnonymous(t, both, same)
  t.same([store.tokenSets, store.logins], [[], []])
})

t.test('a login that began before the rotation ends after it', async t => {
  const { app, restart } = await rotation(t)
  const browser = app.browser()
  const callback = await upToCallback(app, browser, '/login?returnTo=/page/one')
  const both = await restart([NEW, OLD])
  const same = await moved(both, browser)
  const answer = await same.step(callback)
  t.equal(`${answer.status} ${answer.location}`, '303 /page/one')
  t.equal((await same.script(both.url('/me'))).status, 200)
})

t.test('what is made after the rotation needs the new secret only', async t => {
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
})

t.test('a refresh seals a token set of before under the new secret', async t => {
  const { app, clock, store, restart } = await rotation(t)
  const browser = app.browser()
  await logIn(app, browser)
  const both = await restart([NEW, OLD])
  const same = await moved(both, browser)
  // The session stays in use, so that only the access token ends.
  for (let minutes = 0; minutes < 61; minutes += 20) {
    t.equal((await same.script(both.url('/me'))).status, 200)
    clock.advance(20 * MINUTE)
  }
  t.equal((await same.script(both.url('/users'))).json().status, 200)
  t.ok(both.calls('refresh') >= 1)
  const only = await restart(NEW)
  const last = await moved(only, same)
  const [login] = store.logins
  t.ok(login)
  const answer = await last.script(only.url('/users'))
  t.equal(answer.status, 200, 'session and tokens are both under the new one by now')
})

t.test('without the old secret, what was made under it is nobody\'s: no error, a new login works', async t => {
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
  const answer = await late.step(pending)
  t.equal(`${answer.status} ${errorCode(answer)}`, '400 LE_AUTH_STATE_MISMATCH')
  await isAnonymous(t, only, late)
})

t.test('tokens under a secret that is gone do not open, in a session that lives on', async t => {
  const { app, store, restart } = await rotation(t)
  const browser = app.browser()
  await logIn(app, browser)
  const only = await restart(NEW)
  const other = only.browser()
  await logIn(only, other)
  // The session is the new one, the tokens are under the old secret.
  const [oldSet, newSet] = store.tokenSets as [string, string]
  store.records.set(newSet, store.records.get(oldSet)!)
  const answer = await other.script(only.url('/users'))
  t.equal(`${answer.status} ${answer.json().code}`, '401 LE_AUTH_SESSION_ENDED')
  t.equal(only.calls('users'), 0)
  await isAnonymous(t, only, other)
})

t.test('token sets that were swapped in the store do not open, for either user', async t => {
  const { app, store } = await rotation(t)
  const agent = app.browser()
  const administrator = app.browser()
  await logIn(app, agent, AGENT)
  await logIn(app, administrator, ADMIN)
  const [first, second] = store.tokenSets as [string, string]
  const kept = store.records.get(first)!
  store.records.set(first, store.records.get(second)!)
  store.records.set(second, kept)
  for (const browser of [agent, administrator]) {
    const answer = await browser.script(app.url('/users'))
    t.equal(`${answer.status} ${answer.json().code}`, '401 LE_AUTH_SESSION_ENDED')
    await isAnonymous(t, app, browser)
  }
  t.equal(app.calls('users'), 0)
})

t.test('swapped token sets are not refreshed either: the login is over', async t => {
  const { app, clock, store } = await rotation(t)
  app.sentinel.lifetimes.accessToken = 5 * MINUTE
  const agent = app.browser()
  const administrator = app.browser()
  await logIn(app, agent, AGENT)
  await logIn(app, administrator, ADMIN)
  const [first, second] = store.tokenSets as [string, string]
  store.records.set(first, store.records.get(second)!)
  clock.advance(10 * MINUTE)
  await isAnonymous(t, app, agent)
  t.equal(app.calls('refresh'), 0)
})

t.test('a secret of one app is worth nothing at another', async t => {
  const { app, restart } = await rotation(t)
  const browser = app.browser()
  await logIn(app, browser)
  const other = await restart('quite another secret, of more than 32 characters')
  await isAnonymous(t, other, await moved(other, browser))
})
