import { calculateJwkThumbprint, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose'

/** The RSA key that signs id_tokens. */
export interface SigningKey {
  readonly kid: string
  readonly privateKey: CryptoKey
  /** The public part, which the JWKS endpoint sends. */
  readonly publicJwk: JWK
}

let keyOfThisProcess: Promise<SigningKey> | undefined

/** The key that all emulators of this process share, because creating a key is slow. */
export function signingKey(): Promise<SigningKey> {
  keyOfThisProcess ??= createSigningKey()
  return keyOfThisProcess
}

// 2048 bits: RFC 7518 §3.3 allows no shorter key. LivePerson's printed examples have 1024.
async function createSigningKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { modulusLength: 2048 })
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  return { kid, privateKey, publicJwk: { ...jwk, kid, use: 'sig', alg: 'RS256' } }
}
