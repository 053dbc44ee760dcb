/**
 * How a guard ends that has to wait. Fastify waits for what a hook returns, and so does an app that awaits a guard in a hook
 * of its own; a hook that only hands on its `done` waits for that. Either is told, and never both, for Fastify would go on twice.
 */
export class Outcome implements PromiseLike<void> {
  readonly #result: Promise<void>
  #isAwaited = false

  /** @param result whether the request may go on; if not, it has been answered */
  constructor (result: Promise<boolean>, done?: (error?: Error) => void) {
    this.#result = result.then(() => {})
    result.then(mayGoOn => { if (mayGoOn) this.#tell(done) }, (error: Error) => this.#tell(done, error))
    // Who is told by `done` does not look here.
    this.#result.catch(() => {})
  }

  #tell (done?: (error?: Error) => void, error?: Error): void {
    if (!this.#isAwaited) done?.(error)
  }

  then<Result = void, Failure = never> (onDone?: ((value: void) => Result | PromiseLike<Result>) | null, onError?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null): PromiseLike<Result | Failure> {
    this.#isAwaited = true
    return this.#result.then(onDone, onError)
  }
}
