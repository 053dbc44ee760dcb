import t from 'tap'
import { Browser, Clock, MINUTE, loginNames, password, start } from './support.ts'

t.test('a login page works only in the browser that opened it', async t => {
  const sentinel = await start(t)
  const mine = new Browser(sentinel)
  const page = await mine.openLogin()
  const other = new Browser(sentinel)
  t.equal((await other.get(page)).status, 400, 'a browser without ibs_id')
  await other.openLogin()
  const form = { username: loginNames.agent, password }
  t.equal((await other.post(page, form)).status, 400, 'a browser with another ibs_id')
  t.equal((await mine.get(page)).status, 200)
  t.equal((await mine.get('/sentinel/login')).status, 400, 'a request without the id of the login')
})

t.test('two tabs of a browser can log in independently', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  const one = await browser.openLogin({ state: 'one' })
  const two = await browser.openLogin({ state: 'two' })
  for (const [page, state] of [
    [one, 'one'],
    [two, 'two']
  ] as const) {
    const back = await browser.post(page, { username: loginNames.agent, password })
    t.equal(new URL(back.headers.get('location') ?? '').searchParams.get('state'), state)
  }
})

t.test('an ibs_id that the emulator did not issue is replaced', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  browser.cookies.set('ibs_id', 'planted')
  await browser.openLogin()
  t.match(browser.cookies.get('ibs_id'), /^[0-9a-f]{64}$/)
})

t.test('a login page is valid for ten minutes', async t => {
  const clock = new Clock()
  const sentinel = await start(t, { now: clock.now })
  const browser = new Browser(sentinel)
  const page = await browser.openLogin()
  clock.pass(10 * MINUTE - 1)
  t.equal((await browser.get(page)).status, 200)
  clock.pass(1)
  const late = await browser.post(page, { username: loginNames.agent, password })
  t.equal(late.status, 400)
  t.match(await late.text(), 'This sign-in has expired')
})

t.test('a login page is refused after its application was removed', async t => {
  const sentinel = await start(t)
  const browser = new Browser(sentinel)
  const page = await browser.openLogin()
  sentinel.accounts[0]?.applications.pop()
  t.equal((await browser.get(page)).status, 400)
})
