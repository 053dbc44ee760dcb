import { randomBytes } from 'node:crypto'
import type { User } from '../../lib/sentinel/claims.js'
import type { TokenSet } from '../../lib/tokens/token-set.js'

const HOUR = 60 * 60 * 1000
let count = 0

/** What one login brings: a user of their own, and tokens as long as LivePerson's. */
export function loginData (): { user: User, tokens: TokenSet & { refreshToken: string } } {
  count += 1
  const issuedAt = Date.now()
  const user: User = {
    id: String(3_562_186_410 + count),
    isAdmin: false,
    isLpa: false,
    claims: { email: `agent.${count}@brand.example`, username: `agent.${count}`, preferred_username: `agent.${count}` }
  }
  const tokens = {
    accessToken: randomBytes(32).toString('hex'),
    refreshToken: randomBytes(272).toString('hex'),
    expiresAt: issuedAt + HOUR,
    issuedAt
  }
  // As an app has them: out of JSON, so that no string is a part of another and none is shared.
  return JSON.parse(JSON.stringify({ user, tokens }))
}
