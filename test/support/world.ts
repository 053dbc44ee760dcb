import { hash } from 'node:crypto'
import cookie from '@fastify/cookie'
import session from '@fastify/session'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Test } from 'tap'
import { CookieJar } from 'tough-cookie'
import type { LeAuthOptions, RefreshLock } from '../../lib/index.js'
import { errorCode, startApp, upToCallback, type TestApp } from './app.js'
import { Browser, type Answer } from './browser.js'
import type { Clock } from './clock.js'
import { MINUTE } from './clock.js'
import { IDLE_LIFETIME, Logins, type Exchange, type Login, type Moment } from './world-logins.js'
import type { WatchedSentinel } from './world-sentinel.js'
import { INSTANCES, PEOPLE, USERS, type Act, type Plan, type Scene } from './world-scenes.js'
import { UnevenStore } from './world-store.js'

const COOKIE = 'of-the-world'
/** How long all that is under way may take, in ms. */
const PATIENCE = 20_000

/** What all worlds share. */
export interface Surroundings {
  t: Test
  clock: Clock
  tick: () => number
  sentinel: WatchedSentinel
}

/** Some instances of an app on one store, some people with their browsers, and what is known of their logins. */
export class World {
  readonly store: UnevenStore
  readonly logins: Logins
  readonly #around: Surroundings
  readonly #plan: Plan
  readonly #lock: RefreshLock | undefined
  readonly #instances: Array<Promise<TestApp>>
  readonly #jars = Array.from({ length: PEOPLE }, () => new CookieJar())
  /** The sign-ins of a person at Sentinel, one after the other. */
  readonly #signIns = Array.from({ length: PEOPLE }, () => Promise.resolve<unknown>(null))
  readonly #underWay = new Set<Promise<unknown>>()
  /** Exchanges by instance. */
  readonly #atInstance = Array.from({ length: INSTANCES }, () => new Set<Promise<unknown>>())
  readonly #begun = new Map<string, { userId: string, accessToken: string }>()
  #restarts = 0

  constructor (around: Surroundings, plan: Plan, lock: RefreshLock | undefined) {
    this.#around = around
    this.#plan = plan
    this.#lock = lock
    this.store = new UnevenStore(plan.storeDelays)
    this.logins = new Logins(around.sentinel)
    this.#instances = Array.from({ length: INSTANCES }, () => this.#startInstance())
  }

