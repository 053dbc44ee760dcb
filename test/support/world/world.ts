import { hash } from 'node:crypto'
import cookie from '@fastify/cookie'
import session from '@fastify/session'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Test } from 'tap'
import { CookieJar } from 'tough-cookie'
import type { LeAuthOptions, Lock } from '../../../lib/index.ts'
import { startApp, type TestApp } from '../app.ts'
import { type PageResponse, Browser } from '../browser.ts'
import { errorCode } from '../checks.ts'
import { type Clock, MINUTE } from '../clock.ts'
import { upToCallback } from '../login.ts'
import { slowStore, type TestStore } from '../stores.ts'
import { type Exchange, IDLE_LIFETIME, Logins, type Moment } from './logins.ts'
import { type Act, INSTANCES, PEOPLE, type Plan, type Scene, USERS } from './scenes.ts'
import type { WatchedSentinel } from './sentinel.ts'

const COOKIE = 'of-the-world'
/** How long everything in flight may take, in ms. */
const PATIENCE = 20_000

/** A request that is about to be sent. */
interface RequestPlan {
  what: string
  person: number
  instance: number
  /** Whether it may end the login that it comes with. */
  mayEnd: boolean
  /** The session to send, if not that of the browser. */
  sessionId?: string | undefined
}

/** What all worlds have in common. */
export interface Surroundings {
  t: Test
  clock: Clock
  tick: () => number
  sentinel: WatchedSentinel
}

/**
 * A random world: some processes of an app with one store, some people with their browsers, and
 * what is known of their logins.
 */
export class World {
  readonly store: TestStore
  readonly logins: Logins
  readonly #around: Surroundings
  readonly #plan: Plan
  readonly #lock: Lock | undefined
  readonly #instances: Array<Promise<TestApp>>
  readonly #jars = Array.from({ length: PEOPLE }, () => new CookieJar())
  /** The sign-ins of a person at Sentinel, one after the other. */
  readonly #signIns = Array.from({ length: PEOPLE }, () => Promise.resolve<unknown>(null))
  readonly #inFlight = new Set<Promise<unknown>>()
  /** Requests in flight, by process. */
  readonly #atInstance = Array.from({ length: INSTANCES }, () => new Set<Promise<unknown>>())
  readonly #begun = new Map<string, { userId: string; accessToken: string }>()
  #restarts = 0

  constructor(around: Surroundings, plan: Plan, lock: Lock | undefined) {
    this.#around = around
    this.#plan = plan
    this.#lock = lock
    this.store = slowStore(plan.storeDelays)
    this.logins = new Logins(around.sentinel)
    this.#instances = Array.from({ length: INSTANCES }, () => this.#startInstance())
  }

