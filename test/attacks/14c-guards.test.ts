import { basename } from 'node:path'
import fastifyStatic from '@fastify/static'
import fastifyWebsocket, { type WebsocketHandler } from '@fastify/websocket'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import leAuth, { requireAuth as exportedRequireAuth } from '../../lib/index.ts'
import { attack, type Stage } from '../support/attack/attack.ts'
import { ADMIN, AGENT, logIn } from '../support/login.ts'
import { rawRequest } from '../support/raw-http.ts'

const INSIDE = 'what only its users may see'

/** Asserts that a response is a refusal and shows nothing from behind the guard. */
async function isRefused(
  t: Test,
  stage: Stage,
  target: string,
  request: Parameters<typeof rawRequest>[2] = {}
): Promise<number> {
  const { status, text } = await rawRequest(stage, target, request)
  t.ok(
    [301, 302, 400, 401, 403, 404, 405].includes(status),
    `${target} ${JSON.stringify(request.headers ?? {})}: ${status}`
  )
  t.notOk(text.includes(INSIDE), `${target}: nothing from behind the guard is shown`)
  return status
}

const TARGETS = [
  '/admin/x',
  '/%61dmin/x',
  '/adm%69n/%78',
  '//admin/x',
  '/admin//x',
  '/admin;a/x',
  '/admin/x;a',
  '/ADMIN/x',
  '/admin/X',
  '/a/../admin/x',
  '/./admin/x',
  '/admin/./x',
  '/admin/x/',
  '/admin/x?/login',
  '/admin/x?leAuthRoute=true',
  '/admin/x#/login',
  '/admin/x%23/login',
  '/admin/x%3f/login',
  '/admin/x;/login',
  '/login/../admin/x',
  '/login/%2e%2e/admin/x',
  '/login/..;/admin/x',
  '/login;/../admin/x',
  '/login%2f..%2fadmin%2fx',
  '/login//../admin/x',
  '/callback/../admin/x',
  '/admin%2fx',
  '/admin%252fx',
  '/admin\\x',
  '/admin/x%00',
  '/admin/x%20',
  '/admin/x.json',
  '/admin/x%09',
  '/admin/%u0078',
  'http://localhost:3000/admin/x',
  'http://evil.example/admin/x',
  'http://localhost:3000/login/../admin/x'
]
const POINTERS: Array<Record<string, string>> = [
  { 'X-Original-URL': '/login' },
  { 'X-Rewrite-URL': '/login' },
  { 'X-Forwarded-Uri': '/login' },
  { 'X-Forwarded-Path': '/login' },
  { 'X-Forwarded-Prefix': '/login' },
  { 'X-HTTP-Method-Override': 'OPTIONS' },
  { Referer: 'http://localhost:3000/login' },
  { 'X-Forwarded-For': '127.0.0.1' },
  { Authorization: 'Bearer x' },
  { 'X-Forwarded-User': AGENT.id },
  { 'Sec-Fetch-Mode': 'navigate' },
  { Accept: 'text/html' }
]
const ROUTERS = [
  {},
  {
    ignoreTrailingSlash: true,
    caseSensitive: false,
    ignoreDuplicateSlashes: true,
    useSemicolonDelimiter: true
  }
]

function adminRoutes(app: FastifyInstance): void {
  app.get('/admin/x', { onRequest: app.requireAdmin }, async () => INSIDE)
  app.get('/admin/*', { onRequest: app.requireAdmin }, async () => INSIDE)
}
function guardedApp(app: FastifyInstance): void {
  app.addHook('onRequest', app.requireAuth)
  app.get('/admin/x', async () => INSIDE)
  app.get('/admin/*', async () => INSIDE)
}

