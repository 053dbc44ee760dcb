/** The headers of a response as undici gives them. */
export type ResponseHeaders = Record<string, string | string[] | undefined>

/**
 * A response that has been read. It has only the parts of a `Response` that oauth4webapi uses. A
 * body of about 1 KB needs no stream.
 */
export class HttpResponse {
  readonly status: number
  readonly headers: { get: (name: string) => string | null }
  readonly bodyUsed = false
  readonly #headers: ResponseHeaders
  readonly #text: string

  constructor(status: number, headers: ResponseHeaders, text: string) {
    this.status = status
    this.#headers = headers
    this.headers = { get: name => headers[name]?.toString() ?? null }
    this.#text = text
  }

  get [Symbol.toStringTag](): string {
    return 'Response'
  }

  get ok(): boolean {
    return this.status >= 200 && this.status <= 299
  }

  async json(): Promise<unknown> {
    return JSON.parse(this.#text)
  }

  /** The text can be read again, so no copy is needed. */
  clone(): this {
    return this
  }

  /** The same response with another body. */
  withJson(body: object): HttpResponse {
    return new HttpResponse(this.status, this.#headers, JSON.stringify(body))
  }

  /** For oauth4webapi, which takes it for a `Response`. */
  asResponse(): Response {
    return this as unknown as Response
  }
}
