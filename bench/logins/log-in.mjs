import { Jar } from './jar.mjs'

/** Starts a login; returns the redirect's address and the cookies. */
export async function begin(browser, server) {
  const jar = new Jar()
  const { status, location } = await browser.open(`${server}/login`, jar)
  if (!isRedirect(status)) throw new Error(`/login responded ${status}`)
  return { location, jar }
}

/** Starts a login and authorizes it; returns the callback's address and the cookies. */
export async function authorize(browser, server) {
  const { location, jar } = await begin(browser, server)
  // The identity service is another site: the app's cookies are not sent there.
  const { status, location: callback, body } = await browser.open(location)
  if (!isRedirect(status)) throw new Error(`authorize responded ${status} ${body}`)
  if (new URL(callback).origin !== server) {
    throw new Error(`authorize sent the browser to ${callback}`)
  }
  return { callback, jar }
}

/** Does a whole login as a browser does; returns the cookies. */
export async function logIn(browser, server) {
  const { callback, jar } = await authorize(browser, server)
  const { status, body } = await browser.open(callback, jar)
  if (!isRedirect(status)) throw new Error(`/callback responded ${status} ${body.slice(0, 200)}`)
  return jar
}

function isRedirect(status) {
  return status === 302 || status === 303
}