for (const [what, after] of [
  ['a guarded route', adminRoutes],
  ['a guarded app', guardedApp]
] as const) {
  for (const routerOptions of ROUTERS) {
    attack(
      'PB1',
      `no spelling of a URL bypasses the guard of ${what}${'caseSensitive' in routerOptions ? ', with a lax router' : ''}`,
      'CVE-2026-22031, CVE-2026-22037, CVE-2025-54576, CVE-2026-15074',
      async (t, stage) => {
        for (const target of TARGETS) {
          await isRefused(t, stage, target)
          await isRefused(t, stage, target, { method: 'HEAD' })
          await isRefused(t, stage, target, {
            headers: { 'X-Original-URL': '/login', Accept: 'text/html' }
          })
        }
        for (const headers of POINTERS) {
          t.ok(
            [302, 401].includes(await isRefused(t, stage, '/admin/x', { headers })),
            'the route is guarded, not missing'
          )
          await isRefused(t, stage, '/login', {
            headers: {
              'X-Original-URL': '/admin/x',
              'X-Rewrite-URL': '/admin/x',
              'X-Forwarded-Uri': '/admin/x'
            }
          })
        }
        const agent = stage.browser()
        await logIn(stage, agent)
        const administrator = stage.browser()
        await logIn(stage, administrator, ADMIN)
        for (const target of ['/admin/x', 'http://evil.example/admin/x']) {
          t.match(await rawRequest(stage, target, { browser: administrator }), {
            status: 200,
            text: INSIDE
          })
        }
        if (after === guardedApp) return
        for (const target of TARGETS) await isRefused(t, stage, target, { browser: agent })
      },
      { after, fastify: { routerOptions } }
    )
  }
}

const OWN_NAME = basename(import.meta.filename)

/** Routes in nested scopes, each guarded in another way. */
async function nested(app: FastifyInstance): Promise<void> {
  const served = { root: import.meta.dirname, decorateReply: false }
  await app.register(
    async outer => {
      outer.addHook('onRequest', outer.requireAuth)
      outer.get('/x', async () => INSIDE)
      await outer.register(
        async inner => {
          inner.get('/x', async () => INSIDE)
          inner.setNotFoundHandler(async () => INSIDE)
          await inner.register(
            async innermost => {
              innermost.get('/x', async () => INSIDE)
            },
            { prefix: '/c' }
          )
        },
        { prefix: '/b' }
      )
    },
    { prefix: '/a' }
  )
  await app.register(async child => {
    child.get('/child', { preHandler: child.requireAuth }, async () => INSIDE)
    child.route({
      method: ['GET', 'POST'],
      url: '/both',
      preHandler: [child.requireAuth],
      handler: async () => INSIDE
    })
  })
  await app.register(async files => {
    files.addHook('onRequest', files.requireAuth)
    await files.register(fastifyStatic, { ...served, prefix: '/files/' })
  })
  await app.register(async files => {
    files.addHook('preHandler', files.requireAuth)
    await files.register(fastifyStatic, {
      ...served,
      prefix: '/listed/',
      wildcard: false,
      cacheControl: false
    })
  })
  app.setNotFoundHandler({ preHandler: app.requireAuth }, async () => INSIDE)
}

const NESTED = [
  '/a/x',
  '/a/b/x',
  '/a/b/c/x',
  '/a/b/none',
  '/a//b/x',
  '/child',
  '/both',
  '/none',
  '/a/none',
  '/none/%2e%2e/x',
  '/files',
  '/files/'
]
const FILES = (name: string): string[] => [
  `/files/${name}`,
  `/files//${name}`,
  `/files/./${name}`,
  `/files/x/../${name}`,
  `/files/%2e/${name}`,
  `/files/%31${name.slice(1)}`,
  `//files/${name}`,
  `/files%2f${name}`,
  `/files/..%2fattacks%2f${name}`,
  `/files/${name}?download`,
  `/files/${name}%00`,
  `/files/${name}/`,
  `/FILES/${name}`,
  `/listed/${name}`,
  `/listed/%31${name.slice(1)}`,
  `/listed//${name}`,
  `http://localhost:3000/files/${name}`
]

attack(
  'PB2',
  'the guard holds in nested scopes, for static files and for the not-found handler',
  'CVE-2026-6270, CVE-2026-7120',
  async (t, stage) => {
    for (const target of [...NESTED, ...FILES(OWN_NAME)]) {
      for (const headers of [
        {},
        { Accept: 'text/html' },
        { Range: 'bytes=0-10', 'If-None-Match': '*' }
      ] as Array<Record<string, string>>) {
        await isRefused(t, stage, target, { headers })
      }
      await isRefused(t, stage, target, { method: 'HEAD' })
    }
    await isRefused(t, stage, '/both', { method: 'POST' })
    const member = stage.browser()
    await logIn(stage, member)
    for (const target of [
      '/a/x',
      '/a/b/x',
      '/a/b/c/x',
      '/a/b/none',
      '/child',
      '/both',
      '/none',
      `/files/${OWN_NAME}`,
      `/listed/${OWN_NAME}`
    ]) {
      const { text } = await rawRequest(stage, target, { browser: member })
      t.ok(text.includes(INSIDE), `${target}: a user gets in`)
    }
    t.match(
      (await rawRequest(stage, `/listed/${OWN_NAME}`, { browser: member })).text,
      /^cache-control: private, no-store\r$/im,
      'no cache stores a file if @fastify/static leaves the header to the guard'
    )
  },
  { after: nested }
)

