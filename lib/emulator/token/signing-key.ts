import { generateKeyPair, hash, type JsonWebKey, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { Behaviour } from '../settings/behaviour.ts'

/** An RSA key that signs id_tokens. */
export interface SigningKey {
  readonly privateKey: KeyObject
  /** The public part, for the JWKS endpoint. */
  readonly publicJwk: JsonWebKey & { readonly kid: string }
}

type KeyName = Behaviour['idTokenKey']

/** Which keys the JWKS endpoint lists, for each key that may sign. */
const PUBLISHED: Readonly<Record<KeyName, readonly KeyName[]>> = {
  published: ['published'],
  rotated: ['published', 'rotated'],
  unpublished: ['published'],
  '1024-bit': ['1024-bit']
}

const newKeyPair = promisify(generateKeyPair)
const keysOfThisProcess = new Map<KeyName, Promise<SigningKey>>()

/**
 * The key that signs under a behaviour. All emulators of this process share it, because creating a
 * key is slow.
 */
export function signingKey({ idTokenKey }: Behaviour): Promise<SigningKey> {
  return keyNamed(idTokenKey)
}

/** The keys that the JWKS endpoint lists under a behaviour, oldest first. */
export function publishedKeys({ idTokenKey }: Behaviour): Promise<SigningKey[]> {
  return Promise.all(PUBLISHED[idTokenKey].map(keyNamed))
}

function keyNamed(name: KeyName): Promise<SigningKey> {
  const known = keysOfThisProcess.get(name) ?? createKey(name === '1024-bit' ? 1024 : 2048)
  keysOfThisProcess.set(name, known)
  return known
}

async function createKey(modulusLength: number): Promise<SigningKey> {
  const { publicKey, privateKey } = await newKeyPair('rsa', { modulusLength })
  const jwk = publicKey.export({ format: 'jwk' })
  const { e, kty, n } = jwk
  // The key's thumbprint, RFC 7638.
  const kid = hash('sha256', JSON.stringify({ e, kty, n }), 'base64url')
  return { privateKey, publicJwk: { ...jwk, kid, use: 'sig', alg: 'RS256' } }
}
