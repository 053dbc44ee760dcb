import type { FastifyInstance } from 'fastify'
import { loginData } from '../../support/login-data.js'
import type { Answers } from '../protected.js'

/** Fastify alone: no cookie, no session, the answer is at hand. */
export async function bareRoute (app: FastifyInstance): Promise<Answers> {
  const { user } = loginData()
  app.get('/log-in', async () => 'nothing to do')
  app.get('/me', async () => ({ id: user.id }))
  return {}
}
