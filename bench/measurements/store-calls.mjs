import { Browser } from '../logins/browser.mjs'
import { logIn } from '../logins/log-in.mjs'

/** Protected requests, one after another. The result is the average of one. */
const REQUESTS = 20

export const storeCalls = {
  name: 'calls',
  title: 'Calls to a shared store for one protected request',
  columns: ['get', 'set', 'destroy'].map(key => ({ key, title: key, digits: 'exact' })),
  baselines: [],
  appliesTo: ({ store }) => store === true,
  server: { env: { STORE: 'counted' } },
  rounds: () => 1,
  timed: false,
  async sample(_contestant, server) {
    const browser = new Browser()
    try {
      const jar = await logIn(browser, server.url)
      const before = await server.read('calls')
      for (let i = 0; i < REQUESTS; i += 1) await expectOk(browser, server.url, jar)
      return difference(before, await server.read('calls'))
    } finally {
      await browser.close()
    }
  }
}

async function expectOk(browser, url, jar) {
  const { status } = await browser.open(`${url}/private`, jar)
  if (status !== 200) throw new Error(`/private responded ${status}`)
}

function difference(before, after) {
  return Object.fromEntries(
    Object.keys(after).map(call => [call, (after[call] - before[call]) / REQUESTS])
  )
}
