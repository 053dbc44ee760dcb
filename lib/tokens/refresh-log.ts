import type { Login } from '../logins/login.js'

/** Where a refresh tells the operator what it did; of a request's log this much is needed. */
export interface RefreshLog {
  info: (facts: object, message: string) => void
  warn: (facts: object, message: string) => void
}

/** Whom a refresh is about, for an event or the log. */
export function whoseOf ({ facts: { accountId, user } }: Login): { accountId: string, userId: string } {
  return { accountId, userId: user.id }
}