  /** Lets everything happen. @throws Error if something is not as it should be */
  async live(): Promise<void> {
    const { sentinel } = this.#around
    sentinel.troubles = []
    sentinel.forgetSendings()
    try {
      const users = USERS.slice(0, PEOPLE)
      await Promise.all(
        users.map((user, person) => {
          return this.#login(person, person % INSTANCES, user, 0)
        })
      )
      for (const scene of this.#plan.scenes) await this.#play(scene)
      await this.#quiet()
      await this.#end()
    } finally {
      await Promise.allSettled(this.#inFlight)
      await Promise.all(this.#instances.map(async instance => (await instance).app.close()))
    }
  }

  /** Sends one more request with each login, logs it out, and checks its end in each process. */
  async #end(): Promise<void> {
    const { logins, store } = this
    type Act = (person: number, instance: number, sessionId: string) => Promise<unknown>
    const forEach = (act: Act): Promise<unknown> =>
      Promise.all(
        logins.all.map((login, index) => {
          return act(login.person, index % INSTANCES, logins.sessionIdOf(login))
        })
      )
    await forEach((person, instance, id) => this.#ask(person, instance, '/who/token', id))
    await forEach((person, instance, id) => this.#logout(person, instance, false, id))
    await this.#quiet()
    for (let i = 0; i < INSTANCES; i += 1) {
      await forEach((person, instance, id) => {
        return this.#ask(person, (instance + i) % INSTANCES, '/who', id)
      })
    }
    for (const [kind, left] of [
      ['token set', store.tokenSets],
      ['login', store.logins]
    ] as const) {
      if (left.length === 0) continue
      logins.violations.push(`(c) a ${kind} is left when everybody has logged out`)
    }
    this.#assert()
  }

  #assert(): void {
    const { violations } = this.logins
    // Without a lock each process may send a token once.
    const allowed = this.#lock === undefined ? INSTANCES + this.#restarts : 1
    const isTooOften = this.#around.sentinel.mostSendings > allowed
    if (isTooOften) violations.push('(d) a refresh token was sent too often')
    if (violations.length > 0) throw new Error([...new Set(violations)].join('\n'))
  }

  #start(doing: Promise<unknown>): void {
    const noted = doing
      .catch(error => this.logins.violations.push(`(f) ${error}`))
      .finally(() => this.#inFlight.delete(noted))
    this.#inFlight.add(noted)
  }

  /** Waits until nothing is in flight, background refreshes included. */
  async #quiet(): Promise<void> {
    const end = Date.now() + PATIENCE
    let calm = 0
    while (calm < 3) {
      await Promise.allSettled(this.#inFlight)
      calm = this.store.pending === 0 && this.#around.sentinel.pending === 0 ? calm + 1 : 0
      if (Date.now() > end) throw new Error('it does not become quiet')
      await pause(2)
    }
    this.#around.sentinel.noteQuiet()
    this.logins.judgeStore(this.store.tokenSets)
    this.#assert()
  }

  async #play({ hero, minutes, troubles, acts, overlaps }: Scene): Promise<void> {
    if (!(await this.#isLoggedIn(hero))) await this.#login(hero, 0, USERS[hero]!, 1)
    this.#around.clock.advance(minutes * MINUTE)
    this.#around.sentinel.troubles = [...troubles]
    for (const act of acts) {
      this.#start(this.#perform(act))
      await pause(act.pause)
    }
    if (!overlaps) await this.#quiet()
    this.#assert()
  }

  async #isLoggedIn(person: number): Promise<boolean> {
    const { origin } = await this.#instances[0]!
    const cookies = await this.#jars[person]!.getCookieString(origin)
    return this.logins.isAlive(sessionIdIn(cookies), this.#moment())
  }

  #perform({ deed, person, instance }: Act): Promise<void> {
    switch (deed.do) {
      case 'login':
        return this.#login(person, instance, deed.user, deed.callbackAt)
      case 'ask':
        return this.#ask(person, instance, deed.path)
      case 'slow': {
        const path = `/who/slow?ms=${deed.ms}${deed.write ? '&write' : ''}`
        return this.#ask(person, instance, path)
      }
      case 'logout':
        return this.#logout(person, instance, deed.revoke)
      case 'restart':
        return this.#restart(instance)
    }
  }

  async #ask(person: number, instance: number, path: string, sessionId?: string): Promise<void> {
    const plan = { what: path, person, instance, mayEnd: false, sessionId }
    const sent = await this.#exchange(plan, (browser, app) => browser.script(app.url(path)))
    const {
      exchange,
      response: { status, json }
    } = sent
    if (status === 200 && json().login !== undefined) exchange.response = json()
    this.logins.judge(exchange, !path.startsWith('/who/slow'))
  }

  async #logout(
    person: number,
    instance: number,
    revoke: boolean,
    sessionId?: string
  ): Promise<void> {
    const form: Record<string, string> = revoke ? { revoke: 'true' } : {}
    const what = revoke ? '/logout everywhere' : '/logout'
    const plan = { what, person, instance, mayEnd: true, sessionId }
    const { exchange } = await this.#exchange(plan, (browser, { url }) => {
      return browser.step(url('/logout'), { method: 'POST', form, from: url('/logout') })
    })
    this.logins.judgeFlow(exchange, false)
  }

  async #login(
    person: number,
    instance: number,
    loginName: string,
    callbackAt: number
  ): Promise<void> {
    const { clock, tick, sentinel } = this.#around
    const before = { tick: tick(), clock: clock.now() }
    const { users } = sentinel.emulator.accounts[0]!
    const { id } = users.find(user => user.loginName === loginName)!
    // A code expires after a minute, and a revocation ends it as well.
    const isExcused = (): boolean =>
      clock.now() - before.clock > MINUTE / 2 || sentinel.wasRevoked(id, before.tick, Infinity)
    let callback: string
    try {
      callback = await this.#inTurn(person, () => this.#signIn(person, instance, loginName))
    } catch (error) {
      if (isExcused()) return
      throw error
    }
    const plan = { what: '/callback', person, instance: callbackAt, mayEnd: true }
    const { exchange, response } = await this.#exchange(plan, browser => browser.step(callback))
    this.logins.judgeFlow(exchange, isExcused())
    if (response.status === 303) this.#noteLogin(exchange, response, id)
  }

  #noteLogin(exchange: Exchange, response: PageResponse, userId: string): void {
    const begun = this.#begun.get(String(response.headers['x-login']))!
    if (begun.userId !== userId) {
      this.logins.violations.push(`(a) ${userId} has signed in, and ${begun.userId} is logged in`)
    }
    const sessionId = response.setCookies.map(sessionIdIn).find(id => id !== undefined)!
    this.logins.begin(exchange, sessionId, tokenSetOf(sessionId), begun.userId, begun.accessToken)
  }

  async #signIn(person: number, instance: number, loginName: string): Promise<string> {
    const app = await this.#instances[instance]!
    const browser = this.#browser({ what: '/login', person, instance, mayEnd: false }, app)
    return this.#tracked(instance, upToCallback(app, browser, '/login', { loginName }))
  }

  async #exchange(
    plan: RequestPlan,
    send: (browser: Browser, app: TestApp) => Promise<PageResponse>
  ): Promise<{ exchange: Exchange; response: PageResponse }> {
    const { instance, sessionId } = plan
    const app = await this.#instances[instance]!
    const browser = this.#browser(plan, app)
    if (sessionId !== undefined) browser.cookies = `${COOKIE}=${encodeURIComponent(sessionId)}`
    const response = await this.#tracked(instance, send(browser, app))
    return { exchange: browser.exchange!, response }
  }

  /**
   * Restarts a process. It gets no more requests before that, as from a load balancer; background
   * refreshes may still be in flight.
   */
  async #restart(index: number): Promise<void> {
    this.#restarts += 1
    const before = this.#instances[index]!
    const restarted = (async () => {
      const { app } = await before
      while (this.#atInstance[index]!.size > 0) await Promise.allSettled(this.#atInstance[index]!)
      await app.close()
      return this.#startInstance()
    })()
    this.#instances[index] = restarted
    await restarted
  }

  async #tracked<Result>(instance: number, doing: Promise<Result>): Promise<Result> {
    const here = this.#atInstance[instance]!
    here.add(doing)
    try {
      return await doing
    } finally {
      here.delete(doing)
    }
  }

  async #inTurn<Result>(person: number, work: () => Promise<Result>): Promise<Result> {
    const result = this.#signIns[person]!.then(work)
    this.#signIns[person] = result.catch(() => {})
    return result
  }

  #browser({ what, person, instance, mayEnd }: RequestPlan, app: TestApp): WorldBrowser {
    const sent = (cookies: string): Exchange => {
      const sessionId = sessionIdIn(cookies)
      const exchange = { what, person, instance, sessionId, start: this.#moment() }
      this.logins.sent(exchange, mayEnd)
      return exchange
    }
    const responded = (exchange: Exchange, response: PageResponse): void => {
      const { status } = response
      Object.assign(exchange, { end: this.#moment(), status, code: errorCode(response) })
      this.logins.responded(exchange)
    }
    const browser = new WorldBrowser({ [app.origin]: app.server })
    return Object.assign(browser, { jar: this.#jars[person]!, sent, responded })
  }

  #moment(): Moment {
    return { tick: this.#around.tick(), clock: this.#around.clock.now() }
  }

  #startInstance(): Promise<TestApp> {
    const { t, clock, sentinel } = this.#around
    const { ownSession } = this.#plan
    const options: LeAuthOptions = {
      now: clock.now,
      idleLifetime: IDLE_LIFETIME,
      cookie: { name: COOKIE },
      ...(!ownSession && { store: this.store }),
      ...(this.#lock !== undefined && { lock: this.#lock }),
      onLogin: async ({ user }, request, reply) => {
        const number = String(this.#begun.size)
        const begun = { userId: user.id, accessToken: '' }
        this.#begun.set(number, begun)
        begun.accessToken = await request.leAuth!.getAccessToken()
        reply.header('x-login', number)
      }
    }
    const before = async (app: FastifyInstance): Promise<void> => {
      if (!ownSession) return
      await app.register(cookie)
      await app.register(session, {
        secret: 'a secret of the app itself, of more than 32 characters',
        cookieName: 'of-the-app',
        store: this.store,
        cookie: { secure: false },
        rolling: true
      })
    }
    const fastify = { logger: false, forceCloseConnections: 'idle' } as const
    return startApp(t, { sentinel: sentinel.emulator, options, before, after: whoRoutes, fastify })
  }
}

/**
 * A browser that notes the cookies of each request, of those before a page of Sentinel as well, for
 * each request is activity.
 */
class WorldBrowser extends Browser {
  declare sent: (cookies: string) => Exchange
  declare responded: (exchange: Exchange, response: PageResponse) => void
  exchange: Exchange | undefined
  /** Sent in place of those in the jar. */
  cookies: string | undefined

  override async send(url: string, ask: Parameters<Browser['send']>[1]): Promise<PageResponse> {
    const cookies = this.cookies ?? (await this.jar.getCookieString(url))
    const exchange = (this.exchange = this.sent(cookies))
    // As a header, for the jar may have other cookies a moment later.
    const cookie = cookies === '' ? 'nothing=yet' : cookies
    const response = await super.send(url, { ...ask, headers: { ...ask.headers, cookie } })
    this.responded(exchange, response)
    return response
  }
}

/** Routes that say who is logged in, and by which login. */
function whoRoutes(app: FastifyInstance): void {
  const guarded = { preHandler: app.requireAuth }
  app.get('/who', guarded, async request => who(request))
  app.get('/who/token', guarded, async request => {
    return { ...who(request), accessToken: await request.leAuth!.getAccessToken() }
  })
  app.get('/who/refresh', guarded, async request => {
    await request.leAuth!.refresh()
    return { ...who(request), accessToken: await request.leAuth!.getAccessToken() }
  })
  app.get<{ Querystring: { ms: string; write?: string } }>('/who/slow', async request => {
    const { ms, write } = request.query
    if (write !== undefined) Object.assign(request.session, { writtenAt: Date.now() })
    const response = who(request)
    await pause(Number(ms))
    return response
  })
}

function who({ leAuth, cookies }: FastifyRequest): { login?: string; userId?: string } {
  return leAuth ? { login: tokenSetOf(cookies[COOKIE]!), userId: leAuth.user.id } : {}
}

/** The id of the token set of the login that a cookie belongs to. */
function tokenSetOf(cookie: string): string {
  return `le-auth:tokens:${hash('sha256', cookie, 'base64url')}`
}

function sessionIdIn(cookies: string): string | undefined {
  const value = new RegExp(`(?:^|[ ;])${COOKIE}=([^;]+)`).exec(cookies)?.[1]
  return value === undefined ? undefined : decodeURIComponent(value)
}

async function pause(ms: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms))
}
