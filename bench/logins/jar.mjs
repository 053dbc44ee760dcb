/** A cookie jar for one site on one host. */
export class Jar {
  #cookies = new Map()

  get header() {
    return [...this.#cookies].map(pair => pair.join('=')).join('; ')
  }

  store(setCookie = []) {
    for (const line of [setCookie].flat()) this.#storeLine(line)
  }

  clear() {
    this.#cookies.clear()
  }

  /** A copy in which one character in the middle of each value is changed. */
  forged() {
    const forged = new Jar()
    for (const [name, value] of this.#cookies) {
      const middle = Math.floor(value.length / 2)
      forged.#cookies.set(
        name,
        value.slice(0, middle) + (value[middle] === 'A' ? 'B' : 'A') + value.slice(middle + 1)
      )
    }
    return forged
  }

  #storeLine(line) {
    const [pair, ...attributes] = line.split(';')
    const [name, ...value] = pair.split('=')
    if (value.join('=') === '' || attributes.some(isPast)) this.#cookies.delete(name)
    else this.#cookies.set(name, value.join('='))
  }
}

function isPast(attribute) {
  const [name, value] = attribute.trim().split('=')
  if (/^max-age$/i.test(name)) return Number(value) <= 0
  return /^expires$/i.test(name) && Date.parse(value) <= Date.now()
}
