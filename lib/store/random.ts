import { randomFillSync } from 'node:crypto'

/** One call of the system's generator costs as much as sealing does, however few bytes it draws. */
const POOL_SIZE = 4096

const pool = Buffer.alloc(POOL_SIZE)
let used = POOL_SIZE

/** Random bytes of node:crypto's generator, drawn in advance. @param count at most 4096 */
export function randomBytes(count: number): Buffer {
  if (used + count > POOL_SIZE) {
    randomFillSync(pool)
    used = 0
  }
  const bytes = Buffer.from(pool.subarray(used, used + count))
  // Nothing that was handed out stays in the pool.
  pool.fill(0, used, used + count)
  used += count
  return bytes
}

/** 256 random bits in base64url: nobody can guess them. */
export function randomText(): string {
  return randomBytes(32).toString('base64url')
}
