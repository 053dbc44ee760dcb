import type { FetchInit } from '../http/fetch-init.ts'

/** Whether a call can be repeated: a stream can be read only once. */
export function isRepeatable({ body }: FetchInit): boolean {
  return typeof body !== 'object' || body === null || !(Symbol.asyncIterator in body)
}
