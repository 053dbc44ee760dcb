import t, { type Test } from 'tap'
import { attack, type Stage } from '../support/attack/attack.ts'
import { errorCode } from '../support/checks.ts'
import { SHORT_DEADLINE } from '../support/clock.ts'
import {
  respond,
  bytes,
  type Fault,
  gzipBomb,
  huge,
  startFaultProxy
} from '../support/fault-proxy.ts'
import { claimsWith, idToken, idTokenOf } from '../support/id-tokens.ts'
import { AGENT } from '../support/login.ts'
import { flood, startMeasuredApp } from '../support/processes/measured.ts'
import { startServer } from '../support/servers.ts'

const MB = 1024 * 1024
/** How late a response may be on a busy machine. */
const LATE = 4000
const proxy = await startFaultProxy(t)
const behindProxy = { options: { domainApi: proxy.url, httpTimeout: SHORT_DEADLINE } }
const JSON_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'

/** A token response that logs a user in. */
const good = (changes: object = {}): string =>
  JSON.stringify({
    access_token: 'an-access-token-that-works',
    token_type: 'Bearer',
    refresh_token: 'a-refresh-token-that-works',
    expires_in: 3600,
    id_token: idToken(),
    ...changes
  })

/**
 * Asserts at most one request, a clean refusal, nobody logged in, nothing stored, and a state that
 * is used even for a browser that still has the earlier cookies.
 *
 * @returns the code of the error
 */
async function failsClean(t: Test, stage: Stage, what: string): Promise<string | undefined> {
  const browser = stage.browser()
  const query = `code=A&state=${await stage.login(browser)}`
  const cookiesOfBefore = await browser.copy()
  const failed = await stage.callback(browser, query)
  t.match(`${failed.status} ${errorCode(failed)}`, /^(400|502|503) LE_AUTH_\w+$/, what)
  t.equal(await stage.me(browser), null, `${what}: nobody is logged in`)
  t.same([...stage.store.tokenSets, ...stage.store.logins], [], `${what}: nothing is stored`)
  t.equal(
    errorCode(await stage.callback(cookiesOfBefore, query)),
    'LE_AUTH_CALLBACK_INVALID (state_used)',
    `${what}: the state is used`
  )
  return errorCode(failed)
}

const compressed = (size: number): Fault =>
  respond(200, gzipBomb(size), ['content-type: application/json', 'content-encoding: gzip'])
const encodings = (count: number, name = 'gzip'): Fault =>
  respond(200, gzipBomb(MB), [
    'content-type: application/json',
    `content-encoding: ${Array.from({ length: count }, () => name).join(',')}`
  ])
const withHeader = (name: string, size: number): Fault =>
  respond(200, good(), ['content-type: application/json', `${name}: ${'x'.repeat(size)}`])

const heavy: Array<[what: string, fault: Fault]> = [
  ['64 MB, with a content-length', huge(64 * MB, { told: true })],
  ['64 MB, without a content-length', huge(64 * MB)],
  ['a good response and 2 MB of blanks', respond(200, good() + ' '.repeat(2 * MB))],
  ...[1, 16, 64, 256, 1024].map((size): [string, Fault] => [
    `a gzip bomb of ${size} MB`,
    compressed(size * MB)
  ]),
  ...[1, 5, 100, 2500, 5000].map((count): [string, Fault] => [
    `${count} content encodings`,
    encodings(count)
  ]),
  ['5000 unknown encodings', encodings(5000, 'x')],
  ['a header of 1 MB', withHeader('x-large', MB)],
  ['a cookie of 1 MB', withHeader('set-cookie', MB)],
  [
    '100,000 headers',
    respond(
      200,
      good(),
      Array.from({ length: 100_000 }, (_, index) => `x-${index}: y`)
    )
  ],
  ['a status line of 1 MB', bytes(`HTTP/1.1 200 ${'x'.repeat(MB)}\r\n\r\n`)],
  [
    'a chunk whose size is a terabyte',
    bytes(`${JSON_HEAD}transfer-encoding: chunked\r\n\r\nffffffffff\r\n${' '.repeat(2 * MB)}`)
  ],
  [
    'a chunk extension of 1 MB',
    bytes(`${JSON_HEAD}transfer-encoding: chunked\r\n\r\n1;x=${'y'.repeat(MB)}\r\n`)
  ],
  [
    'a challenge that takes long to parse',
    respond(401, '{}', [`www-authenticate: ${'A '.repeat(7000)}`])
  ],
  ['a challenge of commas', respond(401, '{}', [`www-authenticate: ${','.repeat(14_000)}`])]
]

attack(
  'DS5',
  'token responses that are huge, compressed or all headers fail cleanly',
  'CVE-2026-22036',
  async (t, stage) => {
    proxy.standBefore(stage.sentinel)
    for (const [what, fault] of heavy) {
      proxy.strike('token', fault)
      const calls = proxy.calls('token')
      await failsClean(t, stage, what)
      t.equal(proxy.calls('token'), calls + 1, `${what}: one request`)
    }
  },
  behindProxy
)

