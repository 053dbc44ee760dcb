import t, { type Test } from 'tap'
import type { SentinelEmulator } from '../../lib/emulator/index.ts'
import { startApp, type TestApp } from '../support/app.ts'
import type { PageResponse, Browser } from '../support/browser.ts'
import { errorCode } from '../support/checks.ts'
import { Clock, HOUR, MINUTE } from '../support/clock.ts'
import { loggedIn } from '../support/logged-in.ts'
import { AGENT, logIn, logOut } from '../support/login.ts'
import { isTokenWrite, type StoreCall, TestStore } from '../support/stores.ts'
import { twoApps, type TwoApps } from '../support/two-apps.ts'
import { gate, type Gate, type HeldResponse, hold, until } from '../support/wait.ts'

// Some servers do not know a replaced refresh token: they respond 200 to its revocation and do
// nothing (RFC 7009 §2.2).

const isEnd = ({ operation, kind }: StoreCall): boolean =>
  operation === 'destroy' && kind === 'login'
const REVOKING = { revoke: 'true' }

function revoked(sentinel: SentinelEmulator): Array<string | null> {
  return sentinel.requests
    .filter(({ endpoint }) => endpoint === 'revoke')
    .map(({ body }) => body!.get('token'))
}

/** The refresh tokens that Sentinel issues from now on, newest last. */
function given(sentinel: SentinelEmulator): string[] {
  const tokens: string[] = []
  sentinel.always('refresh', {
    change: response => {
      tokens.push(String(response['refresh_token']))
      return response
    }
  })
  return tokens
}

/** An app with its own logout route, which waits before it logs out and revokes. */
async function slowLogout(t: Test): Promise<Gate & { app: TestApp }> {
  const handler = gate()
  const app = await startApp(t, {
    after: app => {
      app.get('/fresh', { onRequest: app.requireAuth }, async ({ leAuth }) =>
        leAuth!.refresh().then(() => 'fresh')
      )
      app.post('/bye', { onRequest: app.requireAuth }, async ({ leAuth }) => {
        await handler.pass()
        return leAuth!.logout({ revoke: true })
      })
    }
  })
  return { app, ...handler }
}

/**
 * Two apps as two processes; the refresh of one is done at Sentinel, and its response is held back.
 */
async function heldRefresh(
  t: Test
): Promise<
  TwoApps & { there: Browser; held: HeldResponse; late: Promise<PageResponse>; fresh: string }
> {
  const apps = await twoApps(t, { behaviour: { reuseKillsFamily: false } })
  const browser = apps.one.browser()
  await logIn(apps.one, browser)
  const there = await apps.toOther(browser)
  apps.clock.advance(61 * MINUTE)
  const held = hold(apps.sentinel, 'refresh')
  const late = browser.script(apps.one.url('/me'))
  const { refresh_token: fresh } = await held.ready()
  return { ...apps, there, held, late, fresh }
}

t.test(
  'The newest tokens are revoked if another request has refreshed them since the logout ' +
    'began.',
  async t => {
    const { app, reached, open } = await slowLogout(t)
    const tokens = given(app.sentinel)
    const browser = app.browser()
    await logIn(app, browser)
    const bye = browser.script(app.url('/bye'), { method: 'POST' })
    await reached()
    t.equal((await browser.script(app.url('/fresh'))).text, 'fresh')
    open()
    t.same((await bye).json(), { revoked: true })
    t.same(revoked(app.sentinel), tokens)
  }
)

t.test(
  'A revoking logout after a plain one reports that the login has ended, not that tokens ' +
    'were revoked.',
  async t => {
    const { app, reached, open } = await slowLogout(t)
    const browser = app.browser()
    await logIn(app, browser)
    const bye = browser.script(app.url('/bye'), { method: 'POST' })
    await reached()
    await (await browser.copy()).submit(app.url('/logout'), {})
    open()
    t.equal(errorCode(await bye), 'LE_AUTH_LOGIN_REQUIRED')
    t.same(revoked(app.sentinel), [])
  }
)

t.test('New tokens that the store failed to save are revoked at logout.', async t => {
  const clock = new Clock()
  const store = new TestStore()
  const app = await startApp(t, {
    options: { now: clock.now, store, idleLifetime: 8 * HOUR },
    emulator: { now: clock.now }
  })
  const tokens = given(app.sentinel)
  const browser = app.browser()
  await logIn(app, browser)
  clock.advance(61 * MINUTE)
  store.trouble = call => (isTokenWrite(call) ? 'error' : undefined)
  t.equal(errorCode(await browser.script(app.url('/me'))), 'LE_AUTH_STORE_UNAVAILABLE')
  store.trouble = () => undefined
  await browser.submit(app.url('/logout'), { revoke: 'true' })
  t.ok(
    revoked(app.sentinel).includes(tokens[0]!),
    'together with the earlier ones, which another process may have used'
  )
  t.equal(tokens.length, 1)
})

