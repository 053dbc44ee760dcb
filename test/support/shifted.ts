import type { Test } from 'tap'
import type { StartSentinelEmulatorOptions } from '../../lib/emulator/index.js'
import type { LeAuthOptions } from '../../lib/index.js'
import { logIn, startApp, type Setting, type TestApp } from './app.js'
import type { Browser } from './browser.js'
import { Clock, HOUR } from './clock.js'

/** An app and its Sentinel under one clock that the test moves, and a browser that is logged in. */
export interface Shifted {
  app: TestApp
  clock: Clock
  browser: Browser
}

/** Logs a user in under a clock that can be moved; the login stays alive for 8 hours without a request. */
export async function loggedIn (t: Test, emulator: StartSentinelEmulatorOptions = {}, options: LeAuthOptions = {}, setting: Setting = {}): Promise<Shifted> {
  const clock = new Clock()
  const app = await startApp(t, {
    ...setting,
    options: { now: clock.now, ...options, session: { idleLifetime: 8 * HOUR, ...options.session } },
    emulator: { now: clock.now, ...emulator }
  })
  const browser = app.browser()
  await logIn(app, browser)
  return { app, clock, browser }
}

/** How long something may take that happens at once, on a busy machine, in ms. */
const PATIENCE = 30_000

/** Waits until something is so, for a while at the most. @throws Error when it never is */
export async function until (condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE
  while (!await condition()) {
    if (Date.now() > end) throw new Error(`never came true: ${condition}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** The access token of the user, as a route of the app gives it. */
export async function accessToken ({ app, browser }: Shifted): Promise<string> {
  return (await browser.script(app.url('/token'))).json().accessToken
}

/** Waits until a refresh behind the requests has brought a token other than this one. */
export async function tokenAfter (shifted: Shifted, before: string): Promise<string> {
  let token = before
  await until(async () => {
    token = await accessToken(shifted)
    return token !== before
  })
  return token
}
