import { Pool } from 'undici'

/**
 * What a browser sends with a page request besides cookies. They count if a store keeps the
 * request.
 */
const HEADERS = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'accept-encoding': 'gzip, deflate, br, zstd',
  'accept-language': 'en-GB,en;q=0.9',
  'sec-fetch-dest': 'document',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-site': 'cross-site',
  'upgrade-insecure-requests': '1',
  'user-agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
    'Chrome/142.0.0.0 Safari/537.36'
}
/** For one response, in ms. */
const TIMEOUT = 10_000

/** Opens pages over keep-alive connections. */
export class Browser {
  #pools = new Map()
  #connections

  constructor(connections = 1) {
    this.#connections = connections
  }

  async open(url, jar) {
    const { origin, pathname, search } = new URL(url)
    const cookies = jar?.header ? { cookie: jar.header } : {}
    const response = await this.#poolFor(origin).request({
      method: 'GET',
      path: pathname + search,
      headers: { ...HEADERS, ...cookies }
    })
    jar?.store(response.headers['set-cookie'])
    return {
      status: response.statusCode,
      location: response.headers.location,
      body: await response.body.text()
    }
  }

  async close() {
    await Promise.all([...this.#pools.values()].map(pool => pool.destroy()))
  }

  #poolFor(origin) {
    const options = {
      connections: this.#connections,
      headersTimeout: TIMEOUT,
      bodyTimeout: TIMEOUT
    }
    if (!this.#pools.has(origin)) this.#pools.set(origin, new Pool(origin, options))
    return this.#pools.get(origin)
  }
}
