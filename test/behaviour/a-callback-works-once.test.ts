import t, { type Test } from 'tap'
import { ADMIN, AGENT, errorCode, logIn, startApp, upToCallback, type TestApp } from '../support/app.js'
import { Browser } from '../support/browser.js'
import { gate, hold } from '../support/hold.js'
import { until } from '../support/shifted.js'
import { TestStore } from '../support/stores.js'

t.test('A callback that is reloaded while the login lives goes on to the return path, and asks Sentinel nothing.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  const callback = await upToCallback(app, browser, '/page/there')
  await browser.navigate(callback)
  const again = await browser.step(callback)
  t.equal(again.status, 303)
  t.equal(again.location, '/page/there')
  t.equal(app.calls('token'), 1)
  t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
})

t.test('A callback that comes again by the back button, after a logout, says that the login is over.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  const callback = await upToCallback(app, browser, '/page/there')
  await browser.navigate(callback)
  await browser.submit(app.url('/logout'), {})
  const back = await browser.navigate(callback)
  t.equal(back.status, 400)
  t.equal(errorCode(back), 'LE_AUTH_LOGIN_FINISHED')
  t.match(back.text, 'href="/login"', 'and where it was to end it tells only to who has that login')
  t.equal(app.calls('token'), 1)
  t.equal((await browser.script(app.url('/me'))).status, 401)
})

t.test('A callback with the cookies of before does not log in a second time.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  const saved = await browser.copy()
  await browser.navigate(callback)
  const replay = await saved.navigate(callback)
  t.equal(replay.status, 400)
  t.equal(errorCode(replay), 'LE_AUTH_LOGIN_FINISHED')
  t.equal((await saved.script(app.url('/me'))).status, 401)
  t.equal(app.calls('token'), 1)
})

t.test('After a failed exchange the state is used.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  const callback = await upToCallback(app, browser, '/page/there')
  const saved = await browser.copy()
  app.sentinel.next('token', { status: 503 })
  t.equal(errorCode(await browser.navigate(callback)), 'LE_AUTH_SENTINEL_UNAVAILABLE')
  const again = await saved.navigate(callback)
  t.equal(again.status, 400)
  t.equal(errorCode(again), 'LE_AUTH_STATE_SPENT')
  t.match(again.text, 'href="/login?returnTo=%2Fpage%2Fthere"')
  t.equal(app.calls('token'), 1)
})

t.test('Of ten callbacks at once, one logs in.', async t => {
  await tenAtOnce(t, await startApp(t))
})

t.test('So does one where all have looked into the store before anybody writes.', async t => {
  const store = new TestStore()
  const looked = gate()
  let looks = 0
  store.trouble = ({ operation, kind }) => {
    if (operation !== 'get' || kind !== 'spent state') return undefined
    if (++looks === 10) looked.open()
    return { heldUntil: looked.pass() }
  }
  await tenAtOnce(t, await startApp(t, { options: { session: { store } } }))
  t.equal(store.logins.length, 1)
})

async function tenAtOnce (t: Test, app: TestApp): Promise<void> {
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  const exchange = hold(app.sentinel, 'token')
  const copies = await Promise.all(Array.from({ length: 10 }, () => browser.copy()))
  let refused = 0
  const callbacks = copies.map(async copy => {
    const answer = await copy.step(callback)
    if (answer.status !== 303) refused += 1
    return answer
  })
  // The one that logs in is the last to be answered.
  await until(() => refused === 9)
  exchange.release()
  const answers = await Promise.all(callbacks)
  t.equal(answers.filter(answer => answer.status === 303).length, 1)
  t.equal(answers.filter(answer => errorCode(answer) === 'LE_AUTH_STATE_SPENT').length, 9)
  t.equal(app.calls('token'), 1)
}

t.test('POST /callback is no route.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  t.equal((await browser.step(callback, { method: 'POST', headers: { 'content-type': 'application/json' } })).status, 405)
  t.equal((await browser.navigate(callback)).status, 200, 'and the state is not spent by it')
})

t.test('A second login in the same browser is a login.', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  await logIn(app, browser)
  const answer = await browser.navigate(app.url('/login?returnTo=/page/again'))
  t.equal(answer.text, 'page /page/again')
  t.equal(app.calls('token'), 2)
})

t.test('Where a login was to end is told to whoever has that login, or its transaction, and to nobody else.', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { session: { store } } })
  const browser = app.browser()
  const callback = await upToCallback(app, browser, '/login?returnTo=/invite/secret')
  const beforeIt = await browser.copy()
  await browser.navigate(callback)
  const other = app.browser()
  await logIn(app, other, ADMIN)
  t.equal((await browser.step(callback)).location, '/invite/secret')
  t.equal((await other.step(callback)).location, '/')
  t.notMatch((await app.browser().navigate(callback)).text, 'secret')
  t.match((await beforeIt.navigate(callback)).text, 'href="/login?returnTo=%2Finvite%2Fsecret"')
})

t.test('A used state is used, also where the store has damaged its record.', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { session: { store } } })
  const browser = app.browser()
  const callback = await upToCallback(app, browser, '/page/there')
  await browser.navigate(callback)
  for (const id of store.records.keys()) {
    if (id.startsWith('le-auth:state:')) store.rewrite(id, record => ({ ...record, leAuth: `${record.leAuth.slice(0, -2)}AA` }))
  }
  // Another process, which remembers nothing of it itself.
  const other = await startApp(t, { sentinel: app.sentinel, options: { session: { store } } })
  t.equal((await (await browser.copy({ [other.origin]: other.server })).step(callback)).location, '/')
  t.equal(errorCode(await new Browser({ [other.origin]: other.server }).navigate(callback)), 'LE_AUTH_STATE_SPENT')
})