t.test(
  'The tokens of a refresh in progress are revoked, even if another request finds the ended ' +
    'login first.',
  async t => {
    const { one, other, sentinel, there, held, late: winner, fresh } = await heldRefresh(t)
    const loser = there.script(other.url('/me'))
    await until(() => one.calls('refresh') === 2)
    t.equal((await logOut(other, there, REVOKING)).status, 303)
    t.equal((await loser).status, 401)
    held.release()
    t.equal((await winner).status, 401)
    t.ok(revoked(sentinel).includes(fresh))
  }
)

t.test(
  'The tokens of a refresh in progress are revoked if a plain logout finishes after the ' +
    'revoking one.',
  async t => {
    const { one, other, sentinel, clock, toOther } = await twoApps(t)
    for (const sameProcess of [true, false]) {
      const browser = one.browser()
      await logIn(one, browser)
      clock.advance(61 * MINUTE)
      const held = hold(sentinel, 'refresh')
      const late = browser.script(one.url('/me'))
      const { refresh_token: fresh } = await held.ready()
      const [app, plain] = sameProcess
        ? [one, await browser.copy()]
        : [other, await toOther(browser)]
      await Promise.all([logOut(one, browser, REVOKING), logOut(app, plain)])
      held.release()
      t.equal((await late).status, 401)
      t.ok(revoked(sentinel).includes(fresh), sameProcess ? 'in one process' : 'in two processes')
    }
  }
)

t.test(
  'The tokens of a refresh in progress are revoked if a plain logout in another process ' +
    'begins before the revoking one and finishes after it.',
  async t => {
    const { one, other, sentinel, store, there, held, late, fresh } = await heldRefresh(t)
    const removal = gate()
    store.trouble = call => (isEnd(call) ? { heldUntil: removal.pass() } : undefined)
    // Both browsers are logged in when they send the logout.
    const plain = logOut(other, there)
    await removal.reached()
    store.trouble = () => undefined
    t.equal(
      (await logOut(one, await there.copy({ [one.origin]: one.server }), REVOKING)).status,
      303
    )
    removal.open()
    t.equal((await plain).status, 303)
    held.release()
    t.equal((await late).status, 401)
    t.ok(revoked(sentinel).includes(fresh))
    t.same([store.logins, store.tokenSets], [[], []])
  }
)

t.test(
  'Tokens that a refresh in another process stored during the logout are revoked.',
  async t => {
    const { one, other, sentinel, clock, store, toOther } = await twoApps(t, {
      behaviour: { reuseKillsFamily: false }
    })
    const tokens = given(sentinel)
    const browser = one.browser()
    await logIn(one, browser)
    const there = await toOther(browser)
    clock.advance(61 * MINUTE)
    const removal = gate()
    store.trouble = call => (isEnd(call) ? { heldUntil: removal.pass() } : undefined)
    const logout = logOut(other, there, REVOKING)
    await removal.reached()
    store.trouble = () => undefined
    t.equal((await browser.script(one.url('/me'))).status, 200)
    removal.open()
    t.equal((await logout).status, 303)
    t.equal(tokens.length, 1)
    t.same(revoked(sentinel), tokens)
    t.same(store.tokenSets, [])
  }
)

t.test(
  'The tokens of a refresh in another process are revoked if it finds the login ended ' +
    'before the logout is done.',
  async t => {
    const { other, sentinel, store, there, held, late, fresh } = await heldRefresh(t)
    const reading = gate()
    store.trouble = ({ operation, kind }) =>
      operation === 'get' && kind === 'token set' && store.logins.length === 0
        ? { heldUntil: reading.pass() }
        : undefined
    const logout = logOut(other, there, REVOKING)
    await reading.reached()
    store.trouble = () => undefined
    held.release()
    t.equal((await late).status, 401)
    reading.open()
    t.equal((await logout).status, 303)
    t.ok(revoked(sentinel).includes(fresh))
    t.same(store.tokenSets, [])
  }
)

t.test(
  'The tokens of a refresh in progress are revoked even if the first read of the revocation ' +
    'record fails.',
  async t => {
    const { other, sentinel, store, there, held, late, fresh } = await heldRefresh(t)
    // The refresh has read its record and is about to write.
    const writing = gate()
    let failures = 0
    store.trouble = call => {
      if (isTokenWrite(call)) return { heldUntil: writing.pass() }
      if (call.operation !== 'get' || call.kind !== 'revocation' || failures > 0) return undefined
      failures += 1
      return 'error'
    }
    held.release()
    await writing.reached()
    t.equal((await logOut(other, there, REVOKING)).status, 303)
    writing.open()
    t.equal((await late).status, 401)
    t.equal(failures, 1)
    t.ok(revoked(sentinel).includes(fresh))
  }
)

