import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { StartSentinelEmulatorOptions } from '../../lib/emulator/index.js'
import type { LeAuthOptions } from '../../lib/index.js'
import { logIn } from './app.js'
import type { Browser } from './browser.js'
import { Clock, HOUR, MINUTE } from './clock.js'
import { attack, type Stage } from './stage.js'

/** A stage under a clock with somebody who has logged in, and a count of the handlers that ran. */
export interface GuardStage extends Stage {
  clock: Clock
  user: Browser
  /** Which guarded handlers have run, by their path. */
  ran: string[]
  /** Lets the refresh token die and the access token expire. */
  endTokens: () => void
}

interface GuardSetting {
  options?: LeAuthOptions
  emulator?: StartSentinelEmulatorOptions
  before?: (app: FastifyInstance) => unknown
  /** Routes besides those of every test; `ran` notes that the handler of a path has run. */
  routes?: (app: FastifyInstance, ran: (path: string) => string) => unknown
}

/** As `attack`, for the rows on the guard. */
export function guardAttack (id: string, promise: string, source: string, replay: (t: Test, stage: GuardStage) => Promise<unknown>, { options, emulator, before, routes }: GuardSetting = {}): void {
  const clock = new Clock()
  const ran: string[] = []
  attack(id, promise, source, async (t, stage) => {
    const user = stage.browser()
    await logIn(stage, user)
    const endTokens = (): void => { stage.sentinel.expireRefreshTokens(); clock.advance(61 * MINUTE) }
    await replay(t, { ...stage, clock, user, ran, endTokens })
  }, {
    options: { now: clock.now, ...options, session: { idleLifetime: 8 * HOUR, store: undefined, ...options?.session } },
    emulator: { now: clock.now, ...emulator },
    ...(before !== undefined && { before }),
    after: app => routes?.(app, path => { ran.push(path); return 'inside' })
  })
}
