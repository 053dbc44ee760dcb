import { existsSync } from 'node:fs'
import closeWithGrace from 'close-with-grace'
import Fastify from 'fastify'
import northdesk from './app.js'
import { emulatorWelcome, startEmulator, type Emulated } from './emulator.js'
import { readSettings, type Settings } from './settings.js'

/** How long requests that are being answered may take when the server is told to stop, in ms. */
const CLOSE_WITHIN = 5000

try {
  await start()
} catch (error) {
  console.error(`\n  Northdesk cannot start. ${explanation(error as NodeJS.ErrnoException & { port?: number })}\n`)
  process.exit(1)
}

async function start (): Promise<void> {
  // A variable that is set already wins over the file.
  if (existsSync('.env')) process.loadEnvFile('.env')
  const settings = readSettings(process.env)
  const emulated = settings.emulated ? await startEmulator(settings.port, settings.sentinelPort) : null
  await serve(settings, emulated)
  console.log(`\n  Northdesk is running: open ${addressOf(settings)}\n${emulated === null ? '' : emulatorWelcome(emulated.emulator)}`)
}

async function serve ({ port, host, trustProxy, logLevel }: Settings, emulated: Emulated | null): Promise<void> {
  const app = Fastify({ logger: { level: logLevel }, trustProxy })
  if (emulated !== null) app.addHook('onClose', () => emulated.emulator.close())
  await app.register(northdesk, emulated === null ? {} : { leAuth: emulated.leAuth })

  closeWithGrace({ delay: CLOSE_WITHIN, logger: app.log }, async ({ err }) => {
    if (err !== undefined) app.log.fatal({ err }, 'stopping because of an error')
    await app.close()
  })
  await app.listen({ port, host })
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
