/** As much of a browser's cookie jar as one site on one host needs. */
export class Jar {
  #cookies = new Map()

  get header () {
    return [...this.#cookies].map(pair => pair.join('=')).join('; ')
  }

  take (setCookie = []) {
    for (const line of [setCookie].flat()) this.#takeLine(line)
  }

  clear () {
    this.#cookies.clear()
  }

  /** The same cookies with one character changed in the middle of each value. */
  forged () {
    const forged = new Jar()
    for (const [name, value] of this.#cookies) {
      const middle = Math.floor(value.length / 2)
      forged.#cookies.set(name, value.slice(0, middle) + (value[middle] === 'A' ? 'B' : 'A') + value.slice(middle + 1))
    }
    return forged
  }

  #takeLine (line) {
    const [pair, ...attributes] = line.split(';')
    const [name, ...value] = pair.split('=')
    if (value.join('=') === '' || attributes.some(isPast)) this.#cookies.delete(name)
    else this.#cookies.set(name, value.join('='))
  }
}

function isPast (attribute) {
  const [name, value] = attribute.trim().split('=')
  if (/^max-age$/i.test(name)) return Number(value) <= 0
  return /^expires$/i.test(name) && Date.parse(value) <= Date.now()
}
