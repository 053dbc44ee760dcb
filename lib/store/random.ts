import { randomFillSync } from 'node:crypto'

/** Each draw from the system's generator costs as much as sealing does, however little is drawn. In bytes. */
const DRAWN_AT_ONCE = 4096

const drawn = Buffer.alloc(DRAWN_AT_ONCE)
let used = DRAWN_AT_ONCE

/** Random bytes that nobody else gets, from node:crypto's generator. @param count at most 4096 */
export function randomBytes (count: number): Buffer {
  if (used + count > DRAWN_AT_ONCE) {
    randomFillSync(drawn)
    used = 0
  }
  const bytes = Buffer.from(drawn.subarray(used, used + count))
  // What has been given away is not kept here.
  drawn.fill(0, used, used + count)
  used += count
  return bytes
}

/** 256 random bits in base64url: nobody guesses them. */
export function randomText (): string {
  return randomBytes(32).toString('base64url')
}
