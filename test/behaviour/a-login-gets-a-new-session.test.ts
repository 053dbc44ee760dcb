import t, { type Test } from 'tap'
import { MemoryStore } from '../../lib/session/memory-store.js'
import { ADMIN, AGENT, logIn, startApp, type TestApp } from '../support/app.js'
import { CountingStore } from '../support/counting-store.js'

async function appWithCart (t: Test, keepOnLogin: string[] = []): Promise<{ app: TestApp, store: CountingStore }> {
  const store = new CountingStore(new MemoryStore(1000, Date.now))
  const app = await startApp(t, {
    options: { session: { store }, keepOnLogin },
    after: app => {
      app.get('/fill', async ({ session }) => { Object.assign(session, { cart: ['a book'], role: 'admin', _csrf: 'planted' }); return 'filled' })
      app.get('/session', async ({ session }) => ({ ...session }))
    }
  })
  return { app, store }
}

t.test('with a new id, the old session is gone and its cookie worth nothing', async t => {
  const { app, store } = await appWithCart(t)
  const browser = app.browser()
  await browser.navigate(app.url('/fill'))
  const before = await browser.copy()
  const [oldId] = store.ids()
  await logIn(app, browser)
  t.notOk(store.ids().includes(oldId!))
  t.equal((await before.script(app.url('/me'))).status, 401)
  t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
})

t.test('nothing of the session before survives', async t => {
  const { app } = await appWithCart(t)
  const browser = app.browser()
  await browser.navigate(app.url('/fill'))
  await logIn(app, browser)
  const session = (await browser.script(app.url('/session'))).json()
  t.same(Object.keys(session).filter(key => key !== 'cookie'), ['leAuth'])
})

t.test('but the keys of keepOnLogin', async t => {
  const { app } = await appWithCart(t, ['cart', 'never-there'])
  const browser = app.browser()
  await browser.navigate(app.url('/fill'))
  await logIn(app, browser)
  const session = (await browser.script(app.url('/session'))).json()
  t.same(session.cart, ['a book'])
  t.equal(session.role, undefined)
  t.notOk('never-there' in session)
})

t.test('the session is small, and holds no token', async t => {
  const { app, store } = await appWithCart(t)
  const browser = app.browser()
  await logIn(app, browser)
  const { accessToken } = (await browser.script(app.url('/token'))).json()
  const records = store.records()
  const session = records.find(record => record.leAuth !== undefined)!
  t.same(Object.keys(session.leAuth as object), ['user', 'accountId', 'clientId', 'loggedInAt', 'activeAt', 'tokenSetId'])
  t.equal(accessToken.length, 64)
  t.notMatch(JSON.stringify(records), accessToken, 'nor does any record hold one in clear')
})

t.test('another user in the same browser gets nothing of the first', async t => {
  const { app, store } = await appWithCart(t)
  const browser = app.browser()
  await logIn(app, browser, AGENT)
  await browser.navigate(app.url('/fill'))
  const firstTokens = tokenSets(store)
  t.equal(firstTokens.length, 1)
  const first = await browser.copy()

  app.sentinel.revokeUser('12345678', AGENT.id)
  await logIn(app, browser, ADMIN)
  t.equal((await browser.script(app.url('/me'))).json().id, ADMIN.id)
  t.equal((await browser.script(app.url('/session'))).json().cart, undefined)
  t.equal((await first.script(app.url('/me'))).status, 401)
  t.equal(tokenSets(store).length, 1, 'the first token set is gone')
  t.notSame(tokenSets(store), firstTokens)
})

function tokenSets (store: CountingStore): string[] {
  return store.ids().filter(id => id.startsWith('le-auth:tokens:'))
}

t.test('a login that failed has changed nothing that was kept', async t => {
  let fail = true
  const app = await startApp(t, {
    options: {
      keepOnLogin: ['cart' as never],
      onLogin: (_event, { session }) => { (session as any).cart.push('a gift'); if (fail) throw new Error('no') }
    },
    after: app => {
      app.get('/fill', async ({ session }) => { Object.assign(session, { cart: ['a book'] }); return 'filled' })
      app.get('/session', async ({ session }) => { Object.assign(session, { seen: true }); return { ...session } })
    }
  })
  const browser = app.browser()
  await browser.navigate(app.url('/fill'))
  await logIn(app, browser)
  t.same((await browser.script(app.url('/session'))).json().cart, ['a book'])
  fail = false
  await browser.navigate(app.url('/login'))
  t.same((await browser.script(app.url('/session'))).json().cart, ['a book', 'a gift'])
})

t.test('also where the app has emptied what the plugin keeps in it', async t => {
  const app = await startApp(t, { after: app => app.get('/empty', async ({ session }) => { Object.assign(session, { leAuth: null }); return 'emptied' }) })
  const browser = app.browser()
  await logIn(app, browser)
  await browser.navigate(app.url('/empty'))
  t.equal((await browser.script(app.url('/me'))).status, 401)
  t.equal((await browser.submit(app.url('/logout'), {})).text, 'hello stranger')
  await browser.navigate(app.url('/login'))
  t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
})
