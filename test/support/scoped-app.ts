import { Writable } from 'node:stream'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import { startSentinelEmulator, type SentinelEmulator } from '../../lib/emulator/index.js'
import { optionsFor, type TestApp } from './app.js'
import { Browser } from './browser.js'

interface ScopedSetting {
  /** Registers the plugin wherever the test wants it. */
  build: (app: FastifyInstance, optionsAt: (callback: string) => ReturnType<typeof optionsFor>) => unknown
  origin?: string
  /** Paths of redirect URIs that are registered with Sentinel; the first is that of `redirectUri`. */
  callbacks: string[]
  fastify?: FastifyServerOptions
}

/** As startApp, for apps that register the plugin in scopes of their own. */
export async function startScopedApp (t: Test, { build, callbacks, origin = 'http://localhost:3000', fastify }: ScopedSetting): Promise<TestApp> {
  const sentinel: SentinelEmulator = await startSentinelEmulator()
  t.teardown(() => sentinel.close())
  for (const account of sentinel.accounts) account.applications[0]!.redirectUris.push(...callbacks.map(path => origin + path))
  const logLines: string[] = []
  const stream = new Writable({ write (line, _encoding, done) { logLines.push(String(line)); done() } })
  const app = Fastify({ logger: { level: 'trace', stream }, forceCloseConnections: true, trustProxy: origin.startsWith('https:'), ...fastify })
  t.teardown(() => app.close())
  await build(app, callback => optionsFor(sentinel, origin + callback))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const server = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  return {
    app,
    sentinel,
    origin,
    server,
    redirectUri: origin + callbacks[0]!,
    logLines,
    events: () => logLines.map(line => JSON.parse(line)).filter(line => line.leAuth !== undefined).map(line => line.leAuth),
    browser: () => new Browser({ [origin]: server }),
    url: path => origin + path,
    calls: endpoint => sentinel.requests.filter(request => request.endpoint === endpoint).length
  }
}
