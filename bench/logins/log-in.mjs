import { Jar } from './jar.mjs'

/** Begins a login; returns where the browser is sent, and its cookies. */
export async function begin (browser, server) {
  const jar = new Jar()
  const { status, location } = await browser.open(`${server}/login`, jar)
  if (!isRedirect(status)) throw new Error(`/login answered ${status}`)
  return { location, jar }
}

/** Begins a login and lets the identity service consent; returns the callback's address, and the cookies. */
export async function authorize (browser, server) {
  const { location, jar } = await begin(browser, server)
  // The identity service is another site, and has no cookies.
  const { status, location: callback, body } = await browser.open(location)
  if (!isRedirect(status)) throw new Error(`authorize answered ${status} ${body}`)
  if (new URL(callback).origin !== server) throw new Error(`authorize sent the browser to ${callback}`)
  return { callback, jar }
}

/** A whole login as a browser does it; returns its cookies. */
export async function logIn (browser, server) {
  const { callback, jar } = await authorize(browser, server)
  const { status, body } = await browser.open(callback, jar)
  if (!isRedirect(status)) throw new Error(`/callback answered ${status} ${body.slice(0, 200)}`)
  return jar
}

function isRedirect (status) {
  return status === 302 || status === 303
}
