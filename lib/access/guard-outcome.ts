type Done = ((error?: Error) => void) | undefined

/**
 * The outcome of a guard that has to wait. Fastify calls `then` on what a hook returns, and so does
 * an app that awaits a guard in its own hook. A hook may also only pass its `done` on. If `then`
 * was called before the result is there, `done` is not: Fastify would go on twice.
 */
export class GuardOutcome implements PromiseLike<void> {
  readonly #result: Promise<void>
  readonly #done: Done
  #isAwaited = false

  /** @param result whether the request may go on; if not, it has a response */
  constructor(result: Promise<boolean>, done: Done) {
    this.#done = done
    this.#result = result.then(() => {})
    result.then(
      mayGoOn => {
        if (mayGoOn) this.#tell()
      },
      (error: Error) => this.#tell(error)
    )
    // A hook that uses `done` does not handle the rejection.
    this.#result.catch(() => {})
  }

  #tell(error?: Error): void {
    if (!this.#isAwaited) this.#done?.(error)
  }

  then<Result = void, Failure = never>(
    onDone?: ((value: void) => Result | PromiseLike<Result>) | null,
    onError?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null
  ): PromiseLike<Result | Failure> {
    this.#isAwaited = true
    return this.#result.then(onDone, onError)
  }
}