t.test(
  'The tokens of a refresh in progress are revoked even if the store cannot remove the ' +
    'ended login.',
  async t => {
    const clock = new Clock()
    const store = new TestStore()
    const app = await startApp(t, {
      options: { now: clock.now, store, idleLifetime: 8 * HOUR },
      emulator: { now: clock.now, behaviour: { reuseKillsFamily: false } }
    })
    const browser = app.browser()
    await logIn(app, browser)
    clock.advance(61 * MINUTE)
    const held = hold(app.sentinel, 'refresh')
    const late = browser.script(app.url('/me'))
    const { refresh_token: fresh } = await held.ready()
    store.trouble = ({ operation }) => (operation === 'destroy' ? 'error' : undefined)
    t.equal(errorCode(await logOut(app, browser, REVOKING)), 'LE_AUTH_STORE_UNAVAILABLE')
    held.release()
    await late
    t.ok(revoked(app.sentinel).includes(fresh))
  }
)

t.test(
  'A second logout after a failed one revokes the newest tokens in the store, and the log ' +
    'says if that fails.',
  async t => {
    for (const fault of [null, { status: 503 }]) {
      const store = new TestStore()
      const app = await startApp(t, { options: { store } })
      const browser = app.browser()
      await logIn(app, browser)
      store.trouble = ({ operation }) => (operation === 'destroy' ? 'error' : undefined)
      t.equal(errorCode(await logOut(app, browser, REVOKING)), 'LE_AUTH_STORE_UNAVAILABLE')
      store.trouble = () => undefined
      const before = app.calls('revoke')
      if (fault !== null) app.sentinel.next('revoke', fault)
      t.equal((await logOut(app, browser, REVOKING)).status, 303)
      t.equal(app.calls('revoke'), before + 1)
      t.same([store.logins, store.tokenSets], [[], []])
      const failed = app.events().filter(({ event }) => event === 'revocation_failed')
      t.same(
        failed.map(({ reason }) => reason),
        fault === null ? [] : ['http_503']
      )
    }
  }
)

t.test('If the revocation of late tokens fails, the log says so.', async t => {
  const { app, clock, browser } = await loggedIn(t, { behaviour: { reuseKillsFamily: false } })
  clock.advance(61 * MINUTE)
  const held = hold(app.sentinel, 'refresh')
  const late = browser.script(app.url('/me'))
  const { refresh_token: fresh } = await held.ready()
  t.equal((await logOut(app, browser, REVOKING)).status, 303)
  app.sentinel.next('revoke', { status: 503 })
  held.release()
  t.equal((await late).status, 401)
  t.match(
    app.events().find(({ event }) => event === 'revocation_failed'),
    {
      accountId: '12345678',
      userId: AGENT.id,
      code: 'LE_AUTH_REVOCATION_FAILED',
      reason: 'http_503'
    }
  )
  t.notMatch(app.logLines.join(''), fresh)
})

t.test(
  'If the tokens in the store cannot be decrypted, the tokens that the process knows are ' +
    'revoked.',
  async t => {
    const store = new TestStore()
    const app = await startApp(t, { options: { store } })
    const browser = app.browser()
    let given = ''
    app.sentinel.next('token', {
      change: response => {
        given = response.refresh_token
        return response
      }
    })
    await logIn(app, browser)
    store.rewrite(store.tokenSets[0]!, record => ({ ...record, leAuth: 'changed' }))
    await browser.submit(app.url('/logout'), REVOKING)
    t.match(app.events().at(-1), { event: 'logout', revoked: true })
    t.same([revoked(app.sentinel), store.tokenSets], [[given], []])
  }
)

t.test(
  'If a process knows no tokens that it can decrypt, the log says that there was nothing to ' +
    'revoke.',
  async t => {
    const { one, other, store, sentinel, toOther } = await twoApps(t)
    const browser = one.browser()
    await logIn(one, browser)
    store.rewrite(store.tokenSets[0]!, record => ({ ...record, leAuth: 'changed' }))
    await (await toOther(browser)).submit(other.url('/logout'), REVOKING)
    t.match(other.events().at(-1), { event: 'logout', revoked: false, reason: 'no_refresh_token' })
    t.same([revoked(sentinel), store.tokenSets, store.logins], [[], [], []])
  }
)
