import type { RequestInit } from 'undici'

/** Whether a call can be made again: a stream is read once. */
export function isRepeatable ({ body }: RequestInit): boolean {
  return typeof body !== 'object' || body === null || !(Symbol.asyncIterator in body)
}
