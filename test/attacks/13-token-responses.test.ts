import { gzipSync } from 'node:zlib'
import type { Fault } from '../../lib/emulator/index.ts'
import { startApp } from '../support/app.ts'
import { attack } from '../support/attack/attack.ts'
import { failsCleanly } from '../support/attack/callbacks.ts'
import { errorCode } from '../support/checks.ts'
import { HOUR, MINUTE, SHORT_DEADLINE } from '../support/clock.ts'
import { idTokenOf } from '../support/id-tokens.ts'
import { AGENT, logIn, pendingCallback } from '../support/login.ts'
import { startRawServer } from '../support/servers.ts'
import { GOOD_RESPONSE, MARKER, members, rawMember, replaced } from '../support/token-responses.ts'

const HTML = { 'content-type': 'text/html' }
const INVALID = '502 LE_AUTH_SENTINEL_INVALID'
const UNAVAILABLE = '503 LE_AUTH_SENTINEL_UNAVAILABLE'
const CLIENT = '502 LE_AUTH_CLIENT_REJECTED'
const CODE = '400 LE_AUTH_CALLBACK_INVALID (code_rejected)'

type TokenResponse = [what: string, fault: Fault, expected?: string]

/**
 * An attack with token responses that must log nobody in, and with similar ones that must log a
 * user in. If a similar one has a lifetime, in ms, the token must live that long.
 */
function responses(
  id: string,
  promise: string,
  source: string,
  refused: TokenResponse[],
  accepted: Array<[what: string, fault: Fault, lifetime?: number]> = []
): void {
  attack(id, promise, source, async (t, stage) => {
    stage.secrets.add(MARKER)
    for (const [what, fault, expected = INVALID] of refused) {
      const browser = stage.browser()
      const { url } = await pendingCallback(stage, browser)
      stage.sentinel.next('token', fault)
      const response = await failsCleanly(t, stage, browser, url, what)
      t.equal(`${response.status} ${errorCode(response)}`, expected, what)
    }
    for (const [what, fault, lifetime] of accepted) {
      const browser = stage.browser()
      stage.sentinel.next('token', fault)
      await logIn(stage, browser)
      t.equal(await stage.me(browser), AGENT.id, what)
      const { expiresAt } = (await browser.script(stage.url('/token'))).json()
      t.ok(expiresAt === null || isDate(expiresAt), `${what}: its expiry is a date, or unknown`)
      if (lifetime !== undefined) {
        t.ok(
          Math.abs(Date.parse(expiresAt) - Date.now() - lifetime) < MINUTE,
          `${what}: its lifetime`
        )
      }
    }
    for (const record of stage.store.records.values()) {
      t.ok(isDate(JSON.parse(record).cookie.expires), 'each record has a date as its expiry')
    }
  })
}

function isDate(time: unknown): boolean {
  return typeof time === 'string' && !Number.isNaN(Date.parse(time))
}

responses(
  'TR1',
  'a token response that is not a JSON object logs nobody in',
  'RFC 6749 §5.1',
  [
    ['HTML', replaced(200, `<h1>${MARKER}</h1>`, HTML)],
    ['HTML that says it is JSON', replaced(200, `<h1>${MARKER}</h1>`)],
    ['nothing', replaced(200)],
    ['204', replaced(204)],
    ...[
      'null',
      '[]',
      `"${MARKER}"`,
      '1',
      'true',
      GOOD_RESPONSE.slice(0, -20),
      `${GOOD_RESPONSE}}`
    ].map((body): TokenResponse => [body.slice(0, 12), replaced(200, body)]),
    [
      'good JSON in Latin-1',
      replaced(200, Buffer.from(GOOD_RESPONSE.replace('{', '{"scope":"café",'), 'latin1'))
    ],
    ['bytes that are not UTF-8', replaced(200, Buffer.from([0xff, 0xfe, 0xe9, 0x7b]))],
    [
      'compressed without a request for it',
      replaced(200, gzipSync(GOOD_RESPONSE), { 'content-encoding': 'gzip' })
    ],
    [
      'claims 100,000 arrays deep',
      members({ id_token: idTokenOf('['.repeat(100_000)) }),
      '502 LE_AUTH_ID_TOKEN_INVALID'
    ]
  ],
  [['a byte order mark', { change: response => `\ufeff${JSON.stringify(response)}` }]]
)

