import cookie from '@fastify/cookie'
import session from '@fastify/session'
import type { FastifyInstance } from 'fastify'
import { EMULATOR_DEFAULTS, startSentinelEmulator } from '../../lib/emulator/index.ts'
import leAuth, { type LeAuthOptions } from '../../lib/index.ts'
import { SECRET, startApp, startScopedApp } from '../support/app.ts'
import { attack } from '../support/attack/attack.ts'
import { failsCleanly, expectRefused } from '../support/attack/callbacks.ts'
import { errorCode } from '../support/checks.ts'
import { idToken } from '../support/id-tokens.ts'
import { AGENT, upToCallback } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'

const queryOf = (url: string): string => new URL(url).searchParams.toString()

attack(
  'MX1',
  'a callback that names another issuer is refused',
  'RFC 9207 §2.4, RFC 9700 §4.4',
  async (t, stage) => {
    const refused = [
      'iss=https://evil.example',
      'iss=xsentinel',
      'iss=sentinel/',
      'iss=SENTINEL',
      'iss=%20sentinel',
      'iss=sentinel&iss=sentinel',
      'iss=Sentinel&iss=sentinel',
      'iss=sentinel&iss=https://evil.example',
      'iss=https://evil.example&iss=sentinel'
    ]
    for (const iss of refused) {
      const browser = stage.browser()
      const query = `${queryOf(await upToCallback(stage, browser))}&${iss}`
      const cookiesOfBefore = await browser.copy()
      const response = await expectRefused(t, stage, browser, query)
      t.equal(errorCode(response), 'LE_AUTH_CALLBACK_INVALID (malformed)')
      t.equal(
        errorCode(await expectRefused(t, stage, cookiesOfBefore, query.replace(`&${iss}`, ''))),
        'LE_AUTH_CALLBACK_INVALID (state_used)'
      )
    }
    t.equal(stage.exchanges(), 0)
    t.equal(stage.store.logins.length, 0)
  }
)

attack(
  'MX1',
  'a callback with the right issuer, or with none, is accepted',
  'RFC 9207 §2.4',
  async (t, stage) => {
    for (const iss of ['iss=sentinel', 'iss=Sentinel', 'iss=', '']) {
      const browser = stage.browser()
      t.equal(
        (await stage.callback(browser, `${queryOf(await upToCallback(stage, browser))}&${iss}`))
          .status,
        303,
        iss
      )
      t.equal(await stage.me(browser), AGENT.id)
    }
  }
)

attack(
  'MX2',
  'a login begun for one account cannot finish for another',
  'CVE-2026-73419',
  async t => {
    const store = new TestStore()
    const register = (app: FastifyInstance, prefix: string, options: LeAuthOptions) =>
      app.register(
        async scope => {
          await scope.register(leAuth, options)
          scope.get('/me', { preHandler: scope.requireAuth }, async ({ leAuth }) => ({
            accountId: leAuth!.accountId
          }))
        },
        { prefix }
      )
    const app = await startScopedApp(t, {
      callbacks: ['/a/callback', '/b/callback'],
      build: async (app, optionsAt) => {
        await app.register(cookie)
        await app.register(session, {
          secret: SECRET,
          store,
          cookie: { secure: 'auto' },
          saveUninitialized: false
        })
        await register(app, '/a', optionsAt('/a/callback'))
        await register(app, '/b', {
          ...optionsAt('/b/callback'),
          accountId: EMULATOR_DEFAULTS.secondAccountId
        })
      }
    })
    const browser = app.browser()
    const begun = await browser.step(app.url('/a/login'))
    await browser.step(app.url('/b/login'))
    const callback = new URL(await app.sentinel.signIn(begun.location!, AGENT.loginName))
    const crossed = await browser.step(app.url(`/b/callback${callback.search}`))
    t.equal(
      `${crossed.status} ${errorCode(crossed)}`,
      '400 LE_AUTH_CALLBACK_INVALID (state_mismatch)'
    )
    t.equal(app.calls('token'), 0)
    t.equal(store.records.size, 0)
    t.equal(
      (await browser.step(callback.href)).status,
      303,
      'it can still finish for the account it was begun for'
    )
    t.match(
      app.sentinel.requests.find(({ endpoint }) => endpoint === 'token')!.path,
      `/account/${EMULATOR_DEFAULTS.accountId}/`
    )
    t.same((await browser.script(app.url('/a/me'))).json(), {
      accountId: EMULATOR_DEFAULTS.accountId
    })
    t.equal(
      (await browser.script(app.url('/b/me'))).status,
      401,
      'the login is for that account alone'
    )
    const again = await browser.step(app.url(`/b/callback${callback.search}`))
    t.equal(`${again.status} ${errorCode(again)}`, '400 LE_AUTH_CALLBACK_INVALID (state_mismatch)')
    t.equal(app.calls('token'), 1)
  }
)

