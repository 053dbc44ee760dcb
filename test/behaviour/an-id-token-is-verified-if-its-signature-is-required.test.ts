import t, { type Test } from 'tap'
import type { Fault } from '../../lib/emulator/index.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { errorCode, userIn } from '../support/checks.ts'
import { Clock, HOUR, MINUTE, SECOND, SHORT_DEADLINE } from '../support/clock.ts'
import { idToken, publicJwk } from '../support/id-tokens.ts'
import { AGENT, logIn } from '../support/login.ts'
import { members } from '../support/token-responses.ts'
import { until } from '../support/wait.ts'

const clock = new Clock()

function appThatRequiresSignatures(t: Test): Promise<TestApp> {
  return startApp(t, {
    options: {
      idTokenSignature: 'required',
      idleLifetime: 8 * HOUR,
      httpTimeout: SHORT_DEADLINE,
      now: clock.now
    },
    emulator: { now: clock.now }
  })
}

/** How a login ends: `in`, or the status, code and reason of its failure. */
async function login(app: TestApp): Promise<string> {
  const browser = app.browser()
  const page = await logIn(app, browser)
  if (userIn(await browser.script(app.url('/me'))) === AGENT.id) return 'in'
  const { code, reason } = app.events().findLast(({ event }) => event === 'login_failed')
  return `${page.status} ${code} ${reason}`
}

t.test('By default no signature is checked, and no key is fetched.', async t => {
  const app = await startApp(t)
  for (const key of ['published', 'unpublished', '1024-bit'] as const) {
    app.sentinel.behaviour.idTokenKey = key
    t.equal(await login(app), 'in', key)
  }
  t.equal(app.calls('jwks'), 0)
})

t.test('A published key is fetched once in ten minutes, however many log in.', async t => {
  const app = await appThatRequiresSignatures(t)
  let letGo = (): void => {}
  const gate = new Promise<void>(resolve => {
    letGo = resolve
  })
  app.sentinel.next('jwks', { change: keys => gate.then(() => keys) })
  const logins = Promise.all([login(app), login(app), login(app)])
  await until(() => app.calls('token') === 3)
  letGo()
  t.same(await logins, ['in', 'in', 'in'])
  clock.advance(9 * MINUTE)
  t.equal(await login(app), 'in')
  t.equal(app.calls('jwks'), 1)
  clock.advance(MINUTE)
  t.equal(await login(app), 'in')
  t.equal(app.calls('jwks'), 2)
})

t.test('Any other key is refused, and the log says why and what to do.', async t => {
  const app = await appThatRequiresSignatures(t)
  for (const [key, reason] of [
    ['unpublished', 'kid'],
    ['1024-bit', 'key_too_short']
  ] as const) {
    app.sentinel.behaviour.idTokenKey = key
    clock.advance(10 * MINUTE)
    t.equal(await login(app), `502 LE_AUTH_ID_TOKEN_INVALID ${reason}`)
    const { hint } = app.events().findLast(({ event }) => event === 'login_failed')
    t.match(hint, /^idTokenSignature is 'required', but .* leave the option out\.$/)
  }
})

t.test('A new key is found by fetching again once, and then there is a pause.', async t => {
  const app = await appThatRequiresSignatures(t)
  const { behaviour } = app.sentinel
  t.equal(await login(app), 'in')
  behaviour.idTokenKey = 'rotated'
  t.same(await Promise.all([login(app), login(app)]), ['in', 'in'])
  t.equal(app.calls('jwks'), 2, 'fetched again, once for both')
  behaviour.idTokenKey = 'published'
  t.equal(await login(app), 'in', 'the older key is still published')

  behaviour.idTokenKey = 'unpublished'
  t.equal(await login(app), '502 LE_AUTH_ID_TOKEN_INVALID kid')
  t.equal(app.calls('jwks'), 2, 'not fetched within the pause')
  clock.advance(31 * SECOND)
  t.equal(await login(app), '502 LE_AUTH_ID_TOKEN_INVALID kid')
  t.equal(await login(app), '502 LE_AUTH_ID_TOKEN_INVALID kid')
  t.equal(app.calls('jwks'), 3, 'fetched after the pause, once')
})

