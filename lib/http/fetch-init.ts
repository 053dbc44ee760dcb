import type { Blob } from 'node:buffer'
import type { HeadersInit as UndiciHeaders } from 'undici'

type Platform = RequestInit

/**
 * What `fetch` takes: the platform's `RequestInit`, whose headers and body may also be of undici's
 * own classes, of any major.
 */
export interface FetchInit extends Omit<Platform, 'headers' | 'body' | 'duplex' | 'dispatcher'> {
  headers?: Platform['headers'] | UndiciHeaders | AnyHeaders | undefined
  body?: Platform['body'] | AnyFormData | Bytes | undefined
  /** Needed if the body is a stream. */
  duplex?: 'half' | undefined
}

type AnyHeaders = Iterable<readonly string[]> | Record<string, string | readonly string[]>
type Bytes = Blob | ArrayBufferView | AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** A `FormData` of the platform, or of any major of undici. */
export interface AnyFormData extends Iterable<[string, unknown]> {
  append: (name: string, value: any) => void
  getAll: (name: string) => unknown[]
}

/**
 * Whether a body is a form. undici's fetch knows only its own `FormData`, and would send any other
 * as the text `[object FormData]`.
 */
export function isFormData(body: unknown): body is AnyFormData {
  return Object.prototype.toString.call(body) === '[object FormData]'
}

/** The bytes of a form, and their media type with the boundary. */
export async function encodeForm(form: AnyFormData): Promise<{ type: string; bytes: Uint8Array }> {
  const copy = new FormData()
  for (const [name, value] of form) copy.append(name, value as string)
  const encoded = new Response(copy)
  const type = encoded.headers.get('content-type')!
  return { type, bytes: new Uint8Array(await encoded.arrayBuffer()) }
}
