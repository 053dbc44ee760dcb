import type { HttpResponse } from '../http/client.js'

/** PROTOCOL.md §8: after 429, one second at the least. In ms. */
const SHORTEST = 1000
/** However long Sentinel asks to wait, a person waits for what comes of it. In ms. */
const LONGEST = 5 * 60 * 1000

/**
 * How long an answer asks to wait, in ms: seconds or a date (RFC 9110 §10.2.3), within reason.
 *
 * @returns `null` where it does not say
 */
export function retryAfter ({ headers }: Pick<HttpResponse, 'headers'>, now: number): number | null {
  const value = headers.get('retry-after') ?? ''
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isNaN(wait) ? null : Math.min(Math.max(wait, SHORTEST), LONGEST)
}
