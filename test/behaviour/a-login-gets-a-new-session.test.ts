import t, { type Test } from 'tap'
import { startApp, type TestApp } from '../support/app.ts'
import { isFreeOf } from '../support/checks.ts'
import { ADMIN, AGENT, logIn } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'

async function appWithCart(
  t: Test,
  keep: string[] = []
): Promise<{ app: TestApp; store: TestStore }> {
  const store = new TestStore()
  const app = await startApp(t, {
    options: { store, session: { keep } },
    after: app => {
      app.get('/fill', async ({ session }) => {
        Object.assign(session, { cart: ['a book'], role: 'admin', _csrf: 'planted' })
        return 'filled'
      })
      app.get('/session', async ({ session }) => ({ ...session }))
    }
  })
  return { app, store }
}

t.test(
  'A login removes the earlier session, and the cookie of that session no longer works.',
  async t => {
    const { app, store } = await appWithCart(t)
    const browser = app.browser()
    await browser.navigate(app.url('/fill'))
    const before = await browser.copy()
    const [oldId] = store.ids
    await logIn(app, browser)
    t.notOk(store.ids.includes(oldId!))
    t.equal((await before.script(app.url('/session'))).json().cart, undefined)
    t.equal((await before.script(app.url('/me'))).status, 401)
    t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
  }
)

t.test('Nothing of the earlier session survives a login.', async t => {
  const { app } = await appWithCart(t)
  const browser = app.browser()
  await browser.navigate(app.url('/fill'))
  await logIn(app, browser)
  const session = (await browser.script(app.url('/session'))).json()
  t.same(
    Object.keys(session).filter(key => key !== 'cookie'),
    []
  )
})

t.test('The keys in session.keep survive a login.', async t => {
  const { app } = await appWithCart(t, ['cart', 'never-there'])
  const browser = app.browser()
  await browser.navigate(app.url('/fill'))
  await logIn(app, browser)
  const session = (await browser.script(app.url('/session'))).json()
  t.same(session.cart, ['a book'])
  t.equal(session.role, undefined)
  t.notOk('never-there' in session)
})

t.test(
  'A login creates no session unless the app writes to it, and the store shows no token, no ' +
    'user and no cookie value.',
  async t => {
    const { app, store } = await appWithCart(t, ['cart'])
    const browser = app.browser()
    await logIn(app, browser)
    t.equal(store.ids.filter(id => !id.startsWith('le-auth:')).length, 0)
    t.same(await browser.cookieNames(app.origin), ['le-auth'])
    await browser.navigate(app.url('/fill'))
    const { accessToken } = (await browser.script(app.url('/token'))).json()
    const value = (await browser.jar.getCookies(app.origin)).find(
      ({ key }) => key === 'le-auth'
    )!.value
    const stored = JSON.stringify([store.ids, [...store.records.values()]])
    t.match(stored, 'a book', 'what the app has written is there')
    t.equal(accessToken.length, 64)
    isFreeOf(
      t,
      stored,
      [accessToken, AGENT.id, AGENT.loginName, value],
      'nothing of the login can be read'
    )
  }
)

t.test('A second user in the same browser gets nothing of the first user.', async t => {
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
  t.equal(tokenSets(store).length, 1, 'the tokens of the first user are gone')
  t.notSame(tokenSets(store), firstTokens)
})

function tokenSets(store: TestStore): string[] {
  return store.ids.filter(id => id.startsWith('le-auth:tokens:'))
}

t.test('A failed login changes nothing in the kept session data.', async t => {
  let fail = true
  const app = await startApp(t, {
    options: {
      session: { keep: ['cart' as never] },
      onLogin: (_event, { session }) => {
        ;(session as any).cart.push('a gift')
        if (fail) throw new Error('no')
      }
    },
    after: app => {
      app.get('/fill', async ({ session }) => {
        Object.assign(session, { cart: ['a book'] })
        return 'filled'
      })
      app.get('/session', async ({ session }) => {
        Object.assign(session, { seen: true })
        return { ...session }
      })
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

t.test(
  'An app that overwrites session.leAuth changes neither the login nor the owner of the ' +
    'session.',
  async t => {
    const app = await startApp(t, {
      after: app => {
        app.get('/write', async ({ session }) => {
          Object.assign(session, { leAuth: null, cart: ['a book'] })
          return 'written'
        })
        app.get('/session', async ({ session }) => ({ ...session }))
      }
    })
    const browser = app.browser()
    await logIn(app, browser)
    await browser.navigate(app.url('/write'))
    t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
    t.same((await browser.script(app.url('/session'))).json().cart, ['a book'])
    const before = await browser.copy()
    t.equal((await browser.submit(app.url('/logout'), {})).text, 'hello stranger')
    t.equal((await before.script(app.url('/session'))).json().cart, undefined)
  }
)
