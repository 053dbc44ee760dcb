import { Writable } from 'node:stream'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import {
  EMULATOR_DEFAULTS,
  startSentinelEmulator,
  type SentinelEmulator,
  type StartSentinelEmulatorOptions
} from '../../lib/emulator/index.ts'
import leAuth, { type LeAuthOptions } from '../../lib/index.ts'
import { Browser } from './browser.ts'

const USERS_API = '/api/account/{accountId}/configuration/le-users/users'

/** The plugin's `secret` in all test apps. */
export const SECRET = 'a secret for tests, of more than 32 characters'

/** What a test may change in its app. */
export interface Setting {
  /** Options over those that fit the emulator. */
  options?: LeAuthOptions
  /** Fastify's own options. */
  fastify?: FastifyServerOptions
  /** Runs before the plugin is registered. */
  before?: (app: FastifyInstance) => unknown
  /** Runs after it, for routes besides those of every test app. */
  after?: (app: FastifyInstance) => unknown
  /** The emulator of another app, to share it. */
  sentinel?: SentinelEmulator
  emulator?: StartSentinelEmulatorOptions
  /** The public origin. */
  origin?: string
  /** Where to listen; any free port unless a real browser has to find the app. */
  port?: number
  /** The path of the redirect URI. */
  callback?: string
}

/** An app with the plugin, the emulator it uses, and its log. */
export interface TestApp {
  app: FastifyInstance
  sentinel: SentinelEmulator
  origin: string
  /** The URL where the app really listens. */
  server: string
  redirectUri: string
  logLines: string[]
  /** The plugin's own log lines. */
  events: () => any[]
  browser: () => Browser
  url: (path: string) => string
  /** How many requests reached an endpoint of the emulator. */
  calls: (endpoint: string) => number
}

/** The plugin's options for an emulator, with a name of the login cookie that tests can rely on. */
export function optionsFor(sentinel: SentinelEmulator, redirectUri: string): LeAuthOptions {
  return {
    accountId: EMULATOR_DEFAULTS.accountId,
    clientId: EMULATOR_DEFAULTS.clientId,
    clientSecret: EMULATOR_DEFAULTS.clientSecret,
    redirectUri,
    secret: SECRET,
    domainApi: sentinel.url,
    cookie: { name: 'le-auth' }
  }
}

/**
 * Starts an emulator and an app that uses it, each on its own port, and closes both with the test.
 */
export async function startApp(t: Test, setting: Setting = {}): Promise<TestApp> {
  const { origin = 'http://localhost:3000', callback = '/callback' } = setting
  const sentinel = setting.sentinel ?? (await startSentinelEmulator(setting.emulator ?? {}))
  if (setting.sentinel === undefined) t.teardown(() => sentinel.close())
  const redirectUri = origin + callback
  registerRedirectUris(sentinel, [redirectUri])

  return runApp(t, {
    sentinel,
    origin,
    redirectUri,
    ...(setting.port !== undefined && { port: setting.port }),
    ...(setting.fastify !== undefined && { fastify: setting.fastify }),
    build: async app => {
      await setting.before?.(app)
      const { cookie, ...options } = optionsFor(sentinel, redirectUri)
      await app.register(leAuth, {
        ...options,
        ...setting.options,
        cookie: { ...cookie, ...setting.options?.cookie }
      })
      addRoutes(app)
      await setting.after?.(app)
    }
  })
}

/** Registers redirect URIs with the first application of each account. */
export function registerRedirectUris({ accounts }: SentinelEmulator, redirectUris: string[]): void {
  for (const account of accounts) account.applications[0]!.redirectUris.push(...redirectUris)
}

interface Run {
  sentinel: SentinelEmulator
  origin: string
  redirectUri: string
  port?: number
  fastify?: FastifyServerOptions
  /** Makes the app what it is, before it listens. */
  build: (app: FastifyInstance) => unknown
}

async function runApp(
  t: Test,
  { sentinel, origin, redirectUri, port = 0, fastify, build }: Run
): Promise<TestApp> {
  const logLines: string[] = []
  const stream = new Writable({
    write(line, _encoding, done) {
      logLines.push(String(line))
      done()
    }
  })
  const app = Fastify({
    logger: { level: 'trace', stream },
    forceCloseConnections: true,
    trustProxy: origin.startsWith('https:'),
    ...fastify
  })
  t.teardown(() => app.close())
  await build(app)
  const server = await app.listen({ host: '127.0.0.1', port })
  return {
    app,
    sentinel,
    origin,
    server,
    redirectUri,
    logLines,
    events: () => logLines.flatMap(line => JSON.parse(line).leAuth ?? []),
    browser: () => new Browser({ [origin]: server }),
    url: path => origin + path,
    calls: endpoint => callsOf(sentinel, endpoint)
  }
}

/** How many requests reached an endpoint of an emulator. */
export function callsOf({ requests }: SentinelEmulator, endpoint: string): number {
  return requests.filter(request => request.endpoint === endpoint).length
}

function addRoutes(app: FastifyInstance): void {
  const guarded = { onRequest: app.requireAuth }
  app.get('/', async ({ leAuth }) => (leAuth ? `hello ${leAuth.user.id}` : 'hello stranger'))
  app.get('/me', { preHandler: app.requireAuth }, async ({ leAuth }) => {
    return { ...leAuth!.user, accountId: leAuth!.accountId }
  })
  app.get('/page/*', guarded, async request => `page ${request.url}`)
  app.get('/admin', { onRequest: app.requireAdmin }, async () => 'for administrators')
  app.post('/change', guarded, async () => 'changed')
  app.get('/users', guarded, async request => {
    const response = await request.leAuth!.fetch('accountConfigReadOnly', USERS_API)
    return { status: response.status, users: await response.json() }
  })
  app.get('/token', guarded, async request => {
    const accessToken = await request.leAuth!.getAccessToken()
    return { accessToken, expiresAt: request.leAuth!.expiresAt }
  })
}

interface ScopedSetting {
  /** Registers the plugin wherever the test wants it. */
  build: (app: FastifyInstance, optionsAt: (callback: string) => LeAuthOptions) => unknown
  origin?: string
  /**
   * Paths of redirect URIs that are registered with Sentinel; the first is that of `redirectUri`.
   */
  callbacks: string[]
  /** Where to listen; any free port unless a real browser has to find the app. */
  port?: number
  fastify?: FastifyServerOptions
}

/**
 * `startApp` for an app that registers the plugin in its own scopes, without the routes of every
 * test app.
 */
export async function startScopedApp(
  t: Test,
  { build, callbacks, origin = 'http://localhost:3000', port = 0, fastify }: ScopedSetting
): Promise<TestApp> {
  const sentinel = await startSentinelEmulator()
  t.teardown(() => sentinel.close())
  registerRedirectUris(
    sentinel,
    callbacks.map(path => origin + path)
  )
  return runApp(t, {
    sentinel,
    origin,
    redirectUri: origin + callbacks[0]!,
    port,
    ...(fastify !== undefined && { fastify }),
    build: app => build(app, callback => optionsFor(sentinel, origin + callback))
  })
}
