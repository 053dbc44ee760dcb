/** Unfinished logins leave their codes here. When there are too many, the oldest is removed. */
const MAX = 50_000

/** Authorization codes. Each works once. */
export class Codes {
  #grants = new Map()

  add(code, grant) {
    if (this.#grants.size >= MAX) this.#grants.delete(this.#grants.keys().next().value)
    this.#grants.set(code, grant)
  }

  /** Uses a code: returns its grant the first time, undefined after that. */
  use(code) {
    const grant = this.#grants.get(code)
    this.#grants.delete(code)
    return grant
  }
}