  /** Lets everything happen. @throws Error where something is not as it should be */
  async live (): Promise<void> {
    const { sentinel } = this.#around
    sentinel.troubles = []
    sentinel.forgetSendings()
    try {
      await Promise.all(USERS.slice(0, PEOPLE).map((user, person) => this.#login(person, person % INSTANCES, user, 0)))
      for (const scene of this.#plan.scenes) await this.#play(scene)
      await this.#quiet()
      await this.#end()
    } finally {
      await Promise.allSettled(this.#underWay)
      await Promise.all(this.#instances.map(async instance => (await instance).app.close()))
    }
  }

  /** Everybody asks once more, logs out everywhere, and is logged out. */
  async #end (): Promise<void> {
    const { logins, store } = this
    const everywhere = (act: (login: Login, instance: number) => Promise<unknown>): Promise<unknown> =>
      Promise.all(logins.all.map((login, index) => act(login, index % INSTANCES)))
    await everywhere((login, instance) => this.#ask(login.person, instance, '/who/token', logins.sessionIdOf(login)))
    await everywhere((login, instance) => this.#logout(login.person, instance, false, logins.sessionIdOf(login)))
    await this.#quiet()
    for (let i = 0; i < INSTANCES; i += 1) await everywhere((login, instance) => this.#ask(login.person, (instance + i) % INSTANCES, '/who', logins.sessionIdOf(login)))
    if (store.tokenSets.length > 0) logins.violations.push('(c) a token set is left when everybody has logged out')
    if (store.logins.length > 0) logins.violations.push('(c) a login is left when everybody has logged out')
    this.#assert()
  }

  #assert (): void {
    const { violations } = this.logins
    // Without a lock each process may send it once.
    const allowed = this.#lock === undefined ? INSTANCES + this.#restarts : 1
    if (this.#around.sentinel.mostSendings > allowed) violations.push('(d) a refresh token was sent too often')
    if (violations.length > 0) throw new Error([...new Set(violations)].join('\n'))
  }

  #start (doing: Promise<unknown>): void {
    const noted = doing.catch(error => this.logins.violations.push(`(f) ${error}`)).finally(() => this.#underWay.delete(noted))
    this.#underWay.add(noted)
  }

  /** Waits until nothing is under way, refreshes behind requests among it. */
  async #quiet (): Promise<void> {
    const end = Date.now() + PATIENCE
    let calm = 0
    while (calm < 3) {
      await Promise.allSettled(this.#underWay)
      calm = this.store.pending === 0 && this.#around.sentinel.pending === 0 ? calm + 1 : 0
      if (Date.now() > end) throw new Error('it does not become quiet')
      await pause(2)
    }
    this.#around.sentinel.noteQuiet()
    this.logins.judgeStore(this.store.tokenSets)
    this.#assert()
  }

  async #play ({ hero, minutes, troubles, acts, overlaps }: Scene): Promise<void> {
    if (!await this.#isLoggedIn(hero)) await this.#login(hero, 0, USERS[hero]!, 1)
    this.#around.clock.advance(minutes * MINUTE)
    this.#around.sentinel.troubles = [...troubles]
    for (const act of acts) {
      this.#start(this.#perform(act))
      await pause(act.pause)
    }
    if (!overlaps) await this.#quiet()
    this.#assert()
  }

  async #isLoggedIn (person: number): Promise<boolean> {
    const { origin } = await this.#instances[0]!
    return this.logins.isAlive(sessionIdIn(await this.#jars[person]!.getCookieString(origin)), this.#moment())
  }

  #perform ({ deed, person, instance }: Act): Promise<void> {
    switch (deed.do) {
      case 'login': return this.#login(person, instance, deed.user, deed.callbackAt)
      case 'ask': return this.#ask(person, instance, deed.path)
      case 'slow': return this.#ask(person, instance, `/who/slow?ms=${deed.ms}${deed.write ? '&write' : ''}`)
      case 'logout': return this.#logout(person, instance, deed.revoke)
      case 'restart': return this.#restart(instance)
    }
  }

  async #ask (person: number, instance: number, path: string, sessionId?: string): Promise<void> {
    const isGuarded = !path.startsWith('/who/slow')
    await this.#exchange(path, person, instance, false, (browser, app) => browser.script(app.url(path)), sessionId, (exchange, answer) => {
      if (answer.status === 200 && answer.json().login !== undefined) exchange.answer = answer.json()
      this.logins.judge(exchange, isGuarded)
    })
  }

  async #logout (person: number, instance: number, revoke: boolean, sessionId?: string): Promise<void> {
    const form: Record<string, string> = revoke ? { revoke: 'true' } : {}
    await this.#exchange(revoke ? '/logout everywhere' : '/logout', person, instance, true, (browser, app) => {
      const url = app.url('/logout')
      return browser.step(url, { method: 'POST', form, from: url })
    }, sessionId, exchange => this.logins.judgeFlow(exchange, false))
  }

  async #login (person: number, instance: number, loginName: string, callbackAt: number): Promise<void> {
    const { clock, tick, sentinel } = this.#around
    const before = { tick: tick(), clock: clock.now() }
    const user = sentinel.emulator.accounts[0]!.users.find(user => user.loginName === loginName)!
    // A code lives for a minute, and a revocation ends it as well.
    const isExcused = (): boolean => clock.now() - before.clock > MINUTE / 2 || sentinel.wasRevoked(user.id, before.tick, Infinity)
    let callback: string
    try {
      callback = await this.#inTurn(person, () => this.#signIn(person, instance, loginName))
    } catch (error) {
      if (isExcused()) return
      throw error
    }
    await this.#exchange('/callback', person, callbackAt, true, browser => browser.step(callback), undefined, (exchange, answer) => {
      this.logins.judgeFlow(exchange, isExcused())
      if (answer.status === 303) this.#noteLogin(exchange, answer, user.id)
    })
  }

  #noteLogin (exchange: Exchange, answer: Answer, userId: string): void {
    const begun = this.#begun.get(String(answer.headers['x-login']))!
    if (begun.userId !== userId) this.logins.violations.push(`(a) ${userId} has signed in, and ${begun.userId} is logged in`)
    const sessionId = answer.setCookies.map(sessionIdIn).find(id => id !== undefined)!
    this.logins.begin(exchange, sessionId, tokenSetOf(sessionId), begun.userId, begun.accessToken)
  }

  async #signIn (person: number, instance: number, loginName: string): Promise<string> {
    // Sentinel's own session would log the last user in again.
    await this.#jars[person]!.store.removeCookies('127.0.0.1', null)
    const app = await this.#instances[instance]!
    const browser = this.#browser('/login', person, instance, app, false)
    return this.#tracked(instance, upToCallback(app, browser, '/login', { loginName, id: '' }))
  }

  /** @param sessionId the session to ask with, where it is not that of the browser */
  async #exchange (what: string, person: number, instance: number, mayEnd: boolean, send: (browser: Browser, app: TestApp) => Promise<Answer>, sessionId: string | undefined, done: (exchange: Exchange, answer: Answer) => void): Promise<void> {
    const app = await this.#instances[instance]!
    const browser = this.#browser(what, person, instance, app, mayEnd)
    if (sessionId !== undefined) browser.cookies = `${COOKIE}=${encodeURIComponent(sessionId)}`
    const answer = await this.#tracked(instance, send(browser, app))
    done(browser.exchange!, answer)
  }

  /** A load balancer takes an instance out before it is restarted; refreshes behind requests may still be under way. */
  async #restart (index: number): Promise<void> {
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

  async #tracked<Result> (instance: number, doing: Promise<Result>): Promise<Result> {
    const here = this.#atInstance[instance]!
    here.add(doing)
    try {
      return await doing
    } finally {
      here.delete(doing)
    }
  }

  async #inTurn<Result> (person: number, work: () => Promise<Result>): Promise<Result> {
    const result = this.#signIns[person]!.then(work)
    this.#signIns[person] = result.catch(() => {})
    return result
  }

  #browser (what: string, person: number, instance: number, app: TestApp, mayEnd: boolean): WorldBrowser {
    const sent = (cookies: string): Exchange => {
      const exchange = { what, person, instance, sessionId: sessionIdIn(cookies), start: this.#moment() }
      this.logins.sent(exchange, mayEnd)
      return exchange
    }
    const answered = (exchange: Exchange, answer: Answer): void => {
      Object.assign(exchange, { end: this.#moment(), status: answer.status, code: errorCode(answer) })
      this.logins.answered(exchange)
    }
    return Object.assign(new WorldBrowser({ [app.origin]: app.server }), { jar: this.#jars[person]!, sent, answered })
  }

  #moment (): Moment {
    return { tick: this.#around.tick(), clock: this.#around.clock.now() }
  }

  #startInstance (): Promise<TestApp> {
    const { t, clock, sentinel } = this.#around
    const { ownSession } = this.#plan
    const lifetimes = { idleLifetime: IDLE_LIFETIME, cookieName: COOKIE }
    const options: LeAuthOptions = {
      now: clock.now,
      session: ownSession ? lifetimes : { ...lifetimes, store: this.store },
      ...(this.#lock !== undefined && { refreshLock: this.#lock }),
      onLogin: async ({ user }, request, reply) => {
        const number = String(this.#begun.size)
        this.#begun.set(number, { userId: user.id, accessToken: '' })
        this.#begun.set(number, { userId: user.id, accessToken: await request.leAuth!.getAccessToken() })
        reply.header('x-login', number)
      }
    }
    const before = async (app: FastifyInstance): Promise<void> => {
      if (!ownSession) return
      await app.register(cookie)
      await app.register(session, { secret: 'a secret of the app itself, of more than 32 characters', cookieName: 'of-the-app', store: this.store, cookie: { secure: false }, rolling: true })
    }
    return startApp(t, { sentinel: sentinel.emulator, options, before, after: whoRoutes, fastify: { logger: false, forceCloseConnections: 'idle' } })
  }
}

/** A browser that notes with which cookies it asked, also where a page of Sentinel's lies in between: each request is activity. */
class WorldBrowser extends Browser {
  declare sent: (cookies: string) => Exchange
  declare answered: (exchange: Exchange, answer: Answer) => void
  exchange: Exchange | undefined
  /** Sent instead of its own. */
  cookies: string | undefined

  override async send (url: string, ask: Parameters<Browser['send']>[1]): Promise<Answer> {
    const cookies = this.cookies ?? await this.jar.getCookieString(url)
    const exchange = this.exchange = this.sent(cookies)
    // Given in so many words: those of the jar may be others a moment later.
    const answer = await super.send(url, { ...ask, headers: { ...ask.headers, cookie: cookies === '' ? 'nothing=yet' : cookies } })
    this.answered(exchange, answer)
    return answer
  }
}

/** Routes that say who is logged in, and by which login. */
function whoRoutes (app: FastifyInstance): void {
  const guarded = { preHandler: app.requireAuth }
  app.get('/who', guarded, async request => who(request))
  app.get('/who/token', guarded, async request => ({ ...who(request), accessToken: await request.leAuth!.getAccessToken() }))
  app.get('/who/refresh', guarded, async request => {
    await request.leAuth!.refresh()
    return { ...who(request), accessToken: await request.leAuth!.getAccessToken() }
  })
  app.get<{ Querystring: { ms: string, write?: string } }>('/who/slow', async request => {
    const { ms, write } = request.query
    if (write !== undefined) Object.assign(request.session, { writtenAt: Date.now() })
    const answer = who(request)
    await pause(Number(ms))
    return answer
  })
}

function who ({ leAuth, cookies }: FastifyRequest): { login?: string, userId?: string } {
  return leAuth ? { login: tokenSetOf(cookies[COOKIE]!), userId: leAuth.user.id } : {}
}

/** The id of the token set of the login that a cookie holds. */
function tokenSetOf (cookie: string): string {
  return `le-auth:tokens:${hash('sha256', cookie, 'base64url')}`
}

function sessionIdIn (cookies: string): string | undefined {
  const value = new RegExp(`(?:^|[ ;])${COOKIE}=([^;]+)`).exec(cookies)?.[1]
  return value === undefined ? undefined : decodeURIComponent(value)
}

async function pause (ms: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms))
}
