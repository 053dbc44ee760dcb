import type { FastifyInstance } from 'fastify'

/** Where an app listens; it stays known after the app has closed, for tests of what is not there any more. */
export class Origin {
  #url: URL | undefined

  constructor (app: FastifyInstance) {
    app.addHook('onListen', async () => {
      // Who listens everywhere is reached by loopback, and others are refused anyway.
      this.#url = new URL(app.listeningOrigin.replace(/0\.0\.0\.0|\[::\]/, '127.0.0.1'))
    })
  }

  /** Such as `http://127.0.0.1:41234`. @throws Error before the app listens. */
  url (): string {
    return this.#known().origin
  }

  /** Such as `127.0.0.1:41234`. @throws Error before the app listens. */
  host (): string {
    return this.#known().host
  }

  #known (): URL {
    if (!this.#url) throw new Error('Sentinel emulator: it has an address only after the app listens')
    return this.#url
  }
}
