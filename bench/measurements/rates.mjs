// Requests per second of one page, and the server's processor time for each request.
import { get } from '../harness/http.mjs'
import { load } from '../harness/load.mjs'
import { Browser } from '../logins/browser.mjs'
import { logIn } from '../logins/log-in.mjs'

const COLUMNS = [
  { key: 'perSecond', title: 'requests/s', digits: 0 },
  { key: 'micros', title: 'µs of processor time for each', digits: 1 }
]
const BASELINES = ['bare-fastify', 'bare-session', 'bare-session-redis']

const rate = {
  columns: COLUMNS,
  ratioOf: 'perSecond',
  baselines: BASELINES,
  rounds: ({ rounds }) => rounds
}

export const protectedRoute = {
  ...rate,
  name: 'protected',
  title: 'GET /private of a logged-in user',
  async sample(contestant, server, settings) {
    const cookie = contestant.login === false ? '' : await cookieOf(server.url)
    return rateOf(server, '/private', cookie, settings)
  }
}

export const publicPage = {
  ...rate,
  name: 'public',
  title: 'GET /public without a cookie',
  sample: (_contestant, server, settings) => rateOf(server, '/public', '', settings)
}

export const loginPage = {
  ...rate,
  name: 'login',
  title: 'GET /login without a cookie',
  sample: (_contestant, server, settings) => rateOf(server, '/login', '', settings)
}

async function cookieOf(url) {
  const browser = new Browser()
  try {
    const { header } = await logIn(browser, url)
    return header
  } finally {
    await browser.close()
  }
}

async function rateOf(server, path, cookie, { warmUp, seconds }) {
  await load(server.url + path, cookie, warmUp)
  const before = await server.read('time')
  const { perSecond, requests } = await load(server.url + path, cookie, seconds)
  const micros = ((await server.read('time')) - before) / requests
  await expectStatus(server.url + path, cookie, path === '/login' ? 302 : 200)
  return { perSecond, micros }
}

/** The load must have counted the intended response. */
async function expectStatus(url, cookie, expected) {
  const { status } = await get(url, cookie ? { cookie } : {})
  if (status !== expected) throw new Error(`${url} responded ${status} after the load`)
}
