import t from 'tap'
import { MemoryStore } from '../../lib/store/memory-store.js'
import { logIn, startApp } from '../support/app.js'
import { Clock, MINUTE } from '../support/clock.js'
import { CountingStore } from '../support/counting-store.js'

t.test('A visitor gets no session and no cookie, whatever is asked for.', async t => {
  const store = new CountingStore(new MemoryStore(1000, Date.now))
  const app = await startApp(t, { options: { session: { store } } })
  const browser = app.browser()
  for (const path of ['/', '/me', '/page/x', '/nowhere', '/callback?state=x']) {
    t.same((await browser.step(app.url(path))).setCookies, [], path)
  }
  t.same(store.calls, { get: 0, set: 0, destroy: 0 })
})

t.test('A login that is begun and never finished leaves nothing on the server.', async t => {
  const store = new CountingStore(new MemoryStore(1000, Date.now))
  const app = await startApp(t, { options: { session: { store } } })
  for (let i = 0; i < 50; i += 1) await app.browser().step(app.url('/login'))
  t.same(store.calls, { get: 0, set: 0, destroy: 0 })
})

t.test('A logged-in user who only reads causes no new cookie, and no write but one every few minutes.', async t => {
  const clock = new Clock()
  const store = new CountingStore(new MemoryStore(1000, clock.now))
  const app = await startApp(t, { options: { now: clock.now, session: { store } }, emulator: { now: clock.now } })
  const browser = app.browser()
  await logIn(app, browser)
  const { set } = store.calls
  for (let i = 0; i < 20; i += 1) t.same((await browser.script(app.url('/me'))).setCookies, [])
  t.equal(store.calls.set, set)
  clock.advance(6 * MINUTE)
  for (let i = 0; i < 20; i += 1) await browser.script(app.url('/me'))
  t.equal(store.calls.set, set + 1)
})
