import t from 'tap'
import { EMULATOR_DEFAULTS, startSentinelEmulator } from '../../lib/emulator/index.ts'
import { startApp } from '../support/app.ts'
import { Clock, HOUR, MINUTE } from '../support/clock.ts'
import { logIn } from '../support/login.ts'

t.test(
  'RF3 Fifty users who refresh together at random delays each get their own tokens.',
  async t => {
    const clock = new Clock()
    const sentinel = await startSentinelEmulator({ now: clock.now })
    t.teardown(() => sentinel.close())
    const users = Array.from({ length: 50 }, (_, i) => ({
      id: `user-${i}`,
      loginName: `user-${i}@example.com`
    }))
    const { users: known } = sentinel.accounts[0]!
    known.push(
      ...users.map(user => ({ ...known[0]!, ...user, password: EMULATOR_DEFAULTS.password }))
    )
    const app = await startApp(t, { sentinel, options: { now: clock.now, idleLifetime: 8 * HOUR } })
    const browsers = []
    for (const user of users) {
      const browser = app.browser()
      await logIn(app, browser, user)
      browsers.push(browser)
    }
    const owners = new Map<string, string>()
    for (let round = 0; round < 2; round += 1) {
      clock.advance(61 * MINUTE)
      for (let i = 0; i < users.length; i += 1) {
        sentinel.next('refresh', { delayMs: Math.floor(Math.random() * 100) })
      }
      const responses = await Promise.all(
        browsers.flatMap((browser, i) =>
          ['/me', '/token', '/token'].map(async path => ({
            i,
            path,
            response: await browser.script(app.url(path))
          }))
        )
      )
      for (const { i, path, response } of responses) {
        t.equal(response.status, 200)
        if (path === '/me') t.equal(response.json().id, `user-${i}`)
        else owners.set(response.json().accessToken, `user-${i}`)
      }
      for (const [i, browser] of browsers.entries()) {
        t.equal((await browser.script(app.url('/users'))).json().status, 200)
        sentinel.expireAccessTokens(users[i]!.id)
        // A token as young as this one is not refreshed after a 401.
        t.equal(
          (await browser.script(app.url('/users'))).json().status,
          401,
          `user-${i} has the token that Sentinel issued for them`
        )
      }
      t.equal(app.calls('refresh'), 50 * (round + 1))
    }
    t.equal(owners.size, 100, 'each token was issued to one user only')
  }
)
