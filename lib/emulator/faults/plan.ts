import { checkEndpoint, checkFault, type Endpoint, type Fault } from './faults.js'

/** Which faults the coming requests get. */
export class FaultPlan {
  readonly #once = new Map<Endpoint, Fault[]>()
  readonly #always = new Map<Endpoint, Fault>()

  /** Queues a fault for one request. */
  next (endpoint: Endpoint, fault: Fault): void {
    checkEndpoint(endpoint)
    checkFault(fault)
    const queue = this.#once.get(endpoint) ?? []
    this.#once.set(endpoint, [...queue, fault])
  }

  /** Sets a fault for every request, or takes it away. */
  always (endpoint: Endpoint, fault: Fault | null): void {
    checkEndpoint(endpoint)
    this.#always.delete(endpoint)
    if (!fault) return
    checkFault(fault)
    this.#always.set(endpoint, fault)
  }

  /** The fault for a request that has just arrived. */
  take (endpoint: Endpoint): Fault | undefined {
    return this.#once.get(endpoint)?.shift() ?? this.#always.get(endpoint)
  }
}
