import cluster from 'node:cluster'
import { existsSync } from 'node:fs'
import closeWithGrace from 'close-with-grace'
import Fastify from 'fastify'
import type { LeAuthOptions } from 'fastify-le-auth'
import northdesk from './app.js'
import { endUnstarted, handedDown, instancesWelcome, nameInstance, onStop, startInstances, STOP_SIGNALS } from './cluster.js'
import { emulatorWelcome, startEmulator } from './emulator.js'
import { CLOSE_WITHIN, readSettings, type Settings } from './settings.js'
import { checkSharedStore, connectSharedStore } from './shared-store.js'

try {
  await start()
} catch (error) {
  const why = explanation(error as NodeJS.ErrnoException & { port?: number })
  if (cluster.isWorker) endUnstarted(why)
  else {
    console.error(`\n  Northdesk cannot start. ${why}\n`)
    process.exit(1)
  }
}

async function start (): Promise<void> {
  // A variable that is set already wins over the file.
  if (existsSync('.env')) process.loadEnvFile('.env')
  const settings = readSettings(process.env)
  if (cluster.isWorker) {
    await serve(settings, handedDown())
    return
  }
  if (settings.instances > 1) await checkSharedStore(settings.redisUrl!)
  const emulated = settings.emulated ? await startEmulator(settings.port, settings.sentinelPort) : null
  const answer = settings.instances > 1 ? lead : serve
  const pids = await answer(settings, emulated?.leAuth ?? {}, async () => emulated?.emulator.close())
  console.log(`\n  Northdesk is running: open ${addressOf(settings)}\n${instancesWelcome(pids)}${emulated === null ? '' : emulatorWelcome(emulated.emulator)}`)
}

/** Answers requests in this process. @returns its id */
async function serve ({ port, host, trustProxy, logLevel, redisUrl }: Settings, leAuth: LeAuthOptions, closeLast = async () => {}): Promise<number[]> {
  const app = Fastify({ logger: { level: logLevel }, trustProxy })
  // What is added last closes first: a refresh under way still needs the store, and LivePerson.
  app.addHook('onClose', closeLast)
  const shared = redisUrl === null ? null : await connectSharedStore(redisUrl, app.log)
  if (shared !== null) app.addHook('onClose', shared.close)
  if (cluster.isWorker) app.addHook('onRequest', nameInstance)
  await app.register(northdesk, { leAuth: { ...leAuth, ...shared?.leAuth } })

  const skip = cluster.isWorker ? [...STOP_SIGNALS] : []
  const { close } = closeWithGrace({ delay: CLOSE_WITHIN, logger: app.log, skip }, async ({ err }) => {
    if (err !== undefined) app.log.fatal({ err }, 'stopping because of an error')
    await app.close()
  })
  if (cluster.isWorker) onStop(close)
  await app.listen({ port, host })
  return [process.pid]
}

/** Lets several processes answer requests, and leads them. @returns their ids */
async function lead ({ instances: count }: Settings, leAuth: LeAuthOptions, closeLast: () => Promise<void>): Promise<number[]> {
  const { pids, stop } = await startInstances(count, leAuth)
  closeWithGrace({ delay: 2 * CLOSE_WITHIN }, async ({ err }) => {
    if (err !== undefined) console.error(err)
    await stop()
    await closeLast()
  })
  return pids
}

/** Where a browser finds the app: LE_REDIRECT_URI has the public address, and the plugin has checked it by now. */
function addressOf ({ emulated, port }: Settings): string {
  return emulated ? `http://localhost:${port}` : new URL(process.env['LE_REDIRECT_URI']!).origin
}

/** One sentence for the person at the console; a stack would only bury it. */
function explanation ({ code, port, message }: NodeJS.ErrnoException & { port?: number }): string {
  if (code === 'EADDRINUSE') return `Port ${port} is in use: stop the program that uses it, or choose another with ${port === Number(process.env['SENTINEL_PORT']) ? 'SENTINEL_PORT' : 'PORT'}.`
  if (code === 'EACCES') return `Port ${port} needs rights that this user does not have: choose one above 1023 with PORT.`
  return message
}
