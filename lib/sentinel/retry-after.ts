import type { HttpResponse } from '../http/http-response.ts'

/** docs/protocol.md §8: at least one second after 429. In ms. */
const SHORTEST = 1000
/** The plugin never waits longer than this, because a user waits for the result. In ms. */
const LONGEST = 5 * 60 * 1000

/**
 * How long a response asks to wait, in ms: seconds or a date (RFC 9110 §10.2.3), within reason.
 *
 * @returns `null` if it does not say
 */
export function retryAfter({ headers }: Pick<HttpResponse, 'headers'>, now: number): number | null {
  const value = headers.get('retry-after') ?? ''
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isNaN(wait) ? null : Math.min(Math.max(wait, SHORTEST), LONGEST)
}
