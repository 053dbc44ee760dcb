import type { FastifyInstance } from 'fastify'

/**
 * The address that an app listens on. It stays known after the app has closed, for tests that check
 * that the address is gone.
 */
export class Origin {
  #url: URL | undefined

  constructor(app: FastifyInstance) {
    app.addHook('onListen', async () => {
      // An app that listens on all addresses is reached by loopback. Others are refused anyway.
      const origin = app.listeningOrigin.replace(/0\.0\.0\.0|\[::\]/, '127.0.0.1')
      this.#url = new URL(origin)
    })
  }

  /** The origin, such as `http://127.0.0.1:41234`. @throws Error before the app listens */
  url(): string {
    return this.#known().origin
  }

  /** Host and port, such as `127.0.0.1:41234`. @throws Error before the app listens */
  host(): string {
    return this.#known().host
  }

  #known(): URL {
    if (this.#url) return this.#url
    throw new Error(
      'Sentinel emulator: it has an address only after the app listens. ' +
        'Call app.listen() first.'
    )
  }
}
