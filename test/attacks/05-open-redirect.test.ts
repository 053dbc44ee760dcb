import type { Test } from 'tap'
import { attack } from '../support/attack/attack.ts'
import {
  inAscii,
  inQuery,
  isSafe,
  ORIGIN,
  RETURN_PATHS,
  whereLoginLeads,
  type ReturnPathCase
} from './return-paths.ts'

/**
 * Where a login without a return path leads. It differs from "/", so that no test confuses them.
 */
const START = '/page/start'

function judge(
  t: Test,
  { input, verdict, why }: ReturnPathCase,
  location: string | undefined | null
): void {
  const what = `${inAscii(input).slice(0, 60)}: ${why}; redirected to ${location}`
  if (verdict === 'allow') t.equal(pathOf(location ?? 'none:'), pathOf(input), what)
  else if (why.startsWith('[strict]')) t.ok(location === null || isSafe(location), what)
  else t.ok(location === null || location === START, what)
  if (location !== null && !isSafe(location)) t.fail(`${what}, which is not safe`)
}

function pathOf(location: string): string {
  const { origin, pathname, search, hash } = new URL(location, ORIGIN)
  return origin + pathname + search + hash
}

for (const why of new Set(RETURN_PATHS.map(({ why }) => why))) {
  attack(
    'OR1',
    `a return path is a path of the app or is ignored: ${why}`,
    'RFC 9700 §4.11, WHATWG URL §4.4',
    async (t, stage) => {
      for (const entry of RETURN_PATHS.filter(entry => entry.why === why)) {
        judge(t, entry, await whereLoginLeads(stage, `returnTo=${inQuery(entry.input)}`))
      }
    },
    { options: { returnTo: { afterLogin: START } } }
  )
}
