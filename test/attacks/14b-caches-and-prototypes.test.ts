import type { FastifyInstance } from 'fastify'
import { Agent, DecoratorHandler, interceptors, type Dispatcher } from 'undici'
import { attack, type Stage } from '../support/attack/attack.ts'
import type { Browser } from '../support/browser.ts'
import { ADMIN, AGENT, logIn } from '../support/login.ts'
import { rawRequest } from '../support/raw-http.ts'

attack(
  'CP1',
  'a careless cache never gives two browsers the same login',
  'CVE-2023-31999, RFC 9111 §3',
  async (t, stage) => {
    const kept = new Map<string, string>()
    const throughCache = async (
      browser: Browser,
      headers: Record<string, string>
    ): Promise<string> => {
      const response = await browser.step(stage.url('/login'), { headers })
      const known = kept.get('/login')
      if (known !== undefined) return known
      if (!/no-store/.test(String(response.headers['cache-control']))) {
        kept.set('/login', response.location!)
      }
      return response.location!
    }
    const states = new Set<string>()
    const others = new Set<string>()
    for (const headers of [
      {},
      {},
      { 'x-forwarded-host': 'evil.example' },
      { 'x-forwarded-proto': 'https' },
      { 'x-forwarded-prefix': '/evil' },
      { 'accept-version': '1.x' }
    ] as Array<Record<string, string>>) {
      const location = new URL(await throughCache(stage.browser(), headers))
      states.add(location.searchParams.get('state')!)
      for (const name of ['state', 'code_challenge']) location.searchParams.delete(name)
      others.add(location.href)
    }
    t.equal(states.size, 6, 'each has its own state')
    t.equal(others.size, 1, 'nothing else differs')
  }
)

/** A network that marks every response as cacheable, behind one cache for all users. */
function cachingDispatcher(cacheControl: string): Dispatcher {
  const marked: Dispatcher.DispatcherComposeInterceptor = dispatch => (options, handler) =>
    dispatch(options, new Marker(handler, cacheControl))
  return new Agent().compose(marked, interceptors.cache())
}

interface HeaderHandler {
  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[]>,
    message?: string
  ): void
}
// Its types omit the methods that it has.
const Decorator = DecoratorHandler as unknown as new (
  handler: Dispatcher.DispatchHandler
) => HeaderHandler

class Marker extends Decorator {
  readonly #cacheControl: string

  constructor(handler: Dispatcher.DispatchHandler, cacheControl: string) {
    super(handler)
    this.#cacheControl = cacheControl
  }

  override onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[]>,
    message?: string
  ): void {
    super.onResponseStart(
      controller,
      status,
      { ...headers, 'cache-control': this.#cacheControl },
      message
    )
  }
}

const renew = (app: FastifyInstance): void => {
  app.get('/renew', { onRequest: app.requireAuth }, async request => {
    await request.leAuth!.refresh()
    return 'renewed'
  })
}

attack(
  'CP2',
  'a cache in the dispatcher stores no token, although every response is marked as cacheable',
  'CVE-2026-13697, CVE-2025-67490',
  async (t, stage) => {
    const tokens = new Set<string>()
    for (const person of [AGENT, ADMIN, AGENT]) {
      const browser = stage.browser()
      await logIn(stage, browser, person)
      t.equal(await stage.me(browser), person.id)
      for (let i = 0; i < 2; i += 1) {
        tokens.add((await browser.script(stage.url('/token'))).json().accessToken)
        t.equal((await browser.script(stage.url('/renew'))).status, 200)
      }
    }
    t.equal(stage.exchanges(), 3, 'each exchange was made')
    t.equal(stage.calls('refresh'), 6, 'each refresh was made')
    t.equal(tokens.size, 6, 'all tokens are different')
  },
  { options: { dispatcher: cachingDispatcher('public, max-age=3600') }, after: renew }
)

// The last three let a shared cache store a response to a request with a token (RFC 9111 §3.5).
for (const cacheControl of [
  'max-age=3600',
  'private, max-age=3600',
  'public, max-age=3600',
  's-maxage=3600',
  'max-age=3600, must-revalidate'
]) {
  attack(
    'CP2',
    `a cache in the dispatcher gives no user’s response to another user if LivePerson sends ${cacheControl}`,
    'CVE-2026-13697, RFC 9111 §3.5',
    async (t, stage) => {
      for (const person of [AGENT, ADMIN, AGENT]) {
        const browser = stage.browser()
        await logIn(stage, browser, person)
        t.equal((await browser.script(stage.url('/users'))).status, 200)
      }
      t.equal(bearers(stage).size, 3, 'each user’s request had its own token')
    },
    { options: { dispatcher: cachingDispatcher(cacheControl) } }
  )
}

function bearers(stage: Stage): Set<unknown> {
  return new Set(
    stage.sentinel.requests
      .filter(request => request.endpoint === 'users')
      .map(request => request.headers.authorization)
  )
}

const PROTOTYPES =
  '__proto__[x]=1&__proto__=1&constructor=1&constructor[prototype][x]=1&hasOwnProperty=1' +
  '&toString=1&prototype[x]=1&__proto__.x=1'

attack(
  'PP1',
  'names such as __proto__ and constructor have no special effect',
  'CVE-2022-39288',
  async (t, stage) => {
    const member = stage.browser()
    await logIn(stage, member)
    for (const browser of [stage.browser(), member]) {
      for (const path of [
        '/login',
        '/callback',
        '/callback?code=A&state=x',
        '/logout',
        '/me',
        '/page/a',
        '/'
      ]) {
        for (const query of [
          PROTOTYPES,
          `returnTo[__proto__]=/a&${PROTOTYPES}`,
          'state=__proto__&code=constructor',
          'returnTo=__proto__&returnTo=constructor'
        ]) {
          const { status } = await browser.step(
            stage.url(`${path}${path.includes('?') ? '&' : '?'}${query}`)
          )
          t.ok(status < 500, `${status} ${path}?${query.slice(0, 30)}`)
        }
      }
    }
    const headers = { origin: stage.origin, 'sec-fetch-site': 'same-origin' }
    for (const [type, body] of [
      ['application/json', '{"__proto__":{"revoke":true}}'],
      ['application/json', '{"constructor":{"prototype":{"revoke":true}}}'],
      [
        'application/x-www-form-urlencoded',
        '__proto__[revoke]=true&constructor[prototype][revoke]=true&__proto__=revoke'
      ],
      ['application/json', '[]'],
      ['application/json', 'null']
    ]) {
      const { status } = await rawRequest(stage, '/logout', {
        method: 'POST',
        browser: member,
        headers: { ...headers, 'Content-Type': type! },
        body: body!
      })
      t.ok(status < 500, `${status} ${body}`)
    }
    t.equal(stage.calls('revoke'), 0)
    t.equal(({} as Record<string, unknown>)['x'], undefined)
    t.equal(({} as Record<string, unknown>)['revoke'], undefined)
  }
)