attack(
  'PB2',
  'an app that guards everything guards unknown routes and malformed URLs',
  'CVE-2026-6270',
  async (t, stage) => {
    for (const target of [
      '/none',
      '/%',
      '/none?/login',
      '/login/none',
      '/callback/none',
      '/logout',
      '/LOGIN'
    ]) {
      await isRefused(t, stage, target)
    }
    const member = stage.browser()
    await logIn(stage, member)
    t.match(await rawRequest(stage, '/none', { browser: member }), { text: INSIDE })
  },
  {
    after: app => {
      app.addHook('onRequest', app.requireAuth)
      app.setNotFoundHandler(async () => INSIDE)
    }
  }
)

attack(
  'PB2',
  'a guard that is registered before its plugin refuses visitors, and lets ' +
    'nobody through without the plugin',
  'CVE-2026-6270',
  async (t, stage) => {
    for (const target of ['/early', '/early/child', '/early/hook']) {
      t.equal(await isRefused(t, stage, target), 401)
    }
    const member = stage.browser()
    await logIn(stage, member)
    t.match(await rawRequest(stage, '/early', { browser: member }), { status: 200, text: INSIDE })

    const without = Fastify()
    t.teardown(() => without.close())
    without.get('/early', { preHandler: exportedRequireAuth }, async () => INSIDE)
    t.equal((await without.inject('/early')).statusCode, 500)
    const outside = Fastify()
    t.teardown(() => outside.close())
    await outside.register(async child => {
      await child.register(leAuth, {
        accountId: '1',
        clientId: 'c',
        clientSecret: 's',
        secret: 's'.repeat(32),
        redirectUri: 'http://localhost/callback'
      })
    })
    outside.get('/sibling', { preHandler: exportedRequireAuth }, async () => INSIDE)
    t.equal(
      (await outside.inject('/sibling')).statusCode,
      500,
      'a scope beside the plugin’s is refused too'
    )
  },
  {
    before: async app => {
      app.get('/early', { preHandler: exportedRequireAuth }, async () => INSIDE)
      await app.register(async child => {
        child.addHook('onRequest', exportedRequireAuth)
        child.get('/early/hook', async () => INSIDE)
        child.get('/early/child', { onRequest: exportedRequireAuth }, async () => INSIDE)
      })
    }
  }
)

const UPGRADE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ=='
}
const SOCKETS = ['/socket/first', '/socket/later', '/socket/scope']
let opened = 0

attack(
  'PB2',
  'the guard refuses a web socket before it is opened',
  'CVE-2026-6270, RFC 6455 §4.2.2',
  async (t, stage) => {
    opened = 0
    for (const target of SOCKETS) {
      for (const headers of [
        {},
        { Origin: stage.origin, Cookie: 'le-auth=x.y' },
        { 'Sec-Fetch-Mode': 'websocket' }
      ] as Array<Record<string, string>>) {
        t.equal(
          await isRefused(t, stage, target, { headers: { ...UPGRADE, ...headers } }),
          401,
          target
        )
      }
    }
    t.equal(opened, 0, 'no handler ran')
    const member = stage.browser()
    await logIn(stage, member)
    for (const target of SOCKETS) {
      t.match(
        await rawRequest(stage, target, { browser: member, headers: UPGRADE }),
        { status: 101, text: INSIDE },
        `${target}: a user gets in`
      )
    }
    t.equal(opened, SOCKETS.length)
  },
  {
    before: app => app.register(fastifyWebsocket),
    after: async app => {
      const handler: WebsocketHandler = socket => {
        opened += 1
        socket.send(INSIDE, () => socket.terminate())
      }
      app.get('/socket/first', { websocket: true, onRequest: app.requireAuth }, handler)
      app.get('/socket/later', { websocket: true, preHandler: app.requireAuth }, handler)
      await app.register(async scope => {
        scope.addHook('onRequest', scope.requireAuth)
        scope.get('/socket/scope', { websocket: true }, handler)
      })
    }
  }
)
