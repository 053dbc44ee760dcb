import t from 'tap'
import { startApp } from '../support/app.ts'
import { Clock, MINUTE } from '../support/clock.ts'
import { logIn } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'

t.test('A visitor gets no session and no cookie, whatever is asked for.', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { store } })
  const browser = app.browser()
  for (const path of ['/', '/me', '/page/x', '/nowhere', '/callback?state=x']) {
    t.same((await browser.step(app.url(path))).setCookies, [], path)
  }
  t.same(store.calls, [])
})

t.test('A login that is begun and never finished leaves nothing on the server.', async t => {
  const store = new TestStore()
  const app = await startApp(t, { options: { store } })
  for (let i = 0; i < 50; i += 1) await app.browser().step(app.url('/login'))
  t.same(store.calls, [])
})

t.test(
  'A logged-in user who only reads gets no new cookie, and causes only one write every few ' +
    'minutes.',
  async t => {
    const clock = new Clock()
    const store = new TestStore()
    const app = await startApp(t, {
      options: { now: clock.now, store },
      emulator: { now: clock.now }
    })
    const browser = app.browser()
    await logIn(app, browser)
    const writes = (): number => store.calls.filter(({ operation }) => operation === 'set').length
    const before = writes()
    for (let i = 0; i < 20; i += 1) t.same((await browser.script(app.url('/me'))).setCookies, [])
    t.equal(writes(), before)
    clock.advance(6 * MINUTE)
    for (let i = 0; i < 20; i += 1) await browser.script(app.url('/me'))
    t.equal(writes(), before + 1)
  }
)
