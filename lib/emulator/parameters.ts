import type { FastifyRequest } from 'fastify'

/** The query of a request. */
export function queryOf(request: FastifyRequest): URLSearchParams {
  const { url } = request
  return new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?')) : '')
}

/** The form of a request, or undefined if its body is not a form. */
export function formOf(request: FastifyRequest): URLSearchParams | undefined {
  return request.body instanceof URLSearchParams ? request.body : undefined
}

/** A parameter's value. An empty parameter counts as omitted (RFC 6749 §3.1). */
export function valueOf(parameters: URLSearchParams, name: string): string | undefined {
  return parameters.get(name) || undefined
}

/** The first parameter that was sent more than once, which RFC 6749 §3.1 forbids. */
export function repeatedName(parameters: URLSearchParams): string | undefined {
  const names = [...parameters.keys()]
  return names.find((name, index) => names.indexOf(name) < index)
}
