import Fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyServerOptions } from 'fastify'
import fp from 'fastify-plugin'
import { FaultPlan } from './faults/plan.js'
import { Ledger } from './ledger.js'
import { Origin } from './origin.js'
import { RequestLog } from './request-log.js'
import { emulatorRoutes } from './routes.js'
import { sentinelOf, type SentinelEmulator } from './sentinel.js'
import { resolveOptions, type SentinelEmulatorOptions } from './settings/options.js'
import { signingKey } from './token/signing-key.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The Sentinel emulator, once `sentinelEmulator` from `fastify-le-auth/emulator` is registered. */
    sentinel: SentinelEmulator
  }
}

/** What {@link startSentinelEmulator} takes: the emulator's data, and where it listens and logs. */
export interface StartSentinelEmulatorOptions extends SentinelEmulatorOptions {
  /**
   * The TCP port on 127.0.0.1; 0 lets the system choose a free one.
   * @default 0
   */
  readonly port?: number
  /**
   * Fastify's `logger` option. Logged addresses carry codes and states: harmless here, and only here.
   * @default false
   */
  readonly logger?: NonNullable<FastifyServerOptions['logger']>
}

/**
 * The emulator as a Fastify plugin: adds LivePerson's addresses to the app and decorates it with `sentinel`.
 * It brings its own body parser and cookie handling, so it lives beside any other plugin, and it answers 403
 * to whoever does not call from this machine.
 *
 * **Not for production**: it signs in anybody who can read its source, keeps everything in memory, speaks plain
 * http, and prints its users' passwords on the login page.
 *
 * @throws TypeError when an option is wrong; the message names every wrong option.
 */
export const sentinelEmulator: FastifyPluginAsync<SentinelEmulatorOptions> = fp(emulatorPlugin, {
  fastify: '5.x',
  name: 'fastify-le-auth-sentinel-emulator'
})

async function emulatorPlugin (app: FastifyInstance, options: SentinelEmulatorOptions) {
  const settings = resolveOptions(options)
  const origin = new Origin(app)
  const state = {
    ...settings,
    ledger: new Ledger(settings.now),
    signingKey: await signingKey(),
    host: () => origin.host()
  }
  const faults = new FaultPlan()
  const log = new RequestLog()
  app.decorate('sentinel', sentinelOf(app, origin, state, faults, log))
  await app.register(emulatorRoutes, { state, faults, log })
}

/**
 * Starts an emulator of LivePerson's Sentinel, its Domain API and a little of its Users API on 127.0.0.1, and
 * nowhere else.
 *
 * **Not for production**: see {@link sentinelEmulator}.
 *
 * @example
 * ```ts
 * const sentinel = await startSentinelEmulator({ port: 0 })
 * sentinel.next('token', { status: 503 })
 * // … log in against sentinel.url …
 * await sentinel.close()
 * ```
 * @throws TypeError when an option is wrong; the message names every wrong option.
 * @throws Error `EADDRINUSE` when the port is taken.
 */
export async function startSentinelEmulator (options: StartSentinelEmulatorOptions = {}): Promise<SentinelEmulator> {
  const { port = 0, logger = false, ...data } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TypeError(`Sentinel emulator: port must be an integer from 0 to 65535, not ${port}`)
  }
  const app = Fastify({ logger, forceCloseConnections: true })
  await app.register(sentinelEmulator, data)
  await app.listen({ host: '127.0.0.1', port })
  return app.sentinel
}
