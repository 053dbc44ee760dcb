import type { Test } from 'tap'
import { errorCode, upToCallback } from './app.js'
import type { Answer, Browser } from './browser.js'
import type { Stage } from './stage.js'

/**
 * Presents a callback that must fail cleanly: one token request at the most, a status that says so, nobody logged in, no
 * token stored, and the state is spent, even for a browser that still has the cookies of before.
 *
 * @returns the first answer
 */
export async function failsCleanly (t: Test, stage: Stage, browser: Browser, callback: string, what: string): Promise<Answer> {
  const cookiesOfBefore = await browser.copy()
  const exchanges = stage.exchanges()
  const tokenSets = [...stage.store.tokenSets]
  const answer = await browser.step(callback)
  t.ok([400, 502, 503].includes(answer.status), `${what}: ${answer.status}`)
  t.ok(stage.exchanges() <= exchanges + 1, `${what}: one token request at the most`)
  t.equal(await stage.me(browser), null, `${what}: nobody is logged in`)
  t.same(stage.store.tokenSets, tokenSets, `${what}: no token is stored`)

  const once = stage.exchanges()
  const again = await cookiesOfBefore.step(callback)
  t.equal(`${again.status} ${errorCode(again)}`, '400 LE_AUTH_STATE_SPENT', `${what}: the state is spent`)
  t.equal(await stage.me(cookiesOfBefore), null, `${what}: for the cookies of before too`)
  t.equal(stage.exchanges(), once, `${what}: and the code is not tried again`)
  return answer
}

/** A callback that Sentinel has just sent a browser to, not yet presented. */
export async function pendingCallback (stage: Stage, browser: Browser): Promise<{ url: string, code: string, state: string }> {
  const url = await upToCallback(stage, browser)
  const { searchParams } = new URL(url)
  return { url, code: searchParams.get('code')!, state: searchParams.get('state')! }
}
