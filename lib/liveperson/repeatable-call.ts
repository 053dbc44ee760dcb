import type { RequestInit } from 'undici'

/** Whether a call can be repeated: a stream can be read only once. */
export function isRepeatable({ body }: RequestInit): boolean {
  return typeof body !== 'object' || body === null || !(Symbol.asyncIterator in body)
}
