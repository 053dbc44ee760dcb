import { once } from 'node:events'
import { connect as connectHttp2, constants } from 'node:http2'
import { connect, type AddressInfo } from 'node:net'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { requireAdmin, requireAuth } from '../../lib/index.ts'
import { guardAttack } from '../support/attack/attack-on-login.ts'
import { attack } from '../support/attack/attack.ts'

/** A client that hangs up while its request is in progress. */
interface Caller {
  /** Sends a request with these cookies, and returns a function that hangs up. */
  send: (server: URL, path: string, cookie: string) => () => void
  fastify: object
}

const CALLERS: Record<string, Caller> = {
  'HTTP/1.1': {
    send: ({ hostname, port }, path, cookie) => {
      const socket = connect(Number(port), hostname).on('error', () => {})
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\nContent-Length: 0\r\n\r\n`
      )
      return () => socket.destroy()
    },
    fastify: {}
  },
  'HTTP/2': {
    send: (server, path, cookie) => {
      const session = connectHttp2(server.origin).on('error', () => {})
      const stream = session
        .request({ ':method': 'POST', ':path': path, cookie })
        .on('error', () => {})
      return () => {
        stream.close(constants.NGHTTP2_CANCEL)
        stream.once('close', () => session.destroy())
      }
    },
    fastify: { http2: true }
  }
}

let isInProgress: (response: FastifyReply['raw']) => void = () => {}
/** An onSend hook of the app that goes on after the client has hung up. */
function slowOnSend(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (request.method !== 'POST') return payload
    const closed = once(reply.raw, 'close')
    isInProgress(reply.raw)
    await closed
    // The code that waits for the response to close runs first.
    for (let turns = 0; turns < 3; turns += 1) await new Promise(resolve => setImmediate(resolve))
    return payload
  })
}

/** Sends a request, hangs up while its response is in progress, and waits until the app is done. */
async function hangUp(
  { send }: Caller,
  app: FastifyInstance,
  path: string,
  cookie = ''
): Promise<void> {
  const { port } = app.server.address() as AddressInfo
  const inProgress = new Promise<FastifyReply['raw']>(resolve => {
    isInProgress = resolve
  })
  const close = send(new URL(`http://127.0.0.1:${port}`), path, cookie)
  const closed = once(await inProgress, 'close')
  close()
  await closed
  for (let turns = 0; turns < 20; turns += 1) await new Promise(resolve => setImmediate(resolve))
}

type Ran = (path: string) => string

/** Every way to put code behind a guard; each handler notes that it ran. */
function guarded(app: FastifyInstance, ran: Ran): void {
  const behind = async (): Promise<void> => {
    ran('a hook behind the guard')
  }
  app.post('/on-request', { onRequest: [app.requireAuth, behind] }, async () => ran('on-request'))
  app.post('/pre-handler', { preHandler: [requireAuth, behind] }, async () => ran('pre-handler'))
  app.post('/admins', { preHandler: [requireAdmin, behind] }, async () => ran('admins'))
  app.post(
    '/by-hand',
    {
      onRequest: [
        async (request, reply) => {
          await app.requireAuth(request, reply)
          ran('the rest of the hook')
        },
        behind
      ]
    },
    async () => ran('by-hand')
  )
  app.post(
    '/done',
    {
      onRequest: [
        (request, reply, done) => {
          app.requireAuth(request, reply, done)
        },
        behind
      ]
    },
    async () => ran('done')
  )
  // A mistake of the app's: it does not wait for the guard.
  app.post(
    '/not-awaited',
    {
      onRequest: async (request, reply) => {
        app.requireAuth(request, reply)
      }
    },
    async () => ran('not-awaited')
  )
  app.setNotFoundHandler({ preHandler: [app.requireAuth, behind] }, async () => ran('nowhere'))
}

let server!: FastifyInstance
function routes(app: FastifyInstance, ran: Ran): void {
  server = app
  slowOnSend(app)
  guarded(app, ran)
}

for (const [protocol, caller] of Object.entries(CALLERS)) {
  const ran: string[] = []
  attack(
    'GA13',
    `a visitor who hangs up while the refusal is sent runs nothing behind a guard, over ${protocol}`,
    'CWE-362',
    async t => {
      for (const path of [
        '/on-request',
        '/pre-handler',
        '/admins',
        '/by-hand',
        '/done',
        '/nowhere',
        '/not-awaited'
      ]) {
        await hangUp(caller, server, path)
        t.same(ran, [], path)
      }
    },
    {
      fastify: caller.fastify,
      after: app =>
        routes(app, path => {
          ran.push(path)
          return path
        })
    }
  )
}

guardAttack(
  'GA13',
  'a user who hangs up when the guard finds the login ended runs nothing behind the guard',
  'CWE-362',
  async (t, { user, url, ran, endTokens }) => {
    endTokens()
    await hangUp(
      CALLERS['HTTP/1.1']!,
      server,
      '/on-request',
      await user.jar.getCookieString(url('/'))
    )
    t.same(ran, [])
  },
  { routes }
)
