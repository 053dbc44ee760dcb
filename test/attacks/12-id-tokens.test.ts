import { RedisStore } from 'connect-redis'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { attack, type Stage } from '../support/attack/attack.ts'
import { failsCleanly } from '../support/attack/callbacks.ts'
import { errorCode } from '../support/checks.ts'
import { MINUTE } from '../support/clock.ts'
import {
  claimsWith,
  hmac,
  idToken,
  idTokenBy,
  idTokenOf,
  PUBLIC_PEM,
  unsigned
} from '../support/id-tokens.ts'
import { AGENT, logIn, pendingCallback } from '../support/login.ts'
import { everything, startRedis } from '../support/redis.ts'
import { members } from '../support/token-responses.ts'

const { clientId, clientSecret } = EMULATOR_DEFAULTS

/** A token, or a function that makes it just in time, for times that would pass before. */
type Token = [what: string, token: unknown]

/** An attack with tokens that must log nobody in, and similar tokens that must log a user in. */
function tokens(
  id: string,
  promise: string,
  source: string,
  refused: Token[],
  accepted: Array<[...Token, userId?: string]> = [],
  code = 'LE_AUTH_ID_TOKEN_INVALID'
): void {
  attack(id, promise, source, async (t, stage) => {
    for (const [what, token] of refused) t.equal(await codeFor(t, stage, token, what), code, what)
    for (const [what, token, userId = AGENT.id] of accepted) {
      const browser = stage.browser()
      stage.sentinel.next('token', members({ id_token: made(token) }))
      await logIn(stage, browser)
      t.equal(await stage.me(browser), userId, what)
    }
    t.equal(stage.calls('jwks'), 0, 'no key is fetched')
  })
}

async function codeFor(
  t: Test,
  stage: Stage,
  token: unknown,
  what: string
): Promise<string | undefined> {
  const browser = stage.browser()
  const { url } = await pendingCallback(stage, browser)
  stage.sentinel.next('token', members({ id_token: made(token) }))
  return errorCode(await failsCleanly(t, stage, browser, url, what))
}

function made(token: unknown): unknown {
  return typeof token === 'function' ? token() : token
}

function seconds(fromNow: number): number {
  return Math.floor((Date.now() + fromNow) / 1000)
}

function claim(name: string, json: string): string {
  return idTokenOf(JSON.stringify(claimsWith({ [name]: '@' })).replace('"@"', json))
}

tokens(
  'ID1',
  'an id_token without a signature is refused',
  'OpenID Connect Core §3.1.3.7, CVE-2021-44878, CVE-2026-28802',
  [
    ['alg none', unsigned({ alg: 'none' })],
    ['alg None', unsigned({ alg: 'None' })],
    ['alg nOnE', unsigned({ alg: 'nOnE' }, 'c2ln')],
    ['no alg', unsigned({}, 'c2ln')],
    ['empty signature', unsigned({ alg: 'RS256' })]
  ]
)

tokens(
  'ID2',
  'an id_token signed with a shared secret is refused, whatever the secret',
  'RFC 8725 §3.1, CVE-2023-48223, CVE-2026-34950, CVE-2026-44351',
  [
    ['the client secret', hmac(clientSecret)],
    ['a public key', hmac(PUBLIC_PEM)],
    ['a public key and a space', hmac(` ${PUBLIC_PEM}`)],
    ['an empty key', hmac('')]
  ]
)

tokens(
  'ID3',
  'only RS256 is accepted; TLS stands in for the check of its signature',
  'OpenID Connect Core §3.1.3.7 (6)',
  [
    ['ES256', idTokenBy('ES256')],
    ['PS256', idTokenBy('PS256')],
    ['RS512', idTokenBy('RS512')]
  ],
  [['RS256 of an unknown key, as docs/security.md says', idToken()]]
)

tokens(
  'ID4',
  'the issuer must be the word sentinel; a similar word is refused',
  'OpenID Connect Core §3.1.3.7 (2), RFC 8725 §3.8',
  [
    ['none', idToken({ iss: undefined })],
    ['SENTINEL', idToken({ iss: 'SENTINEL' })],
    ['a slash', idToken({ iss: 'sentinel/' })],
    ['a space', idToken({ iss: 'sentinel ' })],
    ['an array', idToken({ iss: ['sentinel'] })],
    ['a number', idToken({ iss: 1 })],
    ['empty', idToken({ iss: '' })]
  ]
)

