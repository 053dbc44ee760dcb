import { EventEmitter } from 'node:events'
import createMemoryStore from 'memorystore'
import t from 'tap'
import { startApp } from '../support/app.ts'
import { Clock, HOUR, MINUTE } from '../support/clock.ts'
import { logIn } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'

const DAY = 24 * HOUR
/** What memorystore uses of express-session. */
const expressSession = { Store: EventEmitter }

t.test('The package memorystore keeps each record for its own time.', async t => {
  const store = new (createMemoryStore(expressSession as never))({}) as any
  const app = await startApp(t, {
    options: { store, absoluteLifetime: 3 * DAY },
    after: app =>
      app.get('/remember', async ({ session }) => Object.assign(session, { cart: 1 }) && 'ok')
  })
  const browser = app.browser()
  await logIn(app, browser)
  await browser.script(app.url('/remember'))
  const lives = (kind: string): number => {
    const entries = store.store.dump().filter(({ k }: { k: string }) => k.includes(kind))
    t.equal(entries.length, 1, kind)
    return entries[0].e - Date.now()
  }
  for (const [kind, lifetime] of [
    ['le-auth:login:', 3 * DAY],
    ['le-auth:tokens:', 3 * DAY],
    ['le-auth:state:', HOUR]
  ] as const) {
    const left = lives(kind)
    t.ok(left <= lifetime && left > lifetime - MINUTE, `${kind} ${left}`)
  }
  const sessions = store.store.dump().filter(({ k }: { k: string }) => !k.startsWith('le-auth:'))
  t.equal(sessions.length, 1)
  t.ok(sessions[0].e - Date.now() > 3 * DAY - MINUTE, 'the session of the app as well')
})

t.test('Each record says in three ways how long it is needed, as stores read it.', async t => {
  const store = new TestStore()
  const clock = new Clock()
  const app = await startApp(t, { options: { store, now: clock.now, absoluteLifetime: 3 * DAY } })
  await logIn(app, app.browser())
  t.ok(store.ids.length >= 3)
  for (const id of store.ids) {
    const { cookie } = JSON.parse(store.records.get(id)!)
    const lifetime = id.startsWith('le-auth:state:') ? HOUR : 3 * DAY
    t.ok(cookie.maxAge <= lifetime && cookie.maxAge > lifetime - MINUTE, `${id} ${cookie.maxAge}`)
    t.equal(cookie.originalMaxAge, cookie.maxAge)
    const left = Date.parse(cookie.expires) - Date.now()
    t.ok(left <= lifetime && left > lifetime - MINUTE, `${id} ${cookie.expires}`)
  }
})
