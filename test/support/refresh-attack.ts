import type { Test } from 'tap'
import type { StartSentinelEmulatorOptions } from '../../lib/emulator/index.js'
import type { LeAuthOptions } from '../../lib/index.js'
import { logIn } from './app.js'
import type { Answer, Browser } from './browser.js'
import { Clock, HOUR, MINUTE, SECOND } from './clock.js'
import { attack, type Stage } from './stage.js'

/** A stage under a clock, with somebody who has just logged in. */
export interface RefreshStage extends Stage {
  clock: Clock
  user: Browser
  /** Lets the access token end, and not the login. */
  endAccessToken: () => void
  /** Lets the pause after a failed try pass. */
  endPause: () => void
  /** The refresh tokens that Sentinel was sent, oldest first. */
  presented: () => string[]
}

/** How long the emulator's access tokens live, and a little more; and the first pause, with all that chance adds to it. In ms. */
const ACCESS_TOKEN = 61 * MINUTE
const PAUSE = 7 * SECOND

/** As `attack`, for the rows on refreshes: logged in, and with the clock in hand. */
export function refreshAttack (
  id: string, promise: string, source: string, replay: (t: Test, stage: RefreshStage) => Promise<unknown>,
  { emulator, options }: { emulator?: StartSentinelEmulatorOptions, options?: LeAuthOptions } = {}
): void {
  const clock = new Clock()
  attack(id, promise, source, async (t, stage) => {
    const user = stage.browser()
    await logIn(stage, user)
    await replay(t, {
      ...stage,
      clock,
      user,
      endAccessToken: () => clock.advance(ACCESS_TOKEN),
      endPause: () => clock.advance(PAUSE),
      presented: () => stage.sentinel.requests.filter(({ endpoint }) => endpoint === 'refresh').map(({ body }) => body!.get('refresh_token')!)
    })
  }, {
    options: { now: clock.now, ...options, session: { idleLifetime: 8 * HOUR, ...options?.session } },
    emulator: { now: clock.now, ...emulator }
  })
}

/** Many requests of one browser at the same time. */
export function many (count: number, ask: () => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, ask))
}
