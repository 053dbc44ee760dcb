import { checkEndpoint, checkFault, type Endpoint, type Fault } from './faults.ts'

/** The faults that are planned for future requests. */
export class FaultPlan {
  readonly #once = new Map<Endpoint, Fault[]>()
  readonly #always = new Map<Endpoint, Fault>()

  /**
   * Queues a fault for one request.
   * @throws TypeError if the endpoint or the fault is not valid
   */
  next(endpoint: Endpoint, fault: Fault): void {
    checkEndpoint(endpoint)
    checkFault(fault)
    const queue = this.#once.get(endpoint) ?? []
    this.#once.set(endpoint, [...queue, fault])
  }

  /**
   * Sets a fault for every request, or removes it with `null`.
   * @throws TypeError if the endpoint or the fault is not valid
   */
  always(endpoint: Endpoint, fault: Fault | null): void {
    checkEndpoint(endpoint)
    this.#always.delete(endpoint)
    if (!fault) return
    checkFault(fault)
    this.#always.set(endpoint, fault)
  }

  /** The fault for a request that has just arrived. A queued fault is removed from the queue. */
  take(endpoint: Endpoint): Fault | undefined {
    return this.#once.get(endpoint)?.shift() ?? this.#always.get(endpoint)
  }
}
