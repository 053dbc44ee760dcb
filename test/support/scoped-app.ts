import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import { startSentinelEmulator, type SentinelEmulator } from '../../lib/emulator/index.js'
import { optionsFor, runApp, type TestApp } from './app.js'

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
  return runApp(t, {
    sentinel,
    origin,
    redirectUri: origin + callbacks[0]!,
    ...(fastify !== undefined && { fastify }),
    build: app => build(app, callback => optionsFor(sentinel, origin + callback))
  })
}
