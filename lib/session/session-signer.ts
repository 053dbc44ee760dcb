import cookie from '@fastify/cookie'
import { LRUCache } from 'lru-cache'

/** How many verified session ids are remembered: more than there are open requests. */
const MAX_REMEMBERED = 1000

type Signer = ReturnType<typeof cookie.signerFactory>

/**
 * Signs session ids. It remembers how a verified id was signed: @fastify/session signs it again to
 * see whether the browser sent the same text, which an older secret may have signed.
 *
 * If it got secrets instead, @fastify/session would import @fastify/cookie, which it does not
 * declare. Strict package managers refuse that.
 */
export class SessionSigner {
  readonly #signer: Signer
  readonly #verified = new LRUCache<string, string>({ max: MAX_REMEMBERED })

  /** @param secrets the first one signs, and each one verifies */
  constructor(secrets: string[]) {
    this.#signer = cookie.signerFactory(secrets)
  }

  sign(id: string): string {
    return this.#verified.get(id) ?? this.#signer.sign(id)
  }

  unsign(text: string): ReturnType<Signer['unsign']> {
    const result = this.#signer.unsign(text)
    if (result.valid) this.#verified.set(result.value, text)
    return result
  }
}
