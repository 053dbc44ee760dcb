// The check before a contestant is measured: it guards a route, logs a user in, and names that
// user.
import { Browser } from '../logins/browser.mjs'
import { Jar } from '../logins/jar.mjs'
import { authorize, logIn } from '../logins/log-in.mjs'
import { get } from './http.mjs'

/** @throws if the contestant does not do what it must */
export async function check({ login = true }, { url, idp }) {
  const browser = new Browser()
  try {
    await expectPublic(browser, url)
    if (!login) return
    await expectRefused(browser, url, new Jar(), 'a visitor')
    const jar = await expectLogin(browser, url, idp)
    await expectRefused(browser, url, jar.forged(), 'a forged cookie')
    await expectOwnCallbackOnly(browser, url)
  } finally {
    await browser.close()
  }
}

async function expectPublic(browser, url) {
  const { status, body } = await browser.open(`${url}/public`)
  if (status !== 200 || JSON.parse(body).ok !== true) throw new Error(`/public responded ${status}`)
}

async function expectRefused(browser, url, jar, who) {
  const { status } = await browser.open(`${url}/private`, jar)
  if (status < 300) throw new Error(`/private lets ${who} in`)
}

async function expectLogin(browser, url, idp) {
  const jar = await logIn(browser, url)
  const { user } = JSON.parse((await get(`${idp}/last-user`)).body)
  const { status, body } = await browser.open(`${url}/private`, jar)
  if (status !== 200) throw new Error(`/private responded ${status} after a login`)
  if (JSON.parse(body).user !== user) {
    throw new Error(`/private responded ${body}, but ${user} has logged in`)
  }
  return jar
}

/** A callback in a browser that did not start this login is login CSRF (RFC 6749 §10.12). */
async function expectOwnCallbackOnly(browser, url) {
  const { callback, jar } = await authorize(browser, url)
  jar.clear()
  await browser.open(callback, jar)
  await expectRefused(browser, url, jar, 'a browser that did not start the login')
}
