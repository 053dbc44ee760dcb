import t from 'tap'
import { attack } from '../support/attack/attack.ts'
import { errorCode } from '../support/checks.ts'
import { HandTimers, MINUTE } from '../support/clock.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { AGENT, logIn, logOut } from '../support/login.ts'
import { until } from '../support/wait.ts'

const FLOOD = 200
/** How many code exchanges run at a time. */
const AT_ONCE = 50

const proxy = await startFaultProxy(t)
// Only the test lets a deadline pass.
const timers = new HandTimers(MINUTE)

attack(
  'WF4',
  'made-up codes at a hanging Sentinel open a bounded number of connections, and the rest are ' +
    'refused in time',
  'RFC 6819 §4.4.1.11, CWE-770',
  async (t, stage) => {
    proxy.standBefore(stage.sentinel)
    const member = stage.browser()
    await logIn(stage, member)
    stage.sentinel.always('token', { hang: true })
    const [calls, open] = [stage.calls('token'), proxy.open()]
    const visitors = await Promise.all(
      Array.from({ length: FLOOD }, async () => {
        const browser = stage.browser()
        return { browser, query: `code=made-up&state=${await stage.login(browser)}` }
      })
    )
    const flood = Promise.all(visitors.map(({ browser, query }) => stage.callback(browser, query)))
    await until(() => timers.pending === FLOOD)
    await until(() => stage.calls('token') === calls + AT_ONCE)

    t.equal((await member.script(stage.url('/renew'))).status, 200, 'a refresh goes through')
    await logOut(stage, member, { revoke: 'true' })
    t.equal(stage.calls('revoke'), 1, 'a revocation goes through')
    t.ok(proxy.open() <= open + AT_ONCE + 2, `${proxy.open()} connections`)

    timers.fire()
    const ends = new Map<string, number>()
    for (const response of await flood) {
      const end = `${response.status} ${errorCode(response)}`
      ends.set(end, (ends.get(end) ?? 0) + 1)
    }
    t.same([...ends], [['503 LE_AUTH_SENTINEL_UNAVAILABLE', FLOOD]])
    const reasons = stage.events().map(({ reason }) => reason)
    t.equal(reasons.filter(reason => reason === 'timeout').length, AT_ONCE)
    t.equal(reasons.filter(reason => reason === 'too_many_calls').length, FLOOD - AT_ONCE)
    t.equal(stage.calls('token'), calls + AT_ONCE, 'the rest were never sent')

    stage.sentinel.always('token', null)
    await logIn(stage, member)
    t.equal(await stage.me(member), AGENT.id, 'a login works again')
  },
  {
    options: { domainApi: proxy.url, httpTimeout: MINUTE, timers },
    after: app => {
      app.get('/renew', { onRequest: app.requireAuth }, async request => {
        await request.leAuth!.refresh()
        return 'renewed'
      })
    }
  }
)
