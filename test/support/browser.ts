import { CookieJar } from 'tough-cookie'
import { request } from 'undici'

/** One response that the browser got. */
export interface PageResponse {
  /** The URL as the browser sees it. */
  url: string
  status: number
  headers: Record<string, string | string[] | undefined>
  setCookies: string[]
  location: string | undefined
  text: string
  json: () => any
}

interface Ask {
  method?: string
  headers?: Record<string, string>
  form?: Record<string, string>
  /** The URL of the page that the request comes from. */
  from?: string
}

const MAX_REDIRECTS = 10

const SCRIPT_HEADERS = {
  accept: 'application/json',
  'sec-fetch-mode': 'cors',
  'sec-fetch-dest': 'empty',
  'sec-fetch-site': 'same-origin'
}

/**
 * A browser without a screen: one cookie jar, real HTTP, the headers that browsers send. Public
 * origins are mapped to servers of this machine; for an https origin it also plays the TLS proxy in
 * front of the app.
 */
export class Browser {
  readonly jar = new CookieJar()
  /** Every response, oldest first. */
  readonly history: PageResponse[] = []
  readonly #servers: Map<string, string>

  constructor(servers: Record<string, string>) {
    this.#servers = new Map(Object.entries(servers))
  }

  /** Opens a page, follows the redirects, and returns the last response. */
  async navigate(url: string, ask: Ask = {}): Promise<PageResponse> {
    let response = await this.step(url, ask)
    for (let hops = 0; response.location !== undefined; hops += 1) {
      const { href } = new URL(response.location, response.url)
      if (hops === MAX_REDIRECTS) throw new Error(`too many redirects, the last to ${href}`)
      response = await this.step(href, { from: response.url })
    }
    return response
  }

  /** Opens a page, and returns the first response. */
  async step(url: string, ask: Ask = {}): Promise<PageResponse> {
    const headers = { ...navigationHeaders(url, ask.from), ...ask.headers }
    return this.send(url, { ...ask, headers })
  }

  /** Sends a request as a script on a page of the app does. */
  async script(url: string, ask: Ask = {}): Promise<PageResponse> {
    return this.send(url, { ...ask, headers: { ...SCRIPT_HEADERS, ...ask.headers } })
  }

  /** Submits a form of a page of the same origin, and follows the redirects. */
  async submit(url: string, form: Record<string, string>): Promise<PageResponse> {
    return this.navigate(url, { method: 'POST', form, from: url })
  }

  /** Sends a request with the browser's cookies and the given headers only. */
  async send(url: string, { method = 'GET', headers = {}, form }: Ask): Promise<PageResponse> {
    const target = new URL(url)
    const server = this.#servers.get(target.origin) ?? target.origin
    const cookie = await this.jar.getCookieString(url)
    const response = await request(server + target.pathname + target.search, {
      method,
      headers: {
        // The emulator, in place of a public host, responds only under the names of this machine.
        host: /liveperson|sentinel/.test(target.hostname) ? new URL(server).host : target.host,
        ...(target.protocol === 'https:' && { 'x-forwarded-proto': 'https' }),
        ...(cookie !== '' && { cookie }),
        ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers
      },
      ...(form !== undefined && { body: new URLSearchParams(form).toString() })
    })
    return this.#remember(url, response.statusCode, response.headers, await response.body.text())
  }

  /** The names of the cookies that would be sent to a URL. */
  async cookieNames(url: string): Promise<string[]> {
    return (await this.jar.getCookies(url)).map(cookie => cookie.key)
  }

  /**
   * Another browser with the same cookies, independent from now on; at other servers if they are
   * given.
   */
  async copy(servers = Object.fromEntries(this.#servers)): Promise<Browser> {
    const copy = new Browser(servers)
    const { cookies } = await this.jar.serialize()
    for (const { key, value, path, domain, secure, hostOnly } of cookies) {
      const [scheme, flag] = secure === true ? ['https', '; Secure'] : ['http', '']
      const scope = hostOnly === false ? `; Domain=${domain}` : ''
      const line = `${key}=${value}; Path=${path}${flag}${scope}`
      await copy.jar.setCookie(line, `${scheme}://${domain}${path}`)
    }
    return copy
  }

  async #remember(
    url: string,
    status: number,
    headers: PageResponse['headers'],
    text: string
  ): Promise<PageResponse> {
    const setCookies = [headers['set-cookie'] ?? []].flat()
    for (const cookie of setCookies) await this.jar.setCookie(cookie, url, { ignoreError: true })
    const location = typeof headers.location === 'string' ? headers.location : undefined
    const json = (): any => JSON.parse(text)
    const response = { url, status, headers, setCookies, location, text, json }
    this.history.push(response)
    return response
  }
}

function siteOf(url: string, from?: string): string {
  if (from === undefined) return 'none'
  return new URL(from).origin === new URL(url).origin ? 'same-origin' : 'cross-site'
}

function navigationHeaders(url: string, from?: string): Record<string, string> {
  const site = siteOf(url, from)
  return {
    accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    'sec-fetch-site': site,
    ...(from !== undefined && site === 'same-origin' && { origin: new URL(from).origin })
  }
}
