import { Agent, Dispatcher } from 'undici'

/** A network of its own: public https origins that lead to servers of this machine, and nothing else. */
export class Network extends Dispatcher {
  /** Every origin that was asked for, known or not, in order. */
  readonly asked: string[] = []
  readonly #agent = new Agent()
  readonly #servers: Map<string, string>

  constructor (servers: Record<string, string>) {
    super()
    this.#servers = new Map(Object.entries(servers))
  }

  override dispatch (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const origin = String(options.origin)
    this.asked.push(origin)
    const server = this.#servers.get(origin)
    if (server !== undefined) return this.#agent.dispatch({ ...options, origin: server }, handler)
    const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${origin}`), { code: 'ENOTFOUND' })
    handler.onResponseError?.(null as never, error)
    return true
  }

  override async close (): Promise<void> {
    await this.#agent.close()
  }
}
