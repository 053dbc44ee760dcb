import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { loginData } from '../../support/login-data.js'
import type { SessionKeeper } from '../memory.js'

/** The same data as plain objects in a Map, and nothing else: what it costs without a session around it. */
export async function plainObjects (app: FastifyInstance): Promise<SessionKeeper> {
  const logins = new Map<string, ReturnType<typeof loginData>>()
  app.get('/log-in', async (_request, reply) => {
    const id = randomBytes(24).toString('base64url')
    logins.set(id, loginData())
    return reply.header('set-cookie', `id=${id}`).send('logged in')
  })
  app.get('/token', async ({ headers }, reply) => {
    const login = logins.get(String(headers.cookie).slice('id='.length))
    return login?.tokens.accessToken ?? reply.code(401).send()
  })
  return { records: () => logins.size }
}