attack(
  'MX2',
  'a login begun for one client or account cannot finish for another at the same redirect URI',
  'CVE-2026-73419',
  async (t, stage) => {
    for (const options of [
      { clientId: 'another-client' },
      { accountId: EMULATOR_DEFAULTS.secondAccountId }
    ]) {
      const other = await startApp(t, { sentinel: stage.sentinel, options })
      const browser = stage.browser()
      const callback = await upToCallback(stage, browser)
      const there = await browser.copy({ [stage.origin]: other.server })
      const crossed = await there.step(callback)
      t.equal(
        `${crossed.status} ${errorCode(crossed)}`,
        '400 LE_AUTH_CALLBACK_INVALID (state_mismatch)',
        JSON.stringify(options)
      )
      t.equal((await there.script(stage.url('/me'))).status, 401)
      t.equal(stage.exchanges(), 0)
    }
  }
)

attack(
  'MX3',
  'a code goes to the Sentinel where its login began, and to no other',
  'RFC 9700 §4.4.2, RFC 8414 §6.2',
  async (t, stage) => {
    const newSentinel = await startSentinelEmulator()
    t.teardown(() => newSentinel.close())
    const browser = stage.browser()
    const callback = await upToCallback(stage, browser)
    stage.sentinel.always('domain', {
      change: response => ({ ...response, baseURI: newSentinel.host })
    })
    // Another process of the same app has not called the Domain API before.
    const restarted = await startApp(t, {
      sentinel: stage.sentinel,
      options: { store: stage.store }
    })
    const after = await browser.copy({ [stage.origin]: restarted.server })
    t.equal(
      new URL((await after.step(stage.url('/login'))).location!).origin,
      newSentinel.url,
      'a new login begins at the new Sentinel'
    )
    t.equal((await after.step(callback)).status, 303)
    t.equal(stage.exchanges(), 1)
    t.same(
      newSentinel.requests.map(({ endpoint }) => endpoint),
      [],
      'the new Sentinel never gets the code of the old one'
    )
    t.equal(await stage.me(await after.copy({ [stage.origin]: stage.server })), AGENT.id)
  }
)

const FOREIGN = [
  'https://evil.example',
  'sentinel/',
  ['sentinel'],
  ['Sentinel'],
  'xsentinel',
  'SENTINEL',
  'sEntinel',
  'sentinel ',
  ' Sentinel',
  'sentinel\u0000',
  '',
  null,
  undefined,
  0,
  { sentinel: true }
]

attack(
  'MX4',
  'an id_token from another issuer logs nobody in',
  'OpenID Connect Core §3.1.3.7',
  async (t, stage) => {
    for (const iss of FOREIGN) {
      const browser = stage.browser()
      const callback = await upToCallback(stage, browser)
      stage.sentinel.next('token', {
        change: response => ({ ...response, id_token: idToken({ iss }) })
      })
      await failsCleanly(t, stage, browser, callback, JSON.stringify(iss) ?? 'missing', 502)
    }
  }
)

attack(
  'MX4',
  'both of Sentinel’s spellings of its issuer are accepted',
  'OpenID Connect Core §3.1.3.7',
  async (t, stage) => {
    for (const iss of ['sentinel', 'Sentinel']) {
      const browser = stage.browser()
      const callback = await upToCallback(stage, browser)
      stage.sentinel.next('token', {
        change: response => ({ ...response, id_token: idToken({ iss }) })
      })
      t.equal((await browser.step(callback)).status, 303, iss)
      t.equal(await stage.me(browser), AGENT.id)
    }
  }
)