responses(
  'TR2',
  'a token response with an error is refused, even with status 200 and with tokens',
  'RFC 6749 §5.2',
  [
    ['an error', replaced(200, `{"error":"invalid_grant","error_description":"${MARKER}"}`)],
    ['tokens and an error', members({ error: 'invalid_grant' })]
  ]
)

responses('TR3', 'an access token must be a text that a header can carry', 'RFC 6750 §2.1', [
  ...[
    undefined,
    '',
    null,
    5,
    { t: MARKER },
    ['x'],
    `${MARKER}\r\nx: y`,
    'a b',
    'x'.repeat(9000),
    'ümlaut'
  ].map((value): TokenResponse => [
    `${JSON.stringify(value)}`.slice(0, 20),
    members({ access_token: value })
  ]),
  ['1 MB', members({ access_token: 'x'.repeat(1024 * 1024) }), UNAVAILABLE]
])

responses(
  'TR4',
  'a token lifetime must be a number of seconds, and is stored as a date',
  'RFC 6749 §5.1',
  [
    ...[-5, 'soon', null, {}, 'NaN', '-5', true, ''].map((value): TokenResponse => [
      `${JSON.stringify(value)}`,
      members({ expires_in: value })
    ]),
    ['1e400', rawMember('expires_in', '1e400')]
  ],
  [
    ['a text of digits', members({ expires_in: '3600' }), HOUR],
    ['a fraction', members({ expires_in: 60.5 })],
    ['half a second', members({ expires_in: 0.5 })],
    ['1e15', members({ expires_in: 1e15 }), 365 * 24 * HOUR]
  ]
)

responses(
  'TR5',
  'the token type must be Bearer, in any letter case',
  'RFC 6749 §7.1',
  [
    ...['mac', 'DPoP', undefined, 5, '', null, 'Bearer '].map((value): TokenResponse => [
      `${JSON.stringify(value)}`,
      members({ token_type: value })
    ])
  ],
  [
    ['bearer', members({ token_type: 'bearer' })],
    ['BEARER', members({ token_type: 'BEARER' })]
  ]
)

responses(
  'TR6',
  'the content type of good JSON does not matter',
  'RFC 6749 §5.1',
  [],
  [
    'application/json',
    'application/json;charset=utf-8',
    'text/plain',
    'application/problem+json',
    ''
  ].map(type => [type, replaced(200, GOOD_RESPONSE, { 'content-type': type })])
)

responses(
  'TR7',
  'any other status is a clean failure, and no exchange is retried',
  'RFC 6749 §4.1.2 and §5.2',
  [
    ...[201, 202, 206, 301, 302, 303, 304, 307, 308, 404, 418].map((status): TokenResponse => [
      String(status),
      replaced(status, status === 304 ? '' : GOOD_RESPONSE, { location: 'http://127.0.0.1:9/' })
    ]),
    ['400 with HTML', replaced(400, `<p>${MARKER}`, HTML)],
    ['400 with nothing', replaced(400)],
    ['400 nested', replaced(400, `{"error":{"statusCode":400,"message":"${MARKER}"}}`)],
    [
      '400 invalid_grant',
      replaced(400, `{"error":"invalid_grant","error_description":"<script>${MARKER}"}`),
      CODE
    ],
    [
      '400 invalid_client',
      replaced(400, `{"error":"invalid_client","error_description":"${MARKER}"}`),
      CLIENT
    ],
    ['400 unauthorized_client', replaced(400, '{"error":"unauthorized_client"}'), CLIENT],
    ['400 with an unknown error', replaced(400, `{"error":"${MARKER}"}`)],
    [
      '401 with a challenge',
      replaced(401, MARKER, { ...HTML, 'www-authenticate': `Basic realm="${MARKER}"` }),
      CLIENT
    ],
    ['401 with HTML', replaced(401, MARKER, HTML), CLIENT],
    ['401 nested', replaced(401, `{"error":{"message":"${MARKER}"}}`), CLIENT],
    ['429', replaced(429, MARKER, { 'retry-after': '1' }), UNAVAILABLE],
    ['500 with HTML', replaced(500, MARKER, HTML), UNAVAILABLE],
    ['500 with invalid_grant', replaced(500, '{"error":"invalid_grant"}'), UNAVAILABLE],
    ['503', replaced(503, MARKER), UNAVAILABLE],
    ['reset before', { cutOff: 'unprocessed' }, UNAVAILABLE],
    ['reset, work done', { cutOff: 'before-response' }, UNAVAILABLE],
    ['reset mid-body', { cutOff: 'mid-body' }, UNAVAILABLE]
  ]
)

