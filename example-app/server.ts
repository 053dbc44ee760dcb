import cluster from 'node:cluster'
import { existsSync } from 'node:fs'
import closeWithGrace from 'close-with-grace'
import Fastify from 'fastify'
import type { LeAuthOptions } from 'fastify-le-auth'
import northdesk from './app.ts'
import {
  addInstanceHeader,
  onStop,
  optionsFromMain,
  reportFailedStart,
  startWorkers,
  STOP_SIGNALS,
  workersWelcome
} from './cluster.ts'
import { emulatorWelcome, startEmulator } from './emulator.ts'
import { CLOSE_WITHIN, readSettings, type Settings } from './settings.ts'
import { checkSharedStore, connectSharedStore } from './shared-store.ts'

type StartError = NodeJS.ErrnoException & { port?: number }

try {
  await start()
} catch (error) {
  const why = explanation(error as StartError)
  if (cluster.isWorker) reportFailedStart(why)
  else {
    console.error(`\n  Northdesk cannot start. ${why}\n`)
    process.exit(1)
  }
}

async function start(): Promise<void> {
  // The file does not overwrite variables that are already set.
  if (existsSync('.env')) process.loadEnvFile('.env')
  const settings = readSettings(process.env)
  if (cluster.isWorker) {
    await serve(settings, optionsFromMain())
    return
  }
  if (settings.instances > 1) await checkSharedStore(settings.redisUrl!)
  const { emulated, port, sentinelPort } = settings
  const emulation = emulated ? await startEmulator(port, sentinelPort) : null
  const run = settings.instances > 1 ? manageWorkers : serve
  const pids = await run(settings, emulation?.leAuth ?? {}, async () => emulation?.emulator.close())
  const aboutEmulator = emulation === null ? '' : emulatorWelcome(emulation.emulator)
  console.log(`
  Northdesk is running: open ${addressOf(settings)}
${workersWelcome(pids)}${aboutEmulator}`)
}

/** Serves requests in this process. @returns its process id */
async function serve(
  { port, host, trustProxy, logLevel, redisUrl }: Settings,
  leAuth: LeAuthOptions,
  closeLast = async () => {}
): Promise<number[]> {
  const app = Fastify({ logger: { level: logLevel }, trustProxy })
  // Hooks run last to first: a refresh in progress still needs the store and LivePerson.
  app.addHook('onClose', closeLast)
  const shared = redisUrl === null ? null : await connectSharedStore(redisUrl, app.log)
  if (shared !== null) app.addHook('onClose', shared.close)
  if (cluster.isWorker) app.addHook('onRequest', addInstanceHeader)
  await app.register(northdesk, { leAuth: { ...leAuth, ...shared?.leAuth } })

  const skip = cluster.isWorker ? [...STOP_SIGNALS] : []
  const closing = { delay: CLOSE_WITHIN, logger: app.log, skip }
  const { close } = closeWithGrace(closing, async ({ err }) => {
    if (err !== undefined) app.log.fatal({ err }, 'stopping because of an error')
    await app.close()
  })
  if (cluster.isWorker) onStop(close)
  await app.listen({ port, host })
  return [process.pid]
}

/** Starts worker processes and manages them. @returns their process ids */
async function manageWorkers(
  { instances: count }: Settings,
  leAuth: LeAuthOptions,
  closeLast: () => Promise<void>
): Promise<number[]> {
  const { pids, stop } = await startWorkers(count, leAuth)
  closeWithGrace({ delay: 2 * CLOSE_WITHIN }, async ({ err }) => {
    if (err !== undefined) console.error(err)
    await stop()
    await closeLast()
  })
  return pids
}

/** The app's address for a browser. The plugin has checked LE_REDIRECT_URI by now. */
function addressOf({ emulated, port }: Settings): string {
  return emulated ? `http://localhost:${port}` : new URL(process.env['LE_REDIRECT_URI']!).origin
}

/** One sentence for the console. A stack trace would hide it. */
function explanation({ code, port, message }: StartError): string {
  if (code === 'EADDRINUSE') {
    const variable = port === Number(process.env['SENTINEL_PORT']) ? 'SENTINEL_PORT' : 'PORT'
    return `Port ${port} is in use. Stop the program that uses it, or set another ${variable}.`
  }
  if (code === 'EACCES') {
    return `You are not allowed to use port ${port}. Set PORT to a port above 1023.`
  }
  return message
}
