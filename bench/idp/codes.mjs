/** Logins that are begun and never finished leave their codes here; the oldest make room. */
const MAX = 50_000

/** Authorization codes, each good for one use. */
export class Codes {
  #grants = new Map()

  add (code, grant) {
    if (this.#grants.size >= MAX) this.#grants.delete(this.#grants.keys().next().value)
    this.#grants.set(code, grant)
  }

  /** What the code stands for, once; undefined after that. */
  use (code) {
    const grant = this.#grants.get(code)
    this.#grants.delete(code)
    return grant
  }
}
