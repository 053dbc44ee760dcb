// What a contestant has to show before it is measured: it guards, it logs in, and it knows who that is.
import { Browser } from '../logins/browser.mjs'
import { Jar } from '../logins/jar.mjs'
import { authorize, logIn } from '../logins/log-in.mjs'
import { get } from './http.mjs'

/** @throws where something is not as it has to be */
export async function check ({ login = true }, { url, idp }) {
  const browser = new Browser()
  try {
    await expectPublic(browser, url)
    if (!login) return
    await expectStrangerRefused(browser, url, new Jar(), 'a stranger')
    const jar = await expectLogin(browser, url, idp)
    await expectStrangerRefused(browser, url, jar.forged(), 'a forged cookie')
    await expectOwnCallbackOnly(browser, url)
  } finally {
    await browser.close()
  }
}

async function expectPublic (browser, url) {
  const { status, body } = await browser.open(`${url}/public`)
  if (status !== 200 || JSON.parse(body).ok !== true) throw new Error(`/public answered ${status}`)
}

async function expectStrangerRefused (browser, url, jar, who) {
  const { status } = await browser.open(`${url}/private`, jar)
  if (status < 300) throw new Error(`/private lets ${who} in`)
}

async function expectLogin (browser, url, idp) {
  const jar = await logIn(browser, url)
  const { user } = JSON.parse((await get(`${idp}/last-user`)).body)
  const { status, body } = await browser.open(`${url}/private`, jar)
  if (status !== 200) throw new Error(`/private answered ${status} after a login`)
  if (JSON.parse(body).user !== user) throw new Error(`/private says ${body}, and ${user} has logged in`)
  return jar
}

/** A callback in a browser that has not begun this login is login CSRF (RFC 6749 §10.12). */
async function expectOwnCallbackOnly (browser, url) {
  const { callback, jar } = await authorize(browser, url)
  jar.clear()
  await browser.open(callback, jar)
  await expectStrangerRefused(browser, url, jar, 'a browser that has not begun the login')
}
