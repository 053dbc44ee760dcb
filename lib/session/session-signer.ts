import cookie from '@fastify/cookie'
import { LRUCache } from 'lru-cache'

/** As many session ids as are verified while their requests are open. */
const MAX_REMEMBERED = 1000

/**
 * Signs session ids. It remembers how an id that it has just verified was signed: @fastify/session signs it again only to see
 * whether the browser has the same text, and one that an older secret has signed is still that.
 */
export class SessionSigner {
  readonly #signer: ReturnType<typeof cookie.signerFactory>
  readonly #verified = new LRUCache<string, string>({ max: MAX_REMEMBERED })

  /** @param secrets the first one signs, each one verifies */
  constructor (secrets: string[]) {
    this.#signer = cookie.signerFactory(secrets)
  }

  sign (id: string): string {
    return this.#verified.get(id) ?? this.#signer.sign(id)
  }

  unsign (text: string): ReturnType<ReturnType<typeof cookie.signerFactory>['unsign']> {
    const result = this.#signer.unsign(text)
    if (result.valid) this.#verified.set(result.value, text)
    return result
  }
}
