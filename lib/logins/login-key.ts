import { hash } from 'node:crypto'

/** The key of a login's records. The id itself is in the browser's cookie and nowhere else. */
export function keyOf(id: string): string {
  return hash('sha256', id, 'base64url')
}
