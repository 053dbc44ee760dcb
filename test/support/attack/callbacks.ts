import type { Test } from 'tap'
import type { PageResponse, Browser } from '../browser.ts'
import { errorCode } from '../checks.ts'
import type { Stage } from './attack.ts'

/** Everything that a callback without effect leaves as it was. */
interface Situation {
  user: string | null
  exchanges: number
  logins: string[]
  tokenSets: string[]
}

async function situation(stage: Stage, browser: Browser): Promise<Situation> {
  const { logins, tokenSets } = stage.store
  return { user: await stage.me(browser), exchanges: stage.exchanges(), logins, tokenSets }
}

/**
 * NOAUTH: asserts that a callback is refused, that Sentinel gets no request, that no login begins
 * or ends, and that the response repeats nothing of the request.
 */
export async function expectRefused(
  t: Test,
  stage: Stage,
  browser: Browser,
  query: string,
  status = 400
): Promise<PageResponse> {
  const before = await situation(stage, browser)
  const response = await stage.callback(browser, query)
  const name = query.slice(0, 60)
  t.equal(response.status, status, `refused: ${name}`)
  t.same(await situation(stage, browser), before, `without effect: ${name}`)
  t.same(response.setCookies.filter(isSession), [], `no session: ${name}`)
  for (const value of new URLSearchParams(query).values()) {
    if (value.length > 8) t.notOk(response.text.includes(value), `nothing is repeated: ${name}`)
  }
  return response
}

/**
 * FAILCLEAN: asserts that a callback fails after one token request, that nobody is logged in, that
 * no token is stored, and that the state is used, even for a browser that still has the cookies
 * from before.
 *
 * @param status 400, 502 or 503 unless given
 * @returns the first response
 */
export async function failsCleanly(
  t: Test,
  stage: Stage,
  browser: Browser,
  callback: string,
  what: string,
  status?: number
): Promise<PageResponse> {
  const cookiesOfBefore = await browser.copy()
  const { exchanges, ...others } = await situation(stage, browser)
  const response = await browser.step(callback)
  const allowed = status === undefined ? [400, 502, 503] : [status]
  t.ok(allowed.includes(response.status), `${what}: ${response.status}`)
  const expected = { ...others, exchanges: exchanges + 1 }
  t.same(await situation(stage, browser), expected, `${what}: one token request and no login`)
  t.same(response.setCookies.filter(isSession), [], `${what}: no session`)

  const again = await expectRefused(t, stage, cookiesOfBefore, new URL(callback).search.slice(1))
  t.equal(errorCode(again), 'LE_AUTH_CALLBACK_INVALID (state_used)', `${what}: the state is used`)
  return response
}

/** Whether a Set-Cookie line sets a session. */
function isSession(line: string): boolean {
  return /^(__Host-)?le-auth=[^;]/.test(line)
}