tokens('ID5', 'an id_token for another client is refused', 'OpenID Connect Core §3.1.3.7 (3)', [
  ['other', idToken({ aud: 'other' })],
  ['none', idToken({ aud: undefined })],
  ['empty', idToken({ aud: '' })],
  ['null', idToken({ aud: null })],
  ['a number', idToken({ aud: 5 })],
  ['a part of ours', idToken({ aud: clientId.slice(0, -1) })]
])

tokens(
  'ID6',
  'this client must be the authorized party of an id_token with several audiences',
  'OpenID Connect Core §3.1.3.7 (3 to 5)',
  [
    ['two, no azp', idToken({ aud: [clientId, 'other'] })],
    ['two, azp other', idToken({ aud: [clientId, 'other'], azp: 'other' })],
    ['one other', idToken({ aud: ['other'] })],
    ['ours alone, azp other', idToken({ azp: 'other' })],
    ['empty', idToken({ aud: [] })],
    ['an array within', idToken({ aud: [[clientId]] })],
    ['the older issuer and aud other', idToken({ iss: 'Sentinel', aud: 'other' })]
  ],
  [
    ['ours alone', idToken({ aud: [clientId] })],
    ['two, azp ours', idToken({ aud: [clientId, 'other'], azp: clientId })]
  ]
)

tokens(
  'ID7',
  'an id_token must have an expiry time, a number, at most a minute in the past',
  'OpenID Connect Core §3.1.3.7 (9)',
  [
    ['expired beyond the leeway', () => idToken({ exp: seconds(-61_000) })],
    ['none', idToken({ exp: undefined })],
    ['a string', () => idToken({ exp: String(seconds(10 * MINUTE)) })],
    ['NaN as a string', idToken({ exp: 'NaN' })],
    ['null', idToken({ exp: null })],
    ['negative', idToken({ exp: -1 })],
    ['1e300', claim('exp', '1e300')],
    ['1e400', claim('exp', '1e400')]
  ],
  [
    ['within the leeway', () => idToken({ exp: seconds(-30_000) })],
    // A NumericDate may have a fraction (RFC 7519 §2).
    ['a fraction', () => idToken({ exp: seconds(60_000) + 0.5 })]
  ]
)

tokens(
  'ID8',
  'an id_token must have an issue time, not in the future',
  'OpenID Connect Core §3.1.3.7 (10), RFC 7519 §4.1.5',
  [
    ['no iat', idToken({ iat: undefined })],
    ['an hour ahead', () => idToken({ iat: seconds(60 * MINUTE), exp: seconds(70 * MINUTE) })],
    ['a string', () => idToken({ iat: String(seconds(0)) })],
    ['1e300', claim('iat', '1e300')],
    ['nbf ahead', () => idToken({ nbf: seconds(10 * MINUTE) })],
    ['nbf a string', idToken({ nbf: 'now' })],
    [
      'issued a week ago, and expired',
      () => idToken({ iat: seconds(-7 * 24 * 60 * MINUTE), exp: seconds(-6 * 24 * 60 * MINUTE) })
    ]
  ],
  [
    ['within the leeway', () => idToken({ iat: seconds(30_000) })],
    [
      'issued a week ago, and not expired',
      () => idToken({ iat: seconds(-7 * 24 * 60 * MINUTE), exp: seconds(10 * MINUTE) })
    ]
  ]
)

tokens(
  'ID9',
  'the subject must be a text of 1 to 255 characters, and is never used as an object key',
  'OpenID Connect Core §2',
  [
    ['none', idToken({ sub: undefined })],
    ['empty', idToken({ sub: '' })],
    ['a number', idToken({ sub: 3562186410 })],
    ['an object', idToken({ sub: { id: '1' } })],
    ['null', idToken({ sub: null })],
    ['in Latin-1', idTokenOf(Buffer.from(JSON.stringify(claimsWith({ sub: 'Zoë' })), 'latin1'))],
    ['too long', idToken({ sub: 'x'.repeat(256) })]
  ],
  [
    ['255 characters', idToken({ sub: 'x'.repeat(255) }), 'x'.repeat(255)],
    ['__proto__', idToken({ sub: '__proto__' }), '__proto__']
  ]
)

tokens(
  'ID10',
  'no key id makes the plugin fetch a key',
  'OpenID Connect Core §10.1',
  [],
  [
    ['no kid', idToken()],
    ['an unknown kid', idToken({}, { kid: 'another' })],
    ['a kid that is a URL', idToken({}, { kid: 'http://127.0.0.1:9/key' })]
  ]
)

