import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import type { Test } from 'tap'
import { sentinelEmulator, type Fault, type SentinelEmulator } from '../../lib/emulator/index.js'

/** All tokens that follow from one authorization code. */
export interface Family {
  userId: string
  /** When the code was exchanged, by the world's ticks: from then on a revocation ends these tokens. */
  issuedAt: number
  /** Refreshes of these tokens that were made to fail, and when the app had heard of it at the latest, by the shifted clock. */
  failures: Array<{ heardAt: number }>
}

/** What is to happen to the next refresh: a fault of the emulator's, or an answer that is long under way. */
export type Trouble = Fault | { answerDelayMs: number }

/**
 * An emulator that is watched: which user each token belongs to, which refresh tokens are used up and sent again, and who
 * was logged out of everything. It reads that from what is asked and answered on the wire.
 */
export class WatchedSentinel {
  readonly #tick: () => number
  readonly #now: () => number
  readonly #families = new Map<string, Family>()
  readonly #sendings = new Map<string, number>()
  readonly #revoked: Array<{ userId: string, tick: number }> = []
  readonly #slow = new WeakMap<FastifyRequest, number>()
  readonly #arrivedAt = new WeakMap<FastifyRequest, number>()
  emulator!: SentinelEmulator
  /** What comes over the next refreshes, one each. */
  troubles: Trouble[] = []
  refreshes = 0
  pending = 0

  constructor (now: () => number, tick: () => number) {
    this.#now = now
    this.#tick = tick
  }

  async start (t: Test): Promise<void> {
    const app = Fastify({ forceCloseConnections: true })
    t.teardown(() => app.close())
    app.addHook('preHandler', (request, _reply, done) => { this.#arrived(request); done() })
    app.addHook('onSend', (request, reply, payload) => this.#leaves(request, reply, payload))
    app.addHook('onRequest', (_request, reply, done) => {
      this.pending += 1
      reply.raw.once('close', () => { this.pending -= 1 })
      done()
    })
    // Longer than any login, so that a login ends by what happens in the world alone.
    await app.register(sentinelEmulator, { now: this.#now, lifetimes: { refreshToken: 24 * 60 * 60 * 1000 } })
    await app.listen({ host: '127.0.0.1', port: 0 })
    this.emulator = app.sentinel
  }

  familyOf (token: string): Family | undefined {
    return this.#families.get(token)
  }

  /** How often the refresh token was sent that was sent most often, failures aside: Sentinel used it up at the first time. */
  get mostSendings (): number {
    return Math.max(0, ...this.#sendings.values())
  }

  /** Nothing is under way: what was made to fail until now, the app has heard of. */
  noteQuiet (): void {
    for (const failure of [...this.#families.values()].flatMap(({ failures }) => failures)) failure.heardAt = Math.min(failure.heardAt, this.#now())
  }

  /** Begins to count anew. */
  forgetSendings (): void {
    this.#sendings.clear()
  }

  /** Whether somebody was logged out of everything in a span of time. */
  wasRevoked (userId: string, after: number, before: number): boolean {
    return this.#revoked.some(revoked => revoked.userId === userId && revoked.tick > after && revoked.tick < before)
  }

  #arrived (request: FastifyRequest): void {
    const form = formOf(request)
    this.#arrivedAt.set(request, this.#tick())
    if (request.url.includes('/token/revoke')) this.#noteRevocation(form.get('token'))
    const token = form.get('refresh_token')
    if (token === null) return
    this.refreshes += 1
    const trouble = this.troubles.shift()
    if (trouble === undefined || !isFailure(trouble)) this.#sendings.set(token, (this.#sendings.get(token) ?? 0) + 1)
    if (trouble === undefined) return
    if ('answerDelayMs' in trouble) { this.#slow.set(request, trouble.answerDelayMs); return }
    if (isFailure(trouble)) this.familyOf(token)?.failures.push({ heardAt: Infinity })
    this.emulator.next('refresh', trouble)
  }

  #noteRevocation (token: string | null): void {
    const userId = this.familyOf(token ?? '')?.userId
    if (userId !== undefined) this.#revoked.push({ userId, tick: this.#tick() })
  }

  async #leaves (request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
    if (reply.statusCode !== 200 || typeof payload !== 'string' || !payload.includes('"access_token"')) return payload
    const { access_token: accessToken, refresh_token: refreshToken, id_token: idToken } = JSON.parse(payload)
    const sent = formOf(request).get('refresh_token')
    const family = sent === null ? { userId: subjectOf(idToken), issuedAt: this.#arrivedAt.get(request)!, failures: [] } : this.familyOf(sent)!
    this.#families.set(accessToken, family).set(refreshToken, family)
    await new Promise(resolve => setTimeout(resolve, this.#slow.get(request) ?? 0))
    return payload
  }
}

/** Sentinel does not get to see the refresh. */
function isFailure (trouble: Trouble): boolean {
  return 'status' in trouble || 'cutOff' in trouble
}

function formOf ({ body }: FastifyRequest): URLSearchParams {
  return body instanceof URLSearchParams ? body : new URLSearchParams()
}

function subjectOf (idToken: string): string {
  return JSON.parse(Buffer.from(idToken.split('.')[1]!, 'base64url').toString()).sub
}
