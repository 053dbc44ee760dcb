import t, { type Test } from 'tap'
import type { Browser } from '../support/browser.ts'
import { MINUTE } from '../support/clock.ts'
import { AGENT, logIn } from '../support/login.ts'
import { type Fleet, startFleet } from '../support/processes/fleet.ts'
import { everything, startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

/** A refresh that Sentinel has processed, and whose response it holds back. */
interface HeldRefresh {
  issued: () => string | undefined
  release: () => void
}

function holdRefresh({ sentinel }: Fleet): HeldRefresh {
  let issued: string | undefined
  let release = (): void => {}
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  sentinel.next('refresh', {
    change: async response => {
      issued = response.refresh_token
      await held
      return response
    }
  })
  return { issued: () => issued, release }
}

const ofTokenSets = (records: Map<string, string>): string[] =>
  [...records.keys()].filter(key => key.startsWith('sess:le-auth:tokens:'))
const ofLogins = (records: Map<string, string>): string[] =>
  [...records.keys()].filter(key => key.startsWith('sess:le-auth:login:'))

async function isLoggedOutEverywhere(t: Test, fleet: Fleet, ...browsers: Browser[]): Promise<void> {
  for (const browser of browsers) t.equal((await browser.script(fleet.url('/me'))).status, 401)
}

t.test('Two processes that share a Redis share its logins.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const client = await redis.client()

  for (const lock of [undefined, {}]) {
    await t.test(`Two processes share logins ${lock ? 'with' : 'without'} a lock.`, async t => {
      await client.flushAll()
      const fleet = await startFleet(t, {
        size: 2,
        redisUrl: redis.url,
        ...(lock !== undefined && { lock })
      })

      await t.test(
        'One process begins a login and another finishes it; both know the login, and ' +
          'both know when it has ended.',
        async t => {
          const browser = fleet.browser()
          const pages = fleet.output().split('"url":"/login"').length
          t.equal((await logIn(fleet, browser)).text, `hello ${AGENT.id}`)
          t.equal(fleet.output().split('"url":"/login"').length, pages + 1)
          const [one, other] = [await fleet.at(browser, 0), await fleet.at(browser, 1)]
          for (const each of [one, other]) {
            t.equal((await each.script(fleet.url('/me'))).json().id, AGENT.id)
          }
          await one.submit(fleet.url('/logout'), {})
          await isLoggedOutEverywhere(t, fleet, one, other, browser)
          const records = await everything(client)
          t.same([...ofTokenSets(records), ...ofLogins(records)], [])
        }
      )

      if (lock !== undefined) {
        await t.test('A callback that reaches both processes at once logs in once.', async t => {
          const browser = fleet.browser()
          await logIn(fleet, browser)
          for (let i = 0; i < 5; i += 1) {
            const exchanged = fleet.calls('token')
            // Sentinel knows the user by now and shows no login page.
            const loginStep = await browser.step(fleet.url('/login'))
            const { location: callback } = await browser.step(loginStep.location!)
            const both = await Promise.all([0, 1].map(instance => fleet.at(browser, instance)))
            const responses = await Promise.all(both.map(each => each.step(callback!)))
            t.equal(
              responses.filter(({ setCookies }) =>
                setCookies.some(cookie => /^le-auth=[^;]/.test(cookie))
              ).length,
              1
            )
            t.equal(fleet.calls('token') - exchanged, 1)
            const records = await everything(client)
            // The login of the first round replaced the browser's own, whose cookie the copies
            // carry.
            t.same([ofTokenSets(records).length, ofLogins(records).length], [i + 1, i + 1])
          }
        })
      }

      for (const revoke of [false, true]) {
        await t.test(
          `A logout ${revoke ? 'from LivePerson ' : ''}in one process is final even ` +
            'if the other refreshes meanwhile.',
          async t => {
            await client.flushAll()
            const browser = fleet.browser()
            await logIn(fleet, browser)
            const [one, other] = [await fleet.at(browser, 0), await fleet.at(browser, 1)]
            await fleet.advance(61 * MINUTE)
            const refresh = holdRefresh(fleet)
            const late = one.script(fleet.url('/me'))
            await until(() => refresh.issued() !== undefined)
            await other.submit(fleet.url('/logout'), revoke ? { revoke: 'true' } : {})
            refresh.release()
            t.equal((await late).status, 401)
            await isLoggedOutEverywhere(t, fleet, one, other, browser)
            t.same(ofTokenSets(await everything(client)), [])
            const revoked = fleet.sentinel.requests
              .filter(({ endpoint }) => endpoint === 'revoke')
              .map(({ body }) => body?.get('token'))
            t.equal(
              revoked.includes(refresh.issued()),
              revoke,
              'the late tokens are revoked only if the logout revokes'
            )
          }
        )
      }
    })
  }
})
