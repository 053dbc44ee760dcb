import type { Test } from 'tap'
import type { Answer, Browser } from './browser.js'
import type { Stage } from './stage.js'

/** All that a callback without effect leaves as it was. */
interface Situation {
  user: string | null
  exchanges: number
  logins: string[]
  tokenSets: string[]
}

async function situation (stage: Stage, browser: Browser): Promise<Situation> {
  return { user: await stage.me(browser), exchanges: stage.exchanges(), logins: stage.store.logins, tokenSets: stage.store.tokenSets }
}

/** NOAUTH: the callback is refused, Sentinel is not asked, no login begins or ends, and nothing of the request is repeated. */
export async function expectRefused (t: Test, stage: Stage, browser: Browser, query: string, status = 400): Promise<Answer> {
  const before = await situation(stage, browser)
  const answer = await stage.callback(browser, query)
  const name = query.slice(0, 60)
  t.equal(answer.status, status, `refused: ${name}`)
  t.same(await situation(stage, browser), before, `without effect: ${name}`)
  t.same(answer.setCookies.filter(isSession), [], `no session: ${name}`)
  for (const value of new URLSearchParams(query).values()) {
    if (value.length > 8) t.notOk(answer.text.includes(value), `nothing is repeated: ${name}`)
  }
  return answer
}

/**
 * FAILCLEAN: the code is exchanged once, the answer is a fixed page, nobody is logged in, no token is stored, and the
 * state is spent even for a browser that still has the cookies of before.
 */
export async function expectFailedCleanly (t: Test, stage: Stage, browser: Browser, query: string, status: number, name = ''): Promise<void> {
  const cookiesOfBefore = await browser.copy()
  const { user, exchanges, logins, tokenSets } = await situation(stage, browser)
  const answer = await stage.callback(browser, query)
  t.equal(answer.status, status, `failed: ${name}`)
  t.same(await situation(stage, browser), { user, exchanges: exchanges + 1, logins, tokenSets }, `one exchange and no login: ${name}`)
  t.same(answer.setCookies.filter(isSession), [], `no session: ${name}`)
  const again = await expectRefused(t, stage, cookiesOfBefore, query)
  t.match(again.text, 'LE_AUTH_STATE_SPENT', `the state is spent: ${name}`)
}

/** Whether a Set-Cookie line gives out a session. */
function isSession (line: string): boolean {
  return /^(__Host-)?le-auth=[^;]/.test(line)
}
