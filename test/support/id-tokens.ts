import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.js'

const { privateKey: rsaKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const { privateKey: ecKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** The public key as text, which a confused verifier would take for a shared secret. */
export const PUBLIC_PEM = publicKey.export({ type: 'spki', format: 'pem' })

type Json = Record<string, unknown>

/** Claims as Sentinel's, with some changed; `undefined` leaves a claim out. */
export function claimsWith (changes: Json = {}, now = Date.now()): Json {
  const seconds = Math.floor(now / 1000)
  return {
    sub: '3562186410', aud: EMULATOR_DEFAULTS.clientId, iss: 'sentinel', iat: seconds, exp: seconds + 600, is_admin: false, is_lpa: false, ...changes
  }
}

/** A token with a good signature of another key than Sentinel's. */
export function idToken (changes: Json = {}, header: Json = {}): string {
  return signedBy('RS256', encoded({ alg: 'RS256', typ: 'JWT', ...header }), encoded(claimsWith(changes)))
}

/** A token whose payload is this text, or these bytes. */
export function idTokenOf (payload: string | Buffer, header: Json = {}): string {
  return signedBy('RS256', encoded({ alg: 'RS256', ...header }), Buffer.from(payload as string).toString('base64url'))
}

/** A token of another algorithm, with a signature that is good under it. */
export function idTokenBy (algorithm: 'RS512' | 'PS256' | 'ES256', changes: Json = {}): string {
  return signedBy(algorithm, encoded({ alg: algorithm }), encoded(claimsWith(changes)))
}

/** A token that says it is signed in no way, or whose header says something else altogether. */
export function unsigned (header: Json, signature = ''): string {
  return `${encoded(header)}.${encoded(claimsWith())}.${signature}`
}

/** A token under a shared secret. */
export function hmac (secret: string | Buffer): string {
  const input = `${encoded({ alg: 'HS256' })}.${encoded(claimsWith())}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

function signedBy (algorithm: string, header: string, payload: string): string {
  const input = Buffer.from(`${header}.${payload}`)
  return `${input}.${signature(algorithm, input).toString('base64url')}`
}

function signature (algorithm: string, input: Buffer): Buffer {
  if (algorithm === 'ES256') return sign('sha256', input, { key: ecKey, dsaEncoding: 'ieee-p1363' })
  if (algorithm === 'PS256') return sign('sha256', input, { key: rsaKey, padding: 6, saltLength: 32 })
  return sign(algorithm === 'RS512' ? 'sha512' : 'sha256', input, rsaKey)
}

function encoded (value: Json): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