tokens(
  'ID11',
  'an id_token is three plain segments, and no other kind of token',
  'RFC 7515 §4.1.11, RFC 8725 §3.11, CVE-2025-59420, CVE-2026-35042',
  [
    ['unknown crit', idToken({}, { crit: ['x'], x: 1 })],
    ['crit b64', idToken({}, { crit: ['b64'], b64: false })],
    ['two segments', idToken().split('.').slice(0, 2).join('.')],
    ['four segments', `${idToken()}.x`],
    ['five segments, as a JWE', `${idToken()}.x.y`],
    ['a space before', ` ${idToken()}`],
    ['a line break after', `${idToken()}\n`],
    ['an access token', idToken({}, { typ: 'at+jwt' })],
    ['an access token in full', idToken({}, { typ: 'application/AT+JWT' })],
    ['payload no JSON', idTokenOf('no json')],
    ['payload an array', idTokenOf('[]')],
    ['payload null', idTokenOf('null')],
    ['header no JSON', `bm8.${idToken().split('.').slice(1).join('.')}`],
    [
      'two audiences, ours the first',
      idTokenOf(JSON.stringify(claimsWith()).replace(/\}$/, ',"aud":"other"}'))
    ]
  ],
  [
    // The last of two members with one name counts, as in JSON.parse (RFC 7519 §4 allows that).
    [
      'two audiences, ours the last',
      idTokenOf(JSON.stringify(claimsWith()).replace('{', '{"aud":"other",'))
    ]
  ]
)

tokens(
  'ID12',
  'a token response without an id_token logs nobody in',
  'OpenID Connect Core §3.1.3.3',
  [['none', undefined]],
  [],
  'LE_AUTH_ID_TOKEN_INVALID'
)
tokens(
  'ID12',
  'an id_token that is empty or not a text is refused',
  'OpenID Connect Core §3.1.3.3',
  [
    ['empty', ''],
    ['null', null],
    ['a number', 7],
    ['an object', { sub: '1' }]
  ],
  [],
  'LE_AUTH_SENTINEL_INVALID'
)

/** Logs in with claims of the wrong type, and with names of properties that every object has. */
async function givesNoRight(t: Test, app: TestApp): Promise<void> {
  const payload = JSON.stringify(
    claimsWith({
      is_admin: 'true',
      is_lpa: 1,
      email_verified: 'false',
      constructor: { polluted: 1 },
      name: 'Ann'
    })
  ).replace('{', '{"__proto__":{"polluted":true,"isAdmin":true},')
  app.sentinel.next('token', members({ id_token: idTokenOf(payload) }))
  const browser = app.browser()
  await logIn(app, browser)
  const { id, isAdmin, isLpa, claims } = (await browser.script(app.url('/me'))).json()
  t.same(
    { id, isAdmin, isLpa, claims },
    { id: AGENT.id, isAdmin: false, isLpa: false, claims: { email_verified: 'false', name: 'Ann' } }
  )
  t.equal((await browser.navigate(app.url('/admin'))).status, 403)
  t.equal((await browser.script(app.url('/plain'))).text, 'all plain', 'the user is a plain object')
  t.equal(({} as { polluted?: unknown }).polluted, undefined)
}

/** Responds whether the user and its claims are plain objects. */
function plainRoute(app: FastifyInstance): void {
  app.get('/plain', async ({ leAuth }) => {
    const objects = [leAuth!.user, leAuth!.user.claims]
    return objects.every(object => Object.getPrototypeOf(object) === Object.prototype)
      ? 'all plain'
      : 'not all plain'
  })
}

attack(
  'ID13',
  'claims of the wrong type give no right, and none reaches a prototype',
  'CVE-2026-55076',
  givesNoRight,
  { after: plainRoute }
)

t.test(
  'ID13 claims of the wrong type give no right on Redis, and none reaches a ' +
    'prototype [CVE-2026-55076]',
  async t => {
    const redis = await startRedis(t)
    if (redis === null) return
    const client = await redis.client()
    await givesNoRight(
      t,
      await startApp(t, { options: { store: new RedisStore({ client }) }, after: plainRoute })
    )
    const stored = [...(await everything(client)).values()].join('\n')
    t.ok(stored.length > 0, 'the store is not empty')
    t.notMatch(stored, /__proto__|constructor|polluted/)
  }
)
