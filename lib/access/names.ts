import type { FastifyInstance } from 'fastify'
import { leAuthError } from '../errors.ts'

const OURS =
  'Register fastify-le-auth once, in a scope of its own (app.register(async scope => { … })), ' +
  'or rename the other decorator.'
const COOKIE =
  'Register @fastify/cookie before fastify-le-auth, or not at all, because fastify-le-auth ' +
  'brings it.'
const SESSION =
  'Register @fastify/session before fastify-le-auth, or not at all, because fastify-le-auth ' +
  'brings it. Give the session of any other plugin another name (sessionName in ' +
  '@fastify/secure-session).'

/** The names that later plugins may want as well, each with what to do then. */
const WAYS_OUT: Readonly<Record<string, string>> = {
  leAuth: OURS,
  requireAuth: OURS,
  requireAdmin: OURS,
  cookies: COOKIE,
  serializeCookie: COOKIE,
  session: SESSION,
  decryptSession: SESSION
}

/** @throws LE_AUTH_SETUP_INVALID */
export function refuseTakenNames(app: FastifyInstance): void {
  const decorator = ['requireAuth', 'requireAdmin'].find(name => app.hasDecorator(name))
  const taken = app.hasRequestDecorator('leAuth') ? 'request.leAuth' : decorator
  if (taken === undefined) return
  throw nameTaken(
    ` the name ${taken} is taken in this scope, by another plugin or by another ` +
      `registration of fastify-le-auth. ${OURS}`
  )
}

/**
 * Makes the errors of plugins that are registered later say what to do. Fastify's own error says
 * only that "the decorator 'decryptSession' has already been added".
 */
export function explainTakenNames(app: FastifyInstance): void {
  for (const method of ['decorate', 'decorateRequest'] as const) {
    const original = app[method] as (name: string, ...rest: unknown[]) => FastifyInstance
    const explaining = function (this: FastifyInstance, name: string, ...rest: unknown[]) {
      // In a scope below, Fastify would allow it, and then fail on each request.
      if (name === 'leAuth' && method === 'decorateRequest') throw takenLater(name)
      try {
        return original.call(this, name, ...rest)
      } catch (error) {
        throw isTaken(error) && Object.hasOwn(WAYS_OUT, name) ? takenLater(name) : error
      }
    }
    Object.defineProperty(app, method, { value: explaining, configurable: true, writable: true })
  }
}

function isTaken(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'FST_ERR_DEC_ALREADY_PRESENT'
}

function takenLater(name: string): Error {
  return nameTaken(
    ` a plugin that is registered after fastify-le-auth needs the name ${name}, which is taken. ` +
      WAYS_OUT[name]!
  )
}

function nameTaken(problem: string): Error {
  return leAuthError('LE_AUTH_SETUP_INVALID', { reason: 'name_taken', problem })
}
