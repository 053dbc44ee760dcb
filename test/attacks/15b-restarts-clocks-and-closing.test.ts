import t from 'tap'
import { SECRET, startApp } from '../support/app.ts'
import { attack } from '../support/attack/attack.ts'
import { errorCode } from '../support/checks.ts'
import { MINUTE, SECOND, SHORT_DEADLINE } from '../support/clock.ts'
import { silent, startFaultProxy } from '../support/fault-proxy.ts'
import { AGENT, logIn, upToCallback } from '../support/login.ts'
import { until } from '../support/wait.ts'

const proxy = await startFaultProxy(t)
/** How late a response may be on a busy machine. */
const LATE = 4000

attack(
  'FT5',
  'a login that began before a restart finishes after it, or fails with a ' +
    'clear text under another secret',
  'RFC 6749 §10.12',
  async (t, stage) => {
    for (const [secret, status] of [
      [SECRET, 303],
      ['another secret, of more than 32 characters', 400]
    ] as const) {
      const browser = stage.browser()
      const callback = await upToCallback(stage, browser, '/page/one')
      const restarted = await startApp(t, { sentinel: stage.sentinel, options: { secret } })
      const after = await browser.copy({ [stage.origin]: restarted.server })
      const response = await after.step(callback)
      t.equal(response.status, status)
      if (status === 303) {
        t.equal(response.location, '/page/one')
        continue
      }
      t.equal(errorCode(response), 'LE_AUTH_CALLBACK_INVALID (state_mismatch)')
      t.match(response.text, /Finish the login in that tab, or start again/)
      t.equal((await after.script(stage.url('/me'))).status, 401)
    }
  }
)

const skews: Array<[what: string, ahead: number, code: string | undefined]> = [
  ['50 s behind Sentinel', -50 * SECOND, undefined],
  ['50 s ahead', 50 * SECOND, undefined],
  ['5 min ahead, within the lifetime of an id_token', 5 * MINUTE, undefined],
  ['5 min behind', -5 * MINUTE, 'LE_AUTH_ID_TOKEN_INVALID'],
  ['12 min ahead', 12 * MINUTE, 'LE_AUTH_ID_TOKEN_INVALID']
]
for (const [what, ahead, code] of skews) {
  attack(
    'FT5',
    `a clock that is ${what} ${code === undefined ? 'does no harm' : 'logs nobody in'}`,
    'RFC 7519 §4.1.4, §4.1.6',
    async (t, stage) => {
      const browser = stage.browser()
      const response = await logIn(stage, browser, AGENT, '/login?returnTo=/me')
      t.equal(errorCode(response), code)
      t.equal(await stage.me(browser), code === undefined ? AGENT.id : null)
      t.equal(stage.store.tokenSets.length, code === undefined ? 1 : 0)
      if (code !== undefined) {
        t.match(stage.logLines.join(''), /check clientId and this server's clock/)
      }
    },
    { options: { now: () => Date.now() + ahead } }
  )
}

for (const forceCloseConnections of [true, false, 'idle'] as const) {
  attack(
    'FT5',
    `an app that is closed during an exchange closes within the deadline (forceCloseConnections: ${forceCloseConnections})`,
    'RFC 9110 §7.6.1',
    async (t, stage) => {
      proxy.standBefore(stage.sentinel)
      proxy.strike('token', silent)
      const browser = stage.browser()
      const state = await stage.login(browser)
      // Fastify closes the connections that a browser keeps alive, so this test uses none.
      const failing = browser
        .step(stage.url(`/callback?code=A&state=${state}`), { headers: { connection: 'close' } })
        .then(
          response => response.status,
          () => 'cut off'
        )
      await until(() => proxy.calls('token') === 1)
      const began = Date.now()
      await stage.app.close()
      t.ok(Date.now() - began < SHORT_DEADLINE + LATE, `${Date.now() - began} ms`)
      t.match(await failing, forceCloseConnections === true ? /cut off|503/ : /503/)
      t.same([...stage.store.tokenSets, ...stage.store.logins], [])
      t.equal(proxy.calls('token'), 1)
    },
    {
      options: { domainApi: proxy.url, httpTimeout: SHORT_DEADLINE },
      fastify: { forceCloseConnections }
    }
  )
}
