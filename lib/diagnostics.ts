import { channel, type Channel } from 'node:diagnostics_channel'
import type { LeAuthErrorCode } from './errors.ts'

/** Whom an event is about. Nothing in an event is secret. */
export interface LeAuthDiagnosticsUser {
  accountId: string
  userId: string
}

/** Why something failed. */
interface Failure {
  code: LeAuthErrorCode
  reason?: string | undefined
}

/**
 * The messages on the plugin's channels of `node:diagnostics_channel`, for the app's own metrics. A
 * subscriber runs synchronously within the request, and should be quick.
 */
export interface LeAuthDiagnostics {
  /** A user has logged in. */
  'fastify-le-auth:login:succeeded': LeAuthDiagnosticsUser
  /** A login has failed. The user is not known. */
  'fastify-le-auth:login:failed': { accountId: string } & Failure
  /** A refresh token is sent to Sentinel. */
  'fastify-le-auth:refresh:started': LeAuthDiagnosticsUser
  /** A request waits for the refresh that another request has started. */
  'fastify-le-auth:refresh:joined': LeAuthDiagnosticsUser
  /** New tokens are stored. `duration` is the time since `started`, in ms. */
  'fastify-le-auth:refresh:succeeded': LeAuthDiagnosticsUser & { duration: number }
  /** There are no new tokens. With `LE_AUTH_LOGIN_REQUIRED` the login is over, else it goes on. */
  'fastify-le-auth:refresh:failed': LeAuthDiagnosticsUser & Failure
  /** A user has logged out. `revoked` is `null` if no revocation was requested. */
  'fastify-le-auth:logout': LeAuthDiagnosticsUser & { revoked: boolean | null }
}

/** The names of all channels. */
export const LE_AUTH_CHANNELS = [
  'fastify-le-auth:login:succeeded',
  'fastify-le-auth:login:failed',
  'fastify-le-auth:refresh:started',
  'fastify-le-auth:refresh:joined',
  'fastify-le-auth:refresh:succeeded',
  'fastify-le-auth:refresh:failed',
  'fastify-le-auth:logout'
] as const satisfies Array<keyof LeAuthDiagnostics>

// Node drops a channel that nothing holds, and its subscribers with it.
const channels = new Map<string, Channel>(LE_AUTH_CHANNELS.map(name => [name, channel(name)]))

/** Sends a message to the subscribers of a channel. */
export function publish<Name extends keyof LeAuthDiagnostics>(
  name: Name,
  message: LeAuthDiagnostics[Name]
): void {
  channels.get(name)!.publish(message)
}

/** The part of a request's log that reports events to the operator. */
export interface EventLog {
  info: (facts: object, message: string) => void
  warn: (facts: object, message: string) => void
}
