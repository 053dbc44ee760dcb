import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type JSONWebKeySet,
  type JWSHeaderParameters
} from 'jose'
import { leAuthError, type HttpStatusReason } from '../errors.ts'
import type { HttpClient, HttpError } from '../http/client.ts'
import type { HttpResponse } from '../http/http-response.ts'
import { isBusyOrDown } from './failures.ts'

/**
 * How long keys are remembered. A key that Sentinel has withdrawn is accepted this much longer. In
 * ms.
 */
const FRESH_FOR = 10 * 60 * 1000
/**
 * The pause after keys were fetched again for an unknown key, so that tokens with unknown keys
 * cause no flood of requests. In ms.
 */
const PAUSE = 30 * 1000

const HINT =
  "idTokenSignature is 'required', but Sentinel's /sentinel/well-known/jwks has no keys that can " +
  'be used; the reason says what it sent. Nobody can log in until it has, or until the option is ' +
  'left out.'

type Keys = ReturnType<typeof createLocalJWKSet>

/**
 * The public keys at one URL (RFC 7517 §5). They are fetched once for all who wait for them, and
 * again if a token names a key that is not among them: it may be new.
 */
export class KeySet {
  readonly #url: string
  readonly #http: HttpClient
  readonly #now: () => number
  #known: { keys: Keys; until: number } | null = null
  #fetching: Promise<Keys> | null = null
  #pausedUntil = 0

  constructor(url: string, http: HttpClient, now: () => number) {
    this.#url = url
    this.#http = http
    this.#now = now
  }

  /**
   * The one key that a header means; `null` if there is none, or more than one.
   *
   * @throws LE_AUTH_SENTINEL_UNAVAILABLE, LE_AUTH_SENTINEL_INVALID
   */
  async keyFor(header: JWSHeaderParameters): Promise<CryptoKey | null> {
    const known = this.#unexpired()
    if (known === null) return keyIn(await this.#fetch(), header)
    return (await keyIn(known, header)) ?? this.#keyAfterFetch(header)
  }

  #unexpired(): Keys | null {
    return this.#known !== null && this.#now() < this.#known.until ? this.#known.keys : null
  }

  async #keyAfterFetch(header: JWSHeaderParameters): Promise<CryptoKey | null> {
    if (this.#now() < this.#pausedUntil) return null
    const keys = await this.#fetch()
    this.#pausedUntil = this.#now() + PAUSE
    return keyIn(keys, header)
  }

  #fetch(): Promise<Keys> {
    this.#fetching ??= this.#request().finally(() => {
      this.#fetching = null
    })
    return this.#fetching
  }

  async #request(): Promise<Keys> {
    const call = { method: 'GET', headers: { accept: 'application/json' } }
    const response = await this.#http.send(this.#url, call).catch(unreachable)
    const { status } = response
    const reason = `http_${status}` as const
    if (isBusyOrDown(status)) throw leAuthError('LE_AUTH_SENTINEL_UNAVAILABLE', { reason })
    if (status !== 200) throw unusable(reason)
    const keys = await keysIn(response)
    this.#known = { keys, until: this.#now() + FRESH_FOR }
    return keys
  }
}

async function keysIn(response: HttpResponse): Promise<Keys> {
  try {
    return createLocalJWKSet((await response.json()) as JSONWebKeySet)
  } catch {
    throw unusable('malformed')
  }
}

async function keyIn(keys: Keys, header: JWSHeaderParameters): Promise<CryptoKey | null> {
  try {
    return await keys(header)
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return null
    if (error instanceof errors.JWKSMultipleMatchingKeys) return null
    throw unusable('malformed')
  }
}

function unreachable(error: unknown): never {
  const { reason } = error as HttpError
  throw leAuthError('LE_AUTH_SENTINEL_UNAVAILABLE', { reason })
}

function unusable(reason: 'malformed' | HttpStatusReason): Error {
  return leAuthError('LE_AUTH_SENTINEL_INVALID', { reason, hint: HINT })
}
