import type { Test } from 'tap'
import type { StartSentinelEmulatorOptions } from '../../lib/emulator/index.ts'
import type { LeAuthOptions } from '../../lib/index.ts'
import { type Setting, startApp, type TestApp } from './app.ts'
import type { Browser } from './browser.ts'
import { Clock, HOUR } from './clock.ts'
import { logIn } from './login.ts'
import { until } from './wait.ts'

/** An app and its emulator under one clock that the test moves, and a browser that is logged in. */
export interface LoggedIn {
  app: TestApp
  clock: Clock
  browser: Browser
}

/** Starts an app and logs a user in, for a login that may be idle for 8 hours. */
export async function loggedIn(
  t: Test,
  emulator: StartSentinelEmulatorOptions = {},
  options: LeAuthOptions = {},
  setting: Setting = {}
): Promise<LoggedIn> {
  const clock = new Clock()
  const app = await startApp(t, {
    ...setting,
    options: { now: clock.now, idleLifetime: 8 * HOUR, ...options },
    emulator: { now: clock.now, ...emulator }
  })
  const browser = app.browser()
  await logIn(app, browser)
  return { app, clock, browser }
}

/** The access token of the user, as a route of the app returns it. */
export async function accessToken({ app, browser }: LoggedIn): Promise<string> {
  return (await browser.script(app.url('/token'))).json().accessToken
}

/** Waits until a background refresh has brought another access token, and returns it. */
export async function tokenAfter(login: LoggedIn, before: string): Promise<string> {
  let token = before
  await until(async () => {
    token = await accessToken(login)
    return token !== before
  })
  return token
}
