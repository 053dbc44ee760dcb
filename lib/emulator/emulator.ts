import Fastify, {
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyServerOptions
} from 'fastify'
import fp from 'fastify-plugin'
import { OptionReader } from '../options/option-reader.ts'
import { FaultPlan } from './faults/plan.ts'
import { Ledger } from './ledger.ts'
import { Origin } from './origin.ts'
import { RequestLog } from './request-log.ts'
import { emulatorRoutes } from './routes.ts'
import { sentinelOf, type SentinelEmulator } from './sentinel.ts'
import { resolveOptions, throwProblems, type SentinelEmulatorOptions } from './settings/options.ts'
import { signingKey } from './token/signing-key.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The emulator, after `sentinelEmulator` of `fastify-le-auth/emulator` is registered. */
    sentinel: SentinelEmulator
  }
}

/** The options of {@link startSentinelEmulator}: the emulator's data, its port and its log. */
export interface StartSentinelEmulatorOptions extends SentinelEmulatorOptions {
  /**
   * The TCP port, on 127.0.0.1 unless `inContainer` is set. With 0, the system chooses a free one.
   * @default 0
   */
  readonly port?: number
  /**
   * Fastify's `logger` option. Logged URLs contain codes and states, which is safe only because the
   * emulator's are not real.
   * @default false
   */
  readonly logger?: NonNullable<FastifyServerOptions['logger']>
}

/**
 * The emulator as a Fastify plugin. It adds LivePerson's endpoints to the app and decorates the app
 * with `sentinel`. It has its own body parser and cookie handling, so it works beside any other
 * plugin. It responds 403 to requests from other machines, and to requests for another host than
 * localhost.
 *
 * **Not for production**: its passwords are public and its login page shows them, it keeps
 * everything in memory, and it speaks plain http.
 *
 * @throws TypeError if an option is wrong; the message names every wrong option
 */
export const sentinelEmulator: FastifyPluginAsync<SentinelEmulatorOptions> = fp(emulatorPlugin, {
  fastify: '5.x',
  name: 'fastify-le-auth-sentinel-emulator'
})

async function emulatorPlugin(
  app: FastifyInstance,
  options: SentinelEmulatorOptions
): Promise<void> {
  const settings = resolveOptions(options)
  // It is created now, because that is slow, and the first login should not wait for it.
  await signingKey(settings.behaviour)
  const origin = new Origin(app)
  const state = {
    ...settings,
    ledger: new Ledger(settings.now),
    host: () => origin.host()
  }
  const faults = new FaultPlan()
  const log = new RequestLog()
  app.decorate('sentinel', sentinelOf(app, origin, state, faults, log))
  await app.register(emulatorRoutes, { state, faults, log })
}

/**
 * Starts an emulator of LivePerson's Sentinel, its Domain API and a part of its Users API. It
 * listens on 127.0.0.1 only, unless `inContainer` is set.
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
 * @throws TypeError if an option is wrong; the message names every wrong option, or only the port
 * @throws Error `EADDRINUSE` if the port is in use
 */
export async function startSentinelEmulator(
  options: StartSentinelEmulatorOptions = {}
): Promise<SentinelEmulator> {
  const { port: _checkedBelow, logger = false, ...data } = options
  const read = new OptionReader(options)
  const port = read.wholeNumber('port', 0, 0, 65_535)
  throwProblems(read)
  const app = Fastify({ logger, forceCloseConnections: true })
  await app.register(sentinelEmulator, data)
  await app.listen({ host: options.inContainer === true ? '0.0.0.0' : '127.0.0.1', port })
  return app.sentinel
}
