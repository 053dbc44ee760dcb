import { calculateJwkThumbprint, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose'

/** The RSA key that signs id_tokens. */
export interface SigningKey {
  readonly kid: string
  readonly privateKey: CryptoKey
  /** What the well-known address shows. */
  readonly publicJwk: JWK
}

let ofThisProcess: Promise<SigningKey> | undefined

/** The key of all emulators in this process, and of no other: to make one takes longer than all else at a start. */
export function signingKey (): Promise<SigningKey> {
  ofThisProcess ??= createSigningKey()
  return ofThisProcess
}

/** Makes a 2048-bit key: the shortest that RFC 7518 §3.3 allows, though LivePerson's printed examples have 1024. */
async function createSigningKey (): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { modulusLength: 2048 })
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  return { kid, privateKey, publicJwk: { ...jwk, kid, use: 'sig', alg: 'RS256' } }
}
