import { channel, type Channel } from 'node:diagnostics_channel'
import type { LeAuthErrorCode } from './errors.js'

/** Whom an event is about. Nothing in an event is secret. */
export interface LeAuthDiagnosticsUser {
  accountId: string
  userId: string
}

/**
 * What the plugin tells on each of its channels of `node:diagnostics_channel`, for the app's own metrics. A subscriber runs
 * at once, in the middle of the request, and should be quick.
 */
export interface LeAuthDiagnostics {
  /** Somebody has logged in. */
  'fastify-le-auth:login:succeeded': LeAuthDiagnosticsUser
  /** A login has failed; nobody is known by then. */
  'fastify-le-auth:login:failed': { accountId: string, code: LeAuthErrorCode, reason?: string | undefined }
  /** Sentinel is asked for new tokens. */
  'fastify-le-auth:refresh:started': LeAuthDiagnosticsUser
  /** A request waits for a refresh that another one has begun. */
  'fastify-le-auth:refresh:joined': LeAuthDiagnosticsUser
  /** New tokens are stored; `duration` is in ms, from `started` on. */
  'fastify-le-auth:refresh:succeeded': LeAuthDiagnosticsUser & { duration: number }
  /** There are no new tokens. With `LE_AUTH_SESSION_ENDED` the login is over, with any other code it goes on. */
  'fastify-le-auth:refresh:failed': LeAuthDiagnosticsUser & { code: LeAuthErrorCode, reason?: string | undefined }
  /** Somebody has logged out; `revoked` is `null` where the revocation was not asked for. */
  'fastify-le-auth:logout': LeAuthDiagnosticsUser & { revoked: boolean | null }
}

/** The names of all channels. */
export const LE_AUTH_CHANNELS = [
  'fastify-le-auth:login:succeeded', 'fastify-le-auth:login:failed', 'fastify-le-auth:refresh:started', 'fastify-le-auth:refresh:joined',
  'fastify-le-auth:refresh:succeeded', 'fastify-le-auth:refresh:failed', 'fastify-le-auth:logout'
] as const satisfies Array<keyof LeAuthDiagnostics>

// Node drops a channel that nobody holds, and its subscribers with it.
const channels = new Map<string, Channel>(LE_AUTH_CHANNELS.map(name => [name, channel(name)]))

/** Tells an event to whoever has subscribed to its channel. */
export function publish<Name extends keyof LeAuthDiagnostics> (name: Name, message: LeAuthDiagnostics[Name]): void {
  channels.get(name)!.publish(message)
}
