import { generateKeyPairSync } from 'node:crypto'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'
import { attack, type Stage } from '../support/attack/attack.ts'
import {
  claimsWith,
  hmac,
  idToken,
  idTokenBy,
  idTokenOf,
  PUBLIC_PEM,
  publicJwk,
  unsigned
} from '../support/id-tokens.ts'
import { AGENT, logIn } from '../support/login.ts'
import { startServer } from '../support/servers.ts'
import { members } from '../support/token-responses.ts'

const { clientSecret } = EMULATOR_DEFAULTS
const { privateKey: otherKey, publicKey: otherPublicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048
})
const { privateKey: shortKey, publicKey: shortPublicKey } = generateKeyPairSync('rsa', {
  modulusLength: 1024
})
const { publicKey: ecPublicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const OURS = publicJwk()
const OTHER = { ...otherPublicKey.export({ format: 'jwk' }), kid: 'other' }
const SHORT = { ...shortPublicKey.export({ format: 'jwk' }), kid: 'short', alg: 'RS256' }
const SHARED = { kty: 'oct', kid: 'shared', k: Buffer.from(clientSecret).toString('base64url') }
const PUBLISHED = [OURS, OTHER, SHORT, SHARED]

/** A token and the reason why it is refused; `null` if it logs the user in. */
type Row = [what: string, token: string, reason: string | null, keys?: unknown[]]

const ours = { kid: 'ours' }
const [header, , signature] = idToken({}, ours).split('.')
const otherPayload = idToken({ is_admin: true }).split('.')[1]

/** How a login with this token ends: with a reason, or `null` if the user is logged in. */
async function outcome(stage: Stage, token: string): Promise<string | null> {
  const browser = stage.browser()
  stage.sentinel.next('token', members({ id_token: token }))
  const page = await logIn(stage, browser)
  if ((await stage.me(browser)) === AGENT.id) return null
  const { code, reason } = stage.events().at(-1)
  return `${page.status} ${code} ${reason}`
}

function signatures(id: string, promise: string, source: string, rows: Row[]): void {
  for (const [what, token, reason, keys = PUBLISHED] of rows) {
    attack(
      id,
      `${promise}: ${what}`,
      source,
      async (t, stage) => {
        stage.sentinel.always('jwks', { change: () => ({ keys }) })
        const expected = reason === null ? null : `502 LE_AUTH_ID_TOKEN_INVALID ${reason}`
        t.equal(await outcome(stage, token), expected)
        t.ok(stage.calls('jwks') <= 1, 'the keys are fetched once at most')
      },
      { options: { idTokenSignature: 'required' } }
    )
  }
}

signatures(
  'ID1',
  'an id_token without a signature is refused if signatures are checked',
  'OpenID Connect Core §3.1.3.7, CVE-2021-44878, CVE-2026-28802',
  [
    ['alg none', unsigned({ alg: 'none', ...ours }), 'alg'],
    ['alg nOnE', unsigned({ alg: 'nOnE', ...ours }, 'c2ln'), 'alg'],
    ['no alg', unsigned(ours, 'c2ln'), 'alg'],
    ['an empty signature', unsigned({ alg: 'RS256', ...ours }), 'malformed'],
    ['a signature of three bytes', unsigned({ alg: 'RS256', ...ours }, 'c2ln'), 'signature'],
    ['no base64url', unsigned({ alg: 'RS256', ...ours }, 'c'), 'signature']
  ]
)

signatures(
  'ID2',
  'an id_token signed with a shared secret is refused if signatures are checked',
  'RFC 8725 §3.1, CVE-2023-48223, CVE-2026-34950, CVE-2026-44351',
  [
    ['the client secret', hmac(clientSecret), 'alg'],
    ['the public key as a secret', hmac(PUBLIC_PEM), 'alg'],
    ['RS256 that names a published shared secret', idToken({}, { kid: 'shared' }), 'kid']
  ]
)

signatures(
  'ID3',
  'only a whole RS256 signature by the named key is accepted if signatures are checked',
  'OpenID Connect Core §3.1.3.7 (6), RFC 7518 §3.3',
  [
    ['a good one', idToken({}, ours), null],
    ['another payload', `${header}.${otherPayload}.${signature}`, 'signature'],
    ['the key of another name', idToken({}, { kid: 'other' }), 'signature'],
    ['the other key', idToken({}, { kid: 'other' }, otherKey), null],
    ['a key of 1024 bits', idToken({}, { kid: 'short' }, shortKey), 'key_too_short'],
    ['ES256', idTokenBy('ES256'), 'alg'],
    ['PS256', idTokenBy('PS256'), 'alg'],
    ['RS512', idTokenBy('RS512'), 'alg'],
    ['a good one that has expired', idToken({ exp: 5 }, ours), 'exp']
  ]
)

const TWICE = [OURS, { ...OTHER, kid: 'ours' }]
const ENCRYPTION = [publicJwk({ use: 'enc' })]
const PS256 = [publicJwk({ alg: 'PS256' })]
const EC = [{ ...ecPublicKey.export({ format: 'jwk' }), kid: 'ours' }]

signatures(
  'ID10',
  'a key is used only if the id_token means this key and no other',
  'OpenID Connect Core §10.1',
  [
    ['no kid, one key', idToken(), null, [OURS]],
    ['no kid, one key, which is another', idToken(), 'signature', [OTHER]],
    ['no kid, two keys', idToken(), 'kid', [OURS, OTHER]],
    ['no kid, no key', idToken(), 'kid', []],
    ['an unknown kid', idToken({}, { kid: 'unknown' }), 'kid'],
    ['a kid that is no text', idToken({}, { kid: 5 }), 'kid'],
    ['a kid in another letter case', idToken({}, { kid: 'OURS' }), 'kid'],
    ['two keys of one kid', idToken({}, ours), 'kid', TWICE],
    ['a key for encryption', idToken({}, ours), 'kid', ENCRYPTION],
    ['a key for another algorithm', idToken({}, ours), 'kid', PS256],
    ['an EC key', idToken({}, ours), 'kid', EC]
  ]
)

signatures(
  'ID11',
  'a well-signed token of another kind is refused',
  'RFC 7515 §4.1.11, RFC 8725 §3.11, CVE-2025-59420, CVE-2026-35042',
  [
    ['unknown crit', idToken({}, { ...ours, crit: ['x'], x: 1 }), 'malformed'],
    ['crit b64', idToken({}, { ...ours, crit: ['b64'], b64: false }), 'malformed'],
    ['four segments', `${idToken({}, ours)}.x`, 'malformed'],
    ['a line break after', `${idToken({}, ours)}\n`, 'malformed'],
    ['an access token', idToken({}, { ...ours, typ: 'at+jwt' }), 'typ'],
    ['payload an array', idTokenOf('[]', ours), 'malformed'],
    [
      'two audiences, ours the first',
      idTokenOf(JSON.stringify(claimsWith()).replace(/\}$/, ',"aud":"other"}'), ours),
      'aud'
    ]
  ]
)

attack(
  'SD6',
  'keys that an id_token brings along decide nothing, even if signatures are checked',
  'RFC 8725 §3.10, CVE-2026-27962',
  async (t, stage) => {
    const evil = await startServer(t, (_request, response) =>
      response.end(JSON.stringify({ keys: [OTHER] }))
    )
    stage.sentinel.always('jwks', { change: () => ({ keys: [OURS] }) })
    const brought = { jwk: OTHER, jku: evil.url, x5u: evil.url }
    for (const [header, reason] of [
      [{ ...brought }, 'signature'],
      [{ ...brought, kid: 'ours' }, 'signature'],
      [{ ...brought, kid: 'other' }, 'kid'],
      [{ ...brought, kid: `${evil.url}/keys` }, 'kid']
    ] as const) {
      const refused = await outcome(stage, idToken({}, header, otherKey))
      t.equal(refused, `502 LE_AUTH_ID_TOKEN_INVALID ${reason}`)
    }
    t.equal(await outcome(stage, idToken({}, { ...brought, kid: 'ours' })), null)
    t.same(evil.requests, [])
  },
  { options: { idTokenSignature: 'required' } }
)