attack(
  'DS5',
  'huge and compressed token responses cost no memory, and are not read to their end',
  'CVE-2026-22036',
  async (t, stage) => {
    proxy.standBefore(stage.sentinel)
    const app = await startMeasuredApp(t, stage, {
      domainApi: proxy.url,
      httpTimeout: SHORT_DEADLINE
    })
    const fails = async (): Promise<void> => {
      const browser = app.browser()
      const state = new URL((await browser.step(app.url('/login'))).location!).searchParams.get(
        'state'
      )
      t.match((await browser.step(app.url(`/callback?code=A&state=${state}`))).status, /^50[23]$/)
    }
    proxy.strike('token', respond(500))
    await flood(50, 5, fails)
    await app.measure()
    const before = await app.measure()
    for (const [what, fault] of heavy) {
      const sent = proxy.sent()
      proxy.strike('token', fault)
      await fails()
      t.ok(
        proxy.sent() - sent < 16 * MB,
        `${what}: ${((proxy.sent() - sent) / MB).toFixed(1)} MB were sent`
      )
    }
    const after = await app.measure()
    t.ok(
      after.peak - before.peak < 50 * MB,
      `at most ${((after.peak - before.peak) / MB).toFixed(1)} MB above the start`
    )
    t.ok(after.heap - before.heap < 5 * MB)
  }
)

attack(
  'DS5',
  'only status 200 logs a user in, of all statuses from 100 to 599',
  'RFC 6749 §5.1, RFC 9110 §15',
  async (t, stage) => {
    proxy.standBefore(stage.sentinel)
    const other = await startServer(t, (_request, response) => response.end(good()))
    const location = `location: ${other.url}/token`
    proxy.strike('token', (wire, body, response) =>
      respond(Number(new URLSearchParams(body).get('code')), good(), [
        'content-type: application/json',
        location
      ])(wire, body, response)
    )
    await flood(500, 25, async index => {
      const status = 100 + index
      const browser = stage.browser()
      const query = `code=${status}&state=${await stage.login(browser)}`
      const cookiesOfBefore = await browser.copy()
      const failed = await stage.callback(browser, query)
      if (status === 200) {
        t.equal(await stage.me(browser), AGENT.id, 'the response itself is good')
        return
      }
      if ((await stage.me(browser)) !== null) t.fail(`${status} logs in`)
      if (!/^(400|502|503) LE_AUTH_/.test(`${failed.status} ${errorCode(failed)}`)) {
        t.fail(`${status} leads to ${failed.status}`)
      }
      if (
        errorCode(await stage.callback(cookiesOfBefore, query)) !==
        'LE_AUTH_CALLBACK_INVALID (state_used)'
      ) {
        t.fail(`${status} leaves the state usable`)
      }
    })
    t.equal(proxy.calls('token'), 500, 'each code was sent once')
    t.equal(stage.store.tokenSets.length, 1)
    t.same(other.requests, [], 'no code was sent to another server')
  },
  behindProxy
)

/** Claims with one more claim, written as raw JSON. */
const withClaim = (json: string): string =>
  JSON.stringify(claimsWith({ more: '@' })).replace('"@"', json)

attack(
  'DS6',
  'oversized and deep tokens and JSON fail cleanly and fast',
  'CVE-2025-61920',
  async (t, stage) => {
    proxy.standBefore(stage.sentinel)
    const nested = (depth: number, open = '[', close = ']'): string =>
      open.repeat(depth) + close.repeat(depth)
    const [header, payload, signature] = idToken().split('.')
    const bodies: Array<[what: string, body: string]> = [
      [
        'a header segment of 10 MB',
        good({ id_token: `${'e'.repeat(10 * MB)}.${payload}.${signature}` })
      ],
      [
        'a header segment of 900 KB',
        good({ id_token: `${'e'.repeat(900_000)}.${payload}.${signature}` })
      ],
      [
        'a payload segment of 900 KB',
        good({ id_token: `${header}.${'e'.repeat(900_000)}.${signature}` })
      ],
      ['900,000 dots', good({ id_token: '.'.repeat(900_000) })],
      ['100,000 arrays', nested(100_000)],
      ['100,000 objects', nested(100_000, '{"a":', '}').replace(':}', ':1}')],
      [
        '100,000 arrays in a header',
        good({
          id_token: `${Buffer.from(`{"alg":"RS256","x":${nested(100_000)}}`).toString('base64url')}.e30.${signature}`
        })
      ],
      [
        '100,000 arrays instead of a token',
        good().replace(/"id_token":"[^"]*"/, `"id_token":${nested(100_000)}`)
      ],
      ['100,000 arrays that do not end', '['.repeat(100_000)],
      ['100,000 arrays in a claim', good({ id_token: idTokenOf(withClaim(nested(100_000))) })],
      [
        '100,000 objects in a claim',
        good({ id_token: idTokenOf(withClaim(nested(50_000, '{"a":', '}').replace(':}', ':1}'))) })
      ]
    ]
    for (const [what, body] of bodies) {
      proxy.strike('token', respond(200, body))
      const began = Date.now()
      await failsClean(t, stage, what)
      t.ok(Date.now() - began < LATE, `${what}: ${Date.now() - began} ms`)
    }
    const large: Array<[what: string, token: string]> = [
      ['a claim of 9 KB', idToken({ more: 'x'.repeat(9000) })],
      ['a header of 100 KB', idToken({}, { more: 'x'.repeat(100_000) })]
    ]
    for (const [what, token] of large) {
      proxy.strike('token', respond(200, good({ id_token: token })))
      t.equal(
        await failsClean(t, stage, what),
        'LE_AUTH_ID_TOKEN_INVALID',
        `${what}, in a token that is good otherwise`
      )
    }
  },
  { options: { domainApi: proxy.url } }
)
