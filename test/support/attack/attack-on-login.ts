import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { StartSentinelEmulatorOptions } from '../../../lib/emulator/index.ts'
import type { LeAuthOptions } from '../../../lib/index.ts'
import type { PageResponse, Browser } from '../browser.ts'
import { Clock, HOUR, MINUTE, SECOND } from '../clock.ts'
import { logIn } from '../login.ts'
import { attack, type Stage } from './attack.ts'

/** A stage under a clock, with a user who has just logged in. */
export interface LoginStage extends Stage {
  clock: Clock
  user: Browser
  /** The paths of the guarded handlers that have run. */
  ran: string[]
  /** Lets the access token expire, and not the login. */
  endAccessToken: () => void
  /** Lets the access token expire and the refresh token die. */
  endTokens: () => void
  /** Lets the pause after a failed refresh pass. */
  endPause: () => void
  /** The refresh tokens that Sentinel was sent, oldest first. */
  presented: () => string[]
}

interface LoginSetting {
  options?: LeAuthOptions
  emulator?: StartSentinelEmulatorOptions
  before?: (app: FastifyInstance) => unknown
  /** Routes besides those of every test; `ran` notes that the handler of a path has run. */
  routes?: (app: FastifyInstance, ran: (path: string) => string) => unknown
}

type Replay = (t: Test, stage: LoginStage) => Promise<unknown>

/** Longer than an access token of the emulator lives, in ms. */
const ACCESS_TOKEN = 61 * MINUTE
/** The longest first pause after a failed refresh, in ms. */
const PAUSE = 7 * SECOND

/** `attack` for the rows on refreshes: a user is logged in, and the test moves the clock. */
export function refreshAttack(
  id: string,
  promise: string,
  source: string,
  replay: Replay,
  { options, emulator, before, routes }: LoginSetting = {}
): void {
  const clock = new Clock()
  const ran: string[] = []
  attack(
    id,
    promise,
    source,
    async (t, stage) => {
      const user = stage.browser()
      await logIn(stage, user)
      await replay(t, { ...stage, ...handles(stage, clock), clock, user, ran })
    },
    {
      options: { now: clock.now, idleLifetime: 8 * HOUR, ...options },
      emulator: { now: clock.now, ...emulator },
      ...(before !== undefined && { before }),
      after: app =>
        routes?.(app, path => {
          ran.push(path)
          return 'inside'
        })
    }
  )
}

/** `refreshAttack` for the rows on the guard: with the plugin's own store. */
export function guardAttack(
  id: string,
  promise: string,
  source: string,
  replay: Replay,
  { options, ...setting }: LoginSetting = {}
): void {
  const own = { store: undefined, ...options }
  refreshAttack(id, promise, source, replay, { ...setting, options: own })
}

function handles(
  { sentinel }: Stage,
  clock: Clock
): Pick<LoginStage, 'endAccessToken' | 'endTokens' | 'endPause' | 'presented'> {
  const endAccessToken = (): void => clock.advance(ACCESS_TOKEN)
  return {
    endAccessToken,
    endTokens() {
      sentinel.expireRefreshTokens()
      endAccessToken()
    },
    endPause: () => clock.advance(PAUSE),
    presented: () =>
      sentinel.requests
        .filter(({ endpoint }) => endpoint === 'refresh')
        .map(({ body }) => body!.get('refresh_token')!)
  }
}

/** Sends the same request many times at once. */
export function many(count: number, ask: () => Promise<PageResponse>): Promise<PageResponse[]> {
  return Promise.all(Array.from({ length: count }, ask))
}
