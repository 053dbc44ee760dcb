import type { Answer, Browser } from './browser.js'

/** What a browser has in a cookie of the app. */
export async function cookieOf ({ url }: { url: (path: string) => string }, browser: Browser, name: string): Promise<string | undefined> {
  return (await browser.jar.getCookies(url('/'))).find(({ key }) => key === name)?.value
}

/** The cookie of the login that an answer has begun, as a Cookie header. */
export function loginCookie ({ setCookies }: Answer): string {
  return setCookies.filter(line => line.startsWith('le-auth=')).at(-1)!.split(';')[0]!
}
