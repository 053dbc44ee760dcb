import { DecoratorHandler, Dispatcher } from 'undici'

/** A dispatcher that hands on to another, and remembers the tokens in the answers that pass. */
export class Wiretap extends Dispatcher {
  readonly tokens = new Set<string>()
  readonly #inner: Dispatcher

  constructor (inner: Dispatcher) {
    super()
    this.#inner = inner
  }

  override dispatch (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.#inner.dispatch(options, new Listener(handler, text => this.#remember(text)))
  }

  override async close (): Promise<void> {
    await this.#inner.close()
  }

  #remember (text: string): void {
    for (const [, token] of text.matchAll(/"(?:access_token|refresh_token|id_token)"\s*:\s*"([^"]{9,})"/g)) this.tokens.add(token!)
  }
}

interface BodyHandler {
  onResponseData (controller: Dispatcher.DispatchController, chunk: Buffer): void
  onResponseEnd (controller: Dispatcher.DispatchController, trailers: Record<string, string | string[] | undefined>): void
}
// Its types leave out the methods that it has.
const Decorator = DecoratorHandler as unknown as new (handler: Dispatcher.DispatchHandler) => BodyHandler

/** Hands everything on, and listens to the body. */
class Listener extends Decorator {
  #text = ''
  readonly #heard: (text: string) => void

  constructor (handler: Dispatcher.DispatchHandler, heard: (text: string) => void) {
    super(handler)
    this.#heard = heard
  }

  override onResponseData (controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#text.length < 100_000) this.#text += chunk.toString('latin1')
    super.onResponseData(controller, chunk)
  }

  override onResponseEnd (controller: Dispatcher.DispatchController, trailers: Record<string, string | string[] | undefined>): void {
    this.#heard(this.#text)
    super.onResponseEnd(controller, trailers)
  }
}
