import type { FastifyRequest } from 'fastify'
import { leAuthError, type LeAuthError } from '../errors.ts'

const NO_PROXY =
  'redirectUri is https, but this request came over plain http, and no proxy has passed it on. ' +
  'Open the app at its https address. For development, use an http redirectUri on localhost.'
const NOT_TRUSTED =
  'redirectUri is https, and a proxy says that the browser used https, but Fastify does not ' +
  "trust this proxy. Set Fastify's trustProxy to the address of the proxy."
const SILENT =
  'redirectUri is https, but the proxy in front of the app does not say that the browser used ' +
  "https. Let it send X-Forwarded-Proto, and set Fastify's trustProxy to its address."
const notHttps = (entry: string): string =>
  'redirectUri is https, but Fastify takes the last entry of X-Forwarded-Proto, and that is ' +
  `${entry === 'http' ? 'http' : 'another word'}. Let the proxy that ends TLS set this header ` +
  "to https, and each proxy behind it pass the header on unchanged. Set Fastify's trustProxy " +
  'to the address of the last one.'

/**
 * LE_AUTH_INSECURE_REQUEST, with a hint for how the request came. The hint repeats nothing that the
 * request contains.
 */
export function insecureRequest({ headers }: FastifyRequest): LeAuthError {
  return leAuthError('LE_AUTH_INSECURE_REQUEST', { hint: hintFor(headers) })
}

function hintFor(headers: FastifyRequest['headers']): string {
  const forwarded = headers['x-forwarded-proto']
  if (forwarded !== undefined) {
    const entry = String(forwarded).split(',').at(-1)!.trim()
    return entry === 'https' ? NOT_TRUSTED : notHttps(entry)
  }
  return Object.keys(headers).some(isOfProxy) ? SILENT : NO_PROXY
}

function isOfProxy(header: string): boolean {
  return header.startsWith('x-forwarded-') || ['forwarded', 'via', 'x-real-ip'].includes(header)
}
