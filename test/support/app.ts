import { Writable } from 'node:stream'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import { EMULATOR_DEFAULTS, startSentinelEmulator, type SentinelEmulator, type StartSentinelEmulatorOptions } from '../../lib/emulator/index.js'
import leAuth, { type LeAuthOptions } from '../../lib/index.js'
import { Browser, type Answer } from './browser.js'

export const SECRET = 'a secret for tests, of more than 32 characters'

export interface Setting {
  /** Options over those that fit the emulator. */
  options?: LeAuthOptions
  /** Fastify's own options. */
  fastify?: FastifyServerOptions
  /** Runs before the plugin is registered. */
  before?: (app: FastifyInstance) => unknown
  /** Runs after it, for routes besides those of every test. */
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

/** An app on the plugin, the Sentinel it uses, and what it has logged. */
export interface TestApp {
  app: FastifyInstance
  sentinel: SentinelEmulator
  origin: string
  /** Where the app really listens. */
  server: string
  redirectUri: string
  logLines: string[]
  /** Log lines of the plugin itself. */
  events: () => any[]
  browser: () => Browser
  url: (path: string) => string
  /** How many requests reached an endpoint of the emulator. */
  calls: (endpoint: string) => number
}

/** The plugin's options for an emulator. */
export function optionsFor (sentinel: SentinelEmulator, redirectUri: string): LeAuthOptions {
  return {
    accountId: EMULATOR_DEFAULTS.accountId,
    clientId: EMULATOR_DEFAULTS.clientId,
    clientSecret: EMULATOR_DEFAULTS.clientSecret,
    redirectUri,
    secret: SECRET,
    domainApi: sentinel.url
  }
}

/** Starts an emulator and an app on it, each on a port of its own, and closes both with the test. */
export async function startApp (t: Test, setting: Setting = {}): Promise<TestApp> {
  const { origin = 'http://localhost:3000', callback = '/callback' } = setting
  const sentinel = setting.sentinel ?? await startSentinelEmulator(setting.emulator ?? {})
  if (setting.sentinel === undefined) t.teardown(() => sentinel.close())
  const redirectUri = origin + callback
  for (const account of sentinel.accounts) account.applications[0]!.redirectUris.push(redirectUri)

  return runApp(t, {
    sentinel,
    origin,
    redirectUri,
    ...(setting.port !== undefined && { port: setting.port }),
    ...(setting.fastify !== undefined && { fastify: setting.fastify }),
    build: async app => {
      await setting.before?.(app)
      await app.register(leAuth, { ...optionsFor(sentinel, redirectUri), ...setting.options })
      addRoutes(app)
      await setting.after?.(app)
    }
  })
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

/** Starts an app that writes its log into an array, and closes it with the test. */
export async function runApp (t: Test, { sentinel, origin, redirectUri, port = 0, fastify, build }: Run): Promise<TestApp> {
  const logLines: string[] = []
  const stream = new Writable({ write (line, _encoding, done) { logLines.push(String(line)); done() } })
  const app = Fastify({ logger: { level: 'trace', stream }, forceCloseConnections: true, trustProxy: origin.startsWith('https:'), ...fastify })
  t.teardown(() => app.close())
  await build(app)
  await app.listen({ host: '127.0.0.1', port })
  const server = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  return {
    app,
    sentinel,
    origin,
    server,
    redirectUri,
    logLines,
    events: () => logLines.map(line => JSON.parse(line)).filter(line => line.leAuth !== undefined).map(line => line.leAuth),
    browser: () => new Browser({ [origin]: server }),
    url: path => origin + path,
    calls: endpoint => sentinel.requests.filter(request => request.endpoint === endpoint).length
  }
}

function addRoutes (app: FastifyInstance): void {
  app.get('/', async (request) => !request.leAuth ? 'hello stranger' : `hello ${request.leAuth.user.id}`)
  app.get('/me', { preHandler: app.requireAuth }, async ({ leAuth }) => ({ ...leAuth!.user, accountId: leAuth!.accountId }))
  app.get('/page/*', { onRequest: app.requireAuth }, async (request) => `page ${request.url}`)
  app.get('/admin', { onRequest: app.requireAdmin }, async () => 'for administrators')
  app.post('/change', { onRequest: app.requireAuth }, async () => 'changed')
  app.get('/users', { onRequest: app.requireAuth }, async (request) => {
    const response = await request.leAuth!.fetch('accountConfigReadOnly', '/api/account/{accountId}/configuration/le-users/users')
    return { status: response.status, users: await response.json() }
  })
  app.get('/token', { onRequest: app.requireAuth }, async (request) => ({ accessToken: await request.leAuth!.getAccessToken(), expiresAt: request.leAuth!.expiresAt }))
}

export interface Person { loginName: string, id: string }
export const AGENT: Person = { loginName: EMULATOR_DEFAULTS.loginNames.agent, id: '3562186410' }
export const ADMIN: Person = { loginName: EMULATOR_DEFAULTS.loginNames.administrator, id: '3562186411' }

/** Logs a user in from a page of the app on, and returns the last answer. */
export async function logIn (app: TestApp, browser: Browser, { loginName } = AGENT, start = '/login'): Promise<Answer> {
  const page = await browser.navigate(app.url(start))
  return signIn(browser, page, loginName)
}

/** Logs a user out with the form of a page of the app, and stops at the answer. */
export async function logOut (app: TestApp, browser: Browser, form: Record<string, string> = {}): Promise<Answer> {
  return browser.step(app.url('/logout'), { method: 'POST', form, from: app.url('/') })
}

/** Fills in Sentinel's login page. */
export async function signIn (browser: Browser, page: Answer, loginName: string): Promise<Answer> {
  const action = /<form method="post" action="([^"]+)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&')
  if (action === undefined) throw new Error(`not a login page: ${page.status} ${page.url}`)
  return browser.submit(new URL(action, page.url).href, { username: loginName, password: EMULATOR_DEFAULTS.password, action: 'sign-in' })
}

/** Begins a login and lets Sentinel sign the user in, but stops before the browser follows it to the callback. */
export async function upToCallback (app: TestApp, browser: Browser, start = '/login', { loginName } = AGENT): Promise<string> {
  let answer = await browser.step(app.url(start))
  for (let hops = 0; hops < 10; hops += 1) {
    if (answer.location?.startsWith(app.redirectUri)) return answer.location
    if (answer.location !== undefined) answer = await browser.step(new URL(answer.location, answer.url).href)
    else answer = await stepSignIn(browser, answer, loginName)
  }
  throw new Error('Sentinel did not send the browser back')
}

async function stepSignIn (browser: Browser, page: Answer, loginName: string): Promise<Answer> {
  const action = /<form method="post" action="([^"]+)"/.exec(page.text)![1]!.replaceAll('&amp;', '&')
  const url = new URL(action, page.url).href
  return browser.step(url, { method: 'POST', form: { username: loginName, password: EMULATOR_DEFAULTS.password, action: 'sign-in' }, from: url })
}

/** Who is logged in by an answer of /me, `null` where nobody is. @throws Error for an answer that says neither, such as that of a store that is down */
export function whoAnswers ({ status, json }: Answer): string | null {
  if (status !== 200 && status !== 401) throw new Error(`/me says nothing of who is logged in, but ${status}`)
  return status === 200 ? json().id : null
}

/** The stable code on an error page of the plugin, or in its JSON. */
export function errorCode (answer: Pick<Answer, 'text'>): string | undefined {
  return /LE_AUTH_[A-Z_]+/.exec(answer.text)?.[0]
}
