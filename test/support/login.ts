import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'
import type { PageResponse, Browser } from './browser.ts'

const { loginNames, password } = EMULATOR_DEFAULTS

/** A user of the emulator. */
export interface Person {
  loginName: string
  id: string
}
/** A user without special rights. */
export const AGENT: Person = { loginName: loginNames.agent, id: '3562186410' }
/** A user who is an administrator. */
export const ADMIN: Person = { loginName: loginNames.administrator, id: '3562186411' }

/** What a login needs of an app. */
export interface LoginApp {
  url: (path: string) => string
}

type Named = Pick<Person, 'loginName'>

const MAX_HOPS = 10

/**
 * Begins a login, signs the person in at Sentinel, and stops before the browser follows Sentinel to
 * the callback. All other logins over HTTP are built on this. Sentinel's own session is forgotten
 * first, so that one browser can log in as several people.
 *
 * @returns the callback's URL
 */
export async function upToCallback(
  { url }: LoginApp,
  browser: Browser,
  start = '/login',
  { loginName }: Named = AGENT
): Promise<string> {
  const isOfApp = (other: string): boolean => new URL(other).origin === new URL(url('/')).origin
  let response = await browser.step(url(start))
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    if (response.location === undefined) {
      response = await browser.step(...signInForm(response, loginName))
      continue
    }
    const next = new URL(response.location, response.url).href
    if (isOfApp(response.url) !== isOfApp(next)) {
      if (isOfApp(next)) return next
      await browser.jar.store.removeCookies(new URL(next).hostname, null)
    }
    response = await browser.step(next, { from: response.url })
  }
  throw new Error('Sentinel did not send the browser back')
}

/** `upToCallback`, with the code and the state of the callback. */
export async function pendingCallback(
  app: LoginApp,
  browser: Browser
): Promise<{ url: string; code: string; state: string }> {
  const url = await upToCallback(app, browser)
  const { searchParams } = new URL(url)
  return { url, code: searchParams.get('code')!, state: searchParams.get('state')! }
}

/** Logs a person in, and returns the response of the callback. */
export async function enter(
  app: LoginApp,
  browser: Browser,
  person: Named = AGENT,
  start = '/login'
): Promise<PageResponse> {
  return browser.step(await upToCallback(app, browser, start, person))
}

/** Logs a person in, follows the callback's redirects, and returns the last response. */
export async function logIn(
  app: LoginApp,
  browser: Browser,
  person: Named = AGENT,
  start = '/login'
): Promise<PageResponse> {
  const callback = await upToCallback(app, browser, start, person)
  return browser.navigate(callback, { from: browser.history.at(-1)!.url })
}

/**
 * Fills in Sentinel's login page in the same browser, follows the redirects, and returns the last
 * response.
 */
export async function signIn(
  browser: Browser,
  page: PageResponse,
  loginName: string
): Promise<PageResponse> {
  return browser.navigate(...signInForm(page, loginName))
}

function signInForm(
  { text, status, url }: PageResponse,
  loginName: string
): Parameters<Browser['step']> {
  const action = /<form method="post" action="([^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&')
  if (action === undefined) throw new Error(`not a login page: ${status} ${url}`)
  const { href } = new URL(action, url)
  const form = { username: loginName, password, action: 'sign-in' }
  return [href, { method: 'POST', form, from: href }]
}

/** Logs a user out with the form of a page of the app, and returns the first response. */
export async function logOut(
  { url }: LoginApp,
  browser: Browser,
  form: Record<string, string> = {}
): Promise<PageResponse> {
  return browser.step(url('/logout'), { method: 'POST', form, from: url('/') })
}