attack(
  'TR7',
  'broken HTTP is a clean failure, and HTTP/1.0 is accepted',
  'RFC 9112 §8',
  async t => {
    const header = 'content-type: application/json\r\n'
    const broken: Array<[what: string, bytes: string, status: number]> = [
      ['no HTTP', 'hello\r\n\r\n', 503],
      ['nothing', '', 503],
      [
        'a length too long',
        `HTTP/1.1 200 OK\r\n${header}content-length: ${GOOD_RESPONSE.length + 5}\r\n\r\n${GOOD_RESPONSE}`,
        503
      ],
      [
        'a length too short',
        `HTTP/1.1 200 OK\r\n${header}content-length: ${GOOD_RESPONSE.length - 5}\r\nconnection: close\r\n\r\n${GOOD_RESPONSE}`,
        502
      ],
      [
        'a status that does not exist',
        `HTTP/1.1 999 What\r\n${header}content-length: 2\r\n\r\n{}`,
        503
      ],
      ['1 MB of headers', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(1024 * 1024)}\r\n\r\n`, 503],
      ['broken chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', 503],
      ['HTTP/1.0', `HTTP/1.0 200 OK\r\n${header}\r\n${GOOD_RESPONSE}`, 303]
    ]
    for (const [what, bytes, status] of broken) {
      const server = await startRawServer(t, bytes)
      const app = await startApp(t, {
        options: { httpTimeout: SHORT_DEADLINE, sentinelDomain: server.host }
      })
      const browser = app.browser()
      const { location } = await browser.step(app.url('/login'))
      const state = new URL(location!).searchParams.get('state')
      t.equal(
        (await browser.step(app.url(`/callback?code=a-code-that-is-made-up&state=${state}`)))
          .status,
        status,
        what
      )
      t.equal(server.requests.length, 1, `${what}: one request`)
      t.equal((await browser.script(app.url('/me'))).status, status === 303 ? 200 : 401, what)
    }
  }
)

attack(
  'TR8',
  'unknown members of a token response are ignored',
  'RFC 6749 §5.1',
  async (t, stage) => {
    stage.sentinel.next('token', {
      change: response =>
        JSON.stringify({
          ...response,
          constructor: 'x',
          cookie: 'x',
          sessionId: 'x',
          save: 'x',
          leAuth: { user: { id: 'evil' } }
        }).replace('{', '{"__proto__":{"polluted":true},')
    })
    const browser = stage.browser()
    await logIn(stage, browser)
    t.equal(await stage.me(browser), AGENT.id)
    t.same(Object.keys(JSON.parse(stage.store.records.get(stage.store.logins[0]!)!)).sort(), [
      'cookie',
      'leAuth'
    ])
    t.equal(({} as { polluted?: unknown }).polluted, undefined)
  }
)

responses(
  'TR9',
  'optional members of a token response may be missing',
  'RFC 6749 §5.1',
  [],
  [
    ['no refresh_token', members({ refresh_token: undefined })],
    ['no expires_in', members({ expires_in: undefined })],
    ['another scope', members({ scope: 'less' })]
  ]
)
