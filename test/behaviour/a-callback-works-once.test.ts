import t, { type Test } from 'tap'
import { ADMIN, AGENT, errorCode, logIn, startApp, upToCallback, type TestApp } from '../support/app.js'
import { Browser } from '../support/browser.js'
import { SlowStore } from '../support/slow-store.js'
import { TestStore } from '../support/stores.js'

t.test('reloaded while the session lives, it goes on to the return path and asks Sentinel nothing', async t => {
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

t.test('with the back button after a logout, it says that the login has ended', async t => {
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

t.test('with the cookies of before, it does not log in a second time', async t => {
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

t.test('after a failed exchange, the state is spent', async t => {
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

for (const [where, session] of [['in memory', {}], ['in a store that all look into before anybody writes', { store: new SlowStore(20) }]] as const) {
  t.test(`ten times at once, one logs in: ${where}`, async t => {
    await tenAtOnce(t, await startApp(t, { options: { session } }))
  })
}

async function tenAtOnce (t: Test, app: TestApp): Promise<void> {
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  app.sentinel.next('token', { delayMs: 50 })
  const copies = await Promise.all(Array.from({ length: 10 }, () => browser.copy()))
  const answers = await Promise.all(copies.map(copy => copy.step(callback)))
  t.equal(answers.filter(answer => answer.status === 303).length, 1)
  // Whoever is late finds a login that is finished.
  t.equal(answers.filter(answer => /^LE_AUTH_(STATE_SPENT|LOGIN_FINISHED)$/.test(errorCode(answer) ?? '')).length, 9)
  t.equal(app.calls('token'), 1)
}

t.test('POST /callback is no route', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  const callback = await upToCallback(app, browser)
  t.equal((await browser.step(callback, { method: 'POST', headers: { 'content-type': 'application/json' } })).status, 405)
  t.equal((await browser.navigate(callback)).status, 200, 'and the state is not spent by it')
})

t.test('a second login over a live session is a login', async t => {
  const app = await startApp(t)
  const browser = app.browser()
  await logIn(app, browser)
  const answer = await browser.navigate(app.url('/login?returnTo=/page/again'))
  t.equal(answer.text, 'page /page/again')
  t.equal(app.calls('token'), 2)
})

t.test('where a login was to end is told to whoever has that login, or its transaction, and to nobody else', async t => {
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

t.test('a note of a finished login that a store has damaged is one of a spent state', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { session: { store } } })
  const browser = app.browser()
  const callback = await upToCallback(app, browser, '/page/there')
  await browser.navigate(callback)
  for (const id of store.records.keys()) {
    if (id.startsWith('le-auth:state:')) store.rewrite(id, record => ({ ...record, leAuthNote: { login: { tokenSetId: 5 } } }))
  }
  // Another process, which remembers nothing of it itself.
  const other = await startApp(t, { sentinel: app.sentinel, options: { session: { store } } })
  t.equal((await (await browser.copy({ [other.origin]: other.server })).step(callback)).location, '/')
  t.equal(errorCode(await new Browser({ [other.origin]: other.server }).navigate(callback)), 'LE_AUTH_STATE_SPENT')
})
