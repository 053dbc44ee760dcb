import { DecoratorHandler, Dispatcher } from 'undici'

type Handler = Dispatcher.DispatchHandler
type Controller = Dispatcher.DispatchController
type Trailers = Record<string, string | string[] | undefined>

const TOKENS = /"(?:access_token|refresh_token|id_token)"\s*:\s*"([^"]{9,})"/g

/**
 * A dispatcher that passes requests on to another one, and remembers the tokens in the responses.
 */
export class Wiretap extends Dispatcher {
  readonly tokens = new Set<string>()
  readonly #inner: Dispatcher

  constructor(inner: Dispatcher) {
    super()
    this.#inner = inner
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Handler): boolean {
    return this.#inner.dispatch(options, new Listener(handler, text => this.#remember(text)))
  }

  override async close(): Promise<void> {
    await this.#inner.close()
  }

  #remember(text: string): void {
    for (const [, token] of text.matchAll(TOKENS)) this.tokens.add(token!)
  }
}

interface BodyHandler {
  onResponseData(controller: Controller, chunk: Buffer): void
  onResponseEnd(controller: Controller, trailers: Trailers): void
}
// The types of undici omit these methods.
const Decorator = DecoratorHandler as unknown as new (handler: Handler) => BodyHandler

/** Passes everything on, and listens to the body. */
class Listener extends Decorator {
  #text = ''
  readonly #heard: (text: string) => void

  constructor(handler: Handler, heard: (text: string) => void) {
    super(handler)
    this.#heard = heard
  }

  override onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#text.length < 100_000) this.#text += chunk.toString('latin1')
    super.onResponseData(controller, chunk)
  }

  override onResponseEnd(controller: Controller, trailers: Trailers): void {
    this.#heard(this.#text)
    super.onResponseEnd(controller, trailers)
  }
}
