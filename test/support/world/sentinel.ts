import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import type { Test } from 'tap'
import { sentinelEmulator, type Fault, type SentinelEmulator } from '../../../lib/emulator/index.ts'
import { HOUR } from '../clock.ts'

/** All tokens that follow from one authorization code. */
export interface Family {
  userId: string
  /**
   * When the code was exchanged, in ticks of the world. A revocation after that ends these tokens.
   */
  issuedAt: number
  /**
   * Refreshes of these tokens that were made to fail, and the latest time at which the app knew of
   * it, by the clock of the test.
   */
  failures: Array<{ heardAt: number }>
}

/**
 * What happens to the next refresh: a fault of the emulator, or a response that takes time.
 */
export type Trouble = Fault | { responseDelayMs: number }

/**
 * An emulator that notes which user each token belongs to, which used refresh tokens are sent
 * again, and who was logged out of everything. It reads that from the requests and responses.
 */
export class WatchedSentinel {
  readonly #tick: () => number
  readonly #now: () => number
  readonly #families = new Map<string, Family>()
  readonly #sendings = new Map<string, number>()
  readonly #revoked: Array<{ userId: string; tick: number }> = []
  readonly #slow = new WeakMap<FastifyRequest, number>()
  readonly #arrivedAt = new WeakMap<FastifyRequest, number>()
  emulator!: SentinelEmulator
  /** What happens to the next refreshes, one each. */
  troubles: Trouble[] = []
  refreshes = 0
  pending = 0

  constructor(now: () => number, tick: () => number) {
    this.#now = now
    this.#tick = tick
  }

  async start(t: Test): Promise<void> {
    const app = Fastify({ forceCloseConnections: true })
    t.teardown(() => app.close())
    app.addHook('preHandler', (request, _reply, done) => {
      this.#arrived(request)
      done()
    })
    app.addHook('onSend', (request, reply, payload) => this.#leaves(request, reply, payload))
    app.addHook('onRequest', (_request, reply, done) => {
      this.pending += 1
      reply.raw.once('close', () => {
        this.pending -= 1
      })
      done()
    })
    // Longer than any login, so that only what happens in the world ends a login.
    const lifetimes = { refreshToken: 24 * HOUR }
    await app.register(sentinelEmulator, { now: this.#now, lifetimes })
    await app.listen({ host: '127.0.0.1', port: 0 })
    this.emulator = app.sentinel
  }

  familyOf(token: string): Family | undefined {
    return this.#families.get(token)
  }

  /**
   * How often the same refresh token was sent at most, apart from failures. Sentinel uses it up the
   * first time.
   */
  get mostSendings(): number {
    return Math.max(0, ...this.#sendings.values())
  }

  /** Notes that nothing is in flight, so that the app knows of all failures until now. */
  noteQuiet(): void {
    for (const failure of [...this.#families.values()].flatMap(({ failures }) => failures)) {
      failure.heardAt = Math.min(failure.heardAt, this.#now())
    }
  }

  /** Starts to count again from zero. */
  forgetSendings(): void {
    this.#sendings.clear()
  }

  /** Whether a user was logged out of everything between two ticks. */
  wasRevoked(userId: string, after: number, before: number): boolean {
    const ofUser = this.#revoked.filter(revoked => revoked.userId === userId)
    return ofUser.some(({ tick }) => tick > after && tick < before)
  }

  #arrived(request: FastifyRequest): void {
    const form = formOf(request)
    this.#arrivedAt.set(request, this.#tick())
    if (request.url.includes('/token/revoke')) this.#noteRevocation(form.get('token'))
    const token = form.get('refresh_token')
    if (token === null) return
    this.refreshes += 1
    const trouble = this.troubles.shift()
    const isSeen = trouble === undefined || !isFailure(trouble)
    if (isSeen) this.#sendings.set(token, (this.#sendings.get(token) ?? 0) + 1)
    if (trouble === undefined) return
    if ('responseDelayMs' in trouble) {
      this.#slow.set(request, trouble.responseDelayMs)
      return
    }
    if (isFailure(trouble)) this.familyOf(token)?.failures.push({ heardAt: Infinity })
    this.emulator.next('refresh', trouble)
  }

  #noteRevocation(token: string | null): void {
    const userId = this.familyOf(token ?? '')?.userId
    if (userId !== undefined) this.#revoked.push({ userId, tick: this.#tick() })
  }

  async #leaves(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
    if (reply.statusCode !== 200 || typeof payload !== 'string') return payload
    if (!payload.includes('"access_token"')) return payload
    const tokens = JSON.parse(payload)
    const sent = formOf(request).get('refresh_token')
    const family = sent === null ? this.#newFamily(request, tokens.id_token) : this.familyOf(sent)!
    this.#families.set(tokens.access_token, family).set(tokens.refresh_token, family)
    await new Promise(resolve => setTimeout(resolve, this.#slow.get(request) ?? 0))
    return payload
  }

  #newFamily(request: FastifyRequest, idToken: string): Family {
    return { userId: subjectOf(idToken), issuedAt: this.#arrivedAt.get(request)!, failures: [] }
  }
}

/** Whether Sentinel does not get the refresh. */
function isFailure(trouble: Trouble): boolean {
  return 'status' in trouble || 'cutOff' in trouble
}

function formOf({ body }: FastifyRequest): URLSearchParams {
  return body instanceof URLSearchParams ? body : new URLSearchParams()
}

function subjectOf(idToken: string): string {
  return JSON.parse(Buffer.from(idToken.split('.')[1]!, 'base64url').toString()).sub
}
