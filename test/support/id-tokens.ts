import { constants, createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'

const { privateKey: rsaKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const { privateKey: ecKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** The public key as text, which a confused verifier would use as a shared secret. */
export const PUBLIC_PEM = publicKey.export({ type: 'spki', format: 'pem' })

type Json = Record<string, unknown>

/** The public key as an entry of a JWKS, with some members changed. */
export function publicJwk(changes: Json = {}): Json {
  return {
    ...publicKey.export({ format: 'jwk' }),
    kid: 'ours',
    use: 'sig',
    alg: 'RS256',
    ...changes
  }
}

/** Claims as Sentinel's, with some changed; `undefined` omits a claim. */
export function claimsWith(changes: Json = {}, now = Date.now()): Json {
  const seconds = Math.floor(now / 1000)
  return {
    sub: '3562186410',
    aud: EMULATOR_DEFAULTS.clientId,
    iss: 'sentinel',
    iat: seconds,
    exp: seconds + 600,
    is_admin: false,
    is_lpa: false,
    ...changes
  }
}

/** A token with a valid signature, by another key than Sentinel's. */
export function idToken(changes: Json = {}, header: Json = {}, key?: KeyObject): string {
  const fullHeader = { alg: 'RS256', typ: 'JWT', ...header }
  return signedBy('RS256', encoded(fullHeader), encoded(claimsWith(changes)), key)
}

/** A token with this text, or these bytes, as payload. */
export function idTokenOf(payload: string | Buffer, header: Json = {}): string {
  const text = Buffer.from(payload as string).toString('base64url')
  return signedBy('RS256', encoded({ alg: 'RS256', ...header }), text)
}

/** A token of another algorithm, with a valid signature of that algorithm. */
export function idTokenBy(algorithm: 'RS512' | 'PS256' | 'ES256', changes: Json = {}): string {
  return signedBy(algorithm, encoded({ alg: algorithm }), encoded(claimsWith(changes)))
}

/** A token with any header and signature, such as `alg: none` without a signature. */
export function unsigned(header: Json, signature = ''): string {
  return `${encoded(header)}.${encoded(claimsWith())}.${signature}`
}

/** A token signed with a shared secret. */
export function hmac(secret: string | Buffer): string {
  const input = `${encoded({ alg: 'HS256' })}.${encoded(claimsWith())}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

function signedBy(algorithm: string, header: string, payload: string, key = rsaKey): string {
  const input = Buffer.from(`${header}.${payload}`)
  return `${input}.${signature(algorithm, input, key).toString('base64url')}`
}

function signature(algorithm: string, input: Buffer, key: KeyObject): Buffer {
  if (algorithm === 'ES256') return sign('sha256', input, { key: ecKey, dsaEncoding: 'ieee-p1363' })
  if (algorithm === 'PS256') {
    const padding = constants.RSA_PKCS1_PSS_PADDING
    return sign('sha256', input, { key, padding, saltLength: 32 })
  }
  return sign(algorithm === 'RS512' ? 'sha512' : 'sha256', input, key)
}

function encoded(value: Json): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