const OUTAGES: Array<[Fault, reason: string]> = [
  [{ status: 500 }, 'http_500'],
  [{ status: 503, body: JSON.stringify({ keys: [publicJwk()] }) }, 'http_503'],
  [{ status: 429 }, 'http_429'],
  [{ cutOff: 'unprocessed' }, 'UND_ERR_SOCKET'],
  [{ cutOff: 'mid-body' }, 'UND_ERR_SOCKET'],
  [{ hang: true }, 'timeout'],
  [{ change: keys => ({ ...keys, x: 'x'.repeat(1_100_000) }) }, 'too_large']
]
const NONSENSE: Array<[Fault, reason: string]> = [
  [{ status: 404 }, 'http_404'],
  [{ status: 302, headers: { location: 'https://evil.example/keys' } }, 'http_302'],
  [{ status: 204 }, 'http_204'],
  [{ status: 200, body: '<html>' }, 'malformed'],
  [{ change: () => null }, 'malformed'],
  [{ change: ({ keys }) => keys }, 'malformed'],
  [{ change: () => ({ keys: ['a key'] }) }, 'malformed'],
  [{ change: ({ keys }) => ({ keys: [{ ...keys[0], n: undefined }] }) }, 'malformed']
]

t.test('If the keys cannot be fetched, nobody is logged in without the check.', async t => {
  const expectations = [
    ...OUTAGES.map(([fault, reason]) => [fault, `503 LE_AUTH_SENTINEL_UNAVAILABLE ${reason}`]),
    ...NONSENSE.map(([fault, reason]) => [fault, `502 LE_AUTH_SENTINEL_INVALID ${reason}`])
  ] as Array<[Fault, string]>
  for (const [fault, expected] of expectations) {
    const app = await appThatRequiresSignatures(t)
    app.sentinel.next('jwks', fault)
    t.equal(await login(app), expected)
    clock.advance(10 * MINUTE)
    t.equal(await login(app), 'in', 'the next login works')
  }
})

t.test('An outage stops only those logins that need a key which is not known.', async t => {
  const app = await appThatRequiresSignatures(t)
  const { behaviour } = app.sentinel
  t.equal(await login(app), 'in')
  app.sentinel.always('jwks', { status: 503 })
  t.equal(await login(app), 'in')
  behaviour.idTokenKey = 'rotated'
  for (let times = 0; times < 2; times += 1) {
    t.equal(await login(app), '503 LE_AUTH_SENTINEL_UNAVAILABLE http_503')
  }
  behaviour.idTokenKey = 'published'
  t.equal(await login(app), 'in', 'what was known is kept')
  clock.advance(10 * MINUTE)
  t.equal(await login(app), '503 LE_AUTH_SENTINEL_UNAVAILABLE http_503', 'for ten minutes only')
})

t.test('An id_token that comes with a refresh is verified as well.', async t => {
  const app = await appThatRequiresSignatures(t)
  app.sentinel.behaviour.rotateRefreshToken = false
  app.sentinel.always('jwks', { change: ({ keys }) => ({ keys: [...keys, publicJwk()] }) })
  const browser = app.browser()
  await logIn(app, browser)
  const fresh = (header: { kid: string }): string => {
    const iat = Math.floor(clock.now() / 1000)
    return idToken({ iat, exp: iat + 600 }, header)
  }

  clock.advance(61 * MINUTE)
  app.sentinel.next('refresh', members({ id_token: fresh({ kid: 'unknown' }) }))
  const refused = await browser.script(app.url('/me'))
  t.equal(`${refused.status} ${errorCode(refused)}`, '503 LE_AUTH_REFRESH_UNAVAILABLE')

  clock.advance(MINUTE)
  app.sentinel.next('refresh', members({ id_token: fresh({ kid: 'ours' }) }))
  t.equal((await browser.script(app.url('/me'))).status, 200)
  t.equal(app.calls('refresh'), 2)
})
