import { calculateJwkThumbprint, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose'

/** The RSA key that signs id_tokens; a new one at every start. */
export interface SigningKey {
  readonly kid: string
  readonly privateKey: CryptoKey
  /** What the well-known address shows. */
  readonly publicJwk: JWK
}

/** Makes a 2048-bit key: the shortest that RFC 7518 §3.3 allows, though LivePerson's printed examples have 1024. */
export async function createSigningKey (): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { modulusLength: 2048 })
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  return { kid, privateKey, publicJwk: { ...jwk, kid, use: 'sig', alg: 'RS256' } }
}
