import { Pool } from 'undici'

interface Load {
  path: string
  cookie?: string
  /** How many requests in all; else as many as there is time for. */
  requests?: number
  /** When to stop, in ms since 1970. */
  until?: number
  status?: number
}

/** At once, on connections that are kept. */
const CONCURRENCY = 32

/** What a browser sends beside the cookie when it opens a page; a store that keeps the request keeps these. */
const BROWSER_HEADERS = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'accept-encoding': 'gzip, deflate, br, zstd',
  'accept-language': 'en-GB,en;q=0.9',
  'sec-fetch-dest': 'document',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-site': 'cross-site',
  'upgrade-insecure-requests': '1',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36'
}

export function connect (url: string): Pool {
  return new Pool(url, { connections: CONCURRENCY })
}

/** Sends the same request again and again, and returns how often. @throws at the first answer of another status */
export async function send (pool: Pool, { path, cookie, requests = Infinity, until = Infinity, status = 200 }: Load): Promise<number> {
  const headers = { ...BROWSER_HEADERS, ...(cookie !== undefined && { cookie }) }
  let begun = 0
  async function inTurn (): Promise<void> {
    while (begun < requests && Date.now() < until) {
      begun += 1
      const { statusCode, body } = await pool.request({ method: 'GET', path, headers })
      await body.dump()
      if (statusCode !== status) throw new Error(`${path} answered ${statusCode}`)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, inTurn))
  if (begun < requests && requests !== Infinity) throw new Error(`${path}: only ${begun} requests in time`)
  return begun
}

/** Sends one request, and returns the cookies that came back, as they are to be sent. */
export async function cookiesFrom (pool: Pool, path: string, cookie = ''): Promise<string> {
  const { headers, body } = await pool.request({ method: 'GET', path, headers: { ...BROWSER_HEADERS, cookie } })
  await body.dump()
  return [headers['set-cookie'] ?? []].flat().map(line => line.split(';', 1)[0]).join('; ')
}
