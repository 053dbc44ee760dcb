import type { Test } from 'tap'
import { errorCode, type TestApp } from './app.js'
import type { Browser } from './browser.js'

/** Asserts that nobody is logged in with this browser, for a guarded route as for an open one. */
export async function isAnonymous (t: Test, app: TestApp, browser: Browser, what = 'nobody is logged in'): Promise<void> {
  const me = await browser.script(app.url('/me'))
  t.equal(`${me.status} ${errorCode(me)}`, '401 LE_AUTH_LOGIN_REQUIRED', what)
}

/** Asserts that a text is free of others, which are not printed where they are found. */
export function isFreeOf (t: Test, text: string, secrets: Array<string | null | undefined>, what: string): void {
  const found = secrets.filter(secret => secret && (text.includes(secret) || text.includes(encodeURIComponent(secret))))
  t.equal(found.length, 0, what)
}

/** Gives a browser the cookies of another one, attributes and all. */
export async function takeCookies (to: Browser, from: Browser): Promise<Browser> {
  await to.jar.removeAllCookies()
  const { cookies } = await from.jar.serialize()
  for (const { key, value, path, domain, secure, hostOnly } of cookies) {
    const line = `${key}=${value}; Path=${path}${secure === true ? '; Secure' : ''}${hostOnly === false ? `; Domain=${domain}` : ''}`
    await to.jar.setCookie(line, `${secure === true ? 'https' : 'http'}://${domain}${path}`)
  }
  return to
}
