import type { PageResponse, Browser } from './browser.ts'

interface App {
  url: (path: string) => string
}

/** The value of a cookie of the app, as a browser has it. */
export async function cookieOf(
  { url }: App,
  browser: Browser,
  name: string
): Promise<string | undefined> {
  return (await browser.jar.getCookies(url('/'))).find(({ key }) => key === name)?.value
}

/** The Cookie header that a browser would send to the app. */
export async function cookieHeader({ url }: App, browser: Browser): Promise<string> {
  return browser.jar.getCookieString(url('/'))
}

/** The cookie of the login that a response has begun, as a Cookie header. */
export function loginCookie({ setCookies }: PageResponse): string {
  return setCookies
    .filter(line => line.startsWith('le-auth='))
    .at(-1)!
    .split(';')[0]!
}
