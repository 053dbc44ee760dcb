import { CookieJar } from 'tough-cookie'
import { request } from 'undici'

/** One answer that the browser got. */
export interface Answer {
  /** The address as the browser sees it. */
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
  /** The page that the request comes from. */
  from?: string
}

const MAX_REDIRECTS = 10

/**
 * A browser without a screen: one cookie jar, real HTTP, the headers that browsers send. Public origins are mapped to
 * servers of this machine; for an https origin it plays the TLS proxy in front of the app as well.
 */
export class Browser {
  readonly jar = new CookieJar()
  /** Every answer, oldest first. */
  readonly history: Answer[] = []
  readonly #servers: Map<string, string>

  constructor (servers: Record<string, string>) {
    this.#servers = new Map(Object.entries(servers))
  }

  /** Opens a page as a person does, and follows redirects to where it ends. */
  async navigate (url: string, ask: Ask = {}): Promise<Answer> {
    let answer = await this.step(url, ask)
    for (let hops = 0; answer.location !== undefined; hops += 1) {
      if (hops === MAX_REDIRECTS) throw new Error(`too many redirects, the last to ${answer.location}`)
      answer = await this.step(new URL(answer.location, answer.url).href, { from: answer.url })
    }
    return answer
  }

  /** Opens a page, and stops at the first answer. */
  async step (url: string, ask: Ask = {}): Promise<Answer> {
    return this.send(url, { ...ask, headers: { ...navigationHeaders(url, ask.from), ...ask.headers } })
  }

  /** Asks as a script of a page of the app does. */
  async script (url: string, ask: Ask = {}): Promise<Answer> {
    const headers = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', 'sec-fetch-site': 'same-origin' }
    return this.send(url, { ...ask, headers: { ...headers, ...ask.headers } })
  }

  /** Submits a form of a page of the same origin. */
  async submit (url: string, form: Record<string, string>): Promise<Answer> {
    return this.navigate(url, { method: 'POST', form, from: url })
  }

  /** Sends just what is given, cookies aside. */
  async send (url: string, { method = 'GET', headers = {}, form }: Ask): Promise<Answer> {
    const target = new URL(url)
    const server = this.#servers.get(target.origin) ?? target.origin
    const cookie = await this.jar.getCookieString(url)
    const answer = await request(server + target.pathname + target.search, {
      method,
      headers: {
        host: target.host,
        ...(target.protocol === 'https:' && { 'x-forwarded-proto': 'https' }),
        ...(cookie !== '' && { cookie }),
        ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers
      },
      ...(form !== undefined && { body: new URLSearchParams(form).toString() })
    })
    return this.#remember(url, answer.statusCode, answer.headers, await answer.body.text())
  }

  /** The names of the cookies that would go to an address. */
  async cookieNames (url: string): Promise<string[]> {
    return (await this.jar.getCookies(url)).map(cookie => cookie.key)
  }

  /** Another browser with the same cookies, from now on on its own; at other servers where they are given. */
  async copy (servers = Object.fromEntries(this.#servers)): Promise<Browser> {
    const copy = new Browser(servers)
    for (const cookie of (await this.jar.serialize()).cookies) {
      await copy.jar.setCookie(`${cookie.key}=${cookie.value}; Path=${cookie.path}`, `http://${cookie.domain}${cookie.path}`)
    }
    return copy
  }

  async #remember (url: string, status: number, headers: Answer['headers'], text: string): Promise<Answer> {
    const setCookies = [headers['set-cookie'] ?? []].flat()
    for (const cookie of setCookies) await this.jar.setCookie(cookie, url, { ignoreError: true })
    const location = typeof headers.location === 'string' ? headers.location : undefined
    const answer = { url, status, headers, setCookies, location, text, json: () => JSON.parse(text) }
    this.history.push(answer)
    return answer
  }
}

function navigationHeaders (url: string, from?: string): Record<string, string> {
  const site = from === undefined ? 'none' : new URL(from).origin === new URL(url).origin ? 'same-origin' : 'cross-site'
  return {
    accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    'sec-fetch-site': site,
    ...(from !== undefined && site === 'same-origin' && { origin: new URL(from).origin })
  }
}
