import type { webcrypto } from 'node:crypto'
import { compactVerify, type CryptoKey, type JWSHeaderParameters } from 'jose'
import { LRUCache } from 'lru-cache'
import { leAuthError, LeAuthError } from '../errors.ts'
import type { HttpClient } from '../http/client.ts'
import { KeySet } from './key-set.ts'

/** An account has one Sentinel, which may move. */
const MAX_KEY_SETS = 10
/** RFC 7518 §3.3. In bits. */
const SHORTEST_KEY = 2048

const HINTS = {
  kid:
    "idTokenSignature is 'required', but the id_token names no key of Sentinel's " +
    '/sentinel/well-known/jwks, or names none although there are several.',
  key_too_short:
    "idTokenSignature is 'required', but the id_token's RSA key has less than 2048 bits, and so " +
    'proves nothing.',
  signature:
    "idTokenSignature is 'required', but the id_token was not signed with the key that it names."
}
const UNDOCUMENTED =
  ' LivePerson does not document which key signs id_tokens: ask, or leave the option out.'

/** Checks the signatures of id_tokens: RS256, by a key that Sentinel publishes. */
export class IdTokenSignatures {
  readonly #keySets: LRUCache<string, KeySet>

  constructor(http: HttpClient, now: () => number) {
    this.#keySets = new LRUCache({
      max: MAX_KEY_SETS,
      memoMethod: url => new KeySet(url, http, now)
    })
  }

  /**
   * OpenID Connect Core §3.1.3.7 (6). Keys that the token brings along or points to (`jwk`, `jku`,
   * `x5u`) are not read.
   *
   * @param keysUrl where the keys are
   * @throws LE_AUTH_ID_TOKEN_INVALID, LE_AUTH_SENTINEL_UNAVAILABLE, LE_AUTH_SENTINEL_INVALID
   */
  async check(keysUrl: string, idToken: string): Promise<void> {
    const keys = this.#keySets.memo(keysUrl)
    try {
      await compactVerify(idToken, header => keyFor(keys, header), { algorithms: ['RS256'] })
    } catch (error) {
      throw error instanceof LeAuthError ? error : refused('signature')
    }
  }
}

async function keyFor(keys: KeySet, header: JWSHeaderParameters): Promise<CryptoKey> {
  const key = await keys.keyFor(header)
  if (key === null) throw refused('kid')
  const { modulusLength } = key.algorithm as webcrypto.RsaKeyAlgorithm
  if (modulusLength < SHORTEST_KEY) throw refused('key_too_short')
  return key
}

function refused(reason: keyof typeof HINTS): Error {
  return leAuthError('LE_AUTH_ID_TOKEN_INVALID', { reason, hint: HINTS[reason] + UNDOCUMENTED })
}
