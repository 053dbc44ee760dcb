import type { SentinelEmulator } from '../../lib/emulator/index.js'
import { AGENT, whoAnswers, type Person } from './app.js'
import type { Answer, Browser } from './browser.js'

/** What a login needs of an app. */
interface Entrance {
  sentinel: SentinelEmulator
  url: (path: string) => string
}

/** Begins a login, lets the person sign in at Sentinel, and stops before the browser is back. @returns the callback's address */
export async function signedIn ({ sentinel, url }: Entrance, browser: Browser, { loginName }: Person = AGENT, start = '/login'): Promise<string> {
  const { location, status } = await browser.step(url(start))
  if (location === undefined) throw new Error(`no login has begun, but an answer of status ${status}`)
  return sentinel.signIn(location, loginName)
}

/**
 * Logs a person in, whoever is logged in at Sentinel already: each sign-in happens in a browser of its own there.
 *
 * @returns the answer of the callback
 */
export async function enter (app: Entrance, browser: Browser, person: Person = AGENT, start = '/login'): Promise<Answer> {
  return browser.step(await signedIn(app, browser, person, start))
}

/** The Cookie header that a browser would send to the app. */
export async function cookieHeader ({ url }: Entrance, browser: Browser): Promise<string> {
  return browser.jar.getCookieString(url('/'))
}

/** Who is logged in with a Cookie header and nothing else. `null` when nobody is. @throws Error when the answer says neither */
export async function whoIs ({ url }: Entrance, stranger: Browser, cookie: string): Promise<string | null> {
  return whoAnswers(await stranger.send(url('/me'), { headers: { cookie, accept: 'application/json' } }))
}
