import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import leAuth, { requireAdmin, requireAuth, type LeAuthOptions } from 'fastify-le-auth'
import { sendError, sendNotFound } from './errors.ts'
import { afterLogin, afterLogout, confirmLogin } from './logged-out.ts'
import { adminPage } from './pages/admin.ts'
import { agentsPage } from './pages/agents.ts'
import { homePage } from './pages/home.ts'
import { logOutEverywherePage } from './pages/log-out-everywhere.ts'
import { profilePage } from './pages/profile.ts'
import { securityHeaders } from './security-headers.ts'

/** The app's options. */
export interface NorthdeskOptions {
  /** For fastify-le-auth. Omitted settings come from the LE_* variables. */
  leAuth?: LeAuthOptions
}

/** Northdesk, as a Fastify plugin: a server, a test or another app can register it. */
export default async function northdesk(
  app: FastifyInstance,
  options: NorthdeskOptions
): Promise<void> {
  app.addHook('onRequest', securityHeaders)
  app.setErrorHandler(sendError)
  app.setNotFoundHandler(sendNotFound)

  await app.register(leAuth, {
    // Also the target of a logout whose login had already ended.
    returnTo: { afterLogout: '/?logged-out=here' },
    onLogin: afterLogin,
    onLogout: afterLogout,
    onLoginError: ({ error, retryPath }, request, reply) =>
      sendError(error, request, reply, retryPath),
    ...options.leAuth
  })
  await app.register(fastifyStatic, {
    root: fileURLToPath(new URL('public', import.meta.url)),
    prefix: '/assets/'
  })

  app.get('/', homePage)
  await app.register(privatePages)
}

/** Pages for logged-in users. The hooks guard every page in this scope, also one added later. */
async function privatePages(app: FastifyInstance): Promise<void> {
  app.addHook('onRequest', confirmLogin)
  app.addHook('onRequest', requireAuth)

  app.get('/profile', profilePage)
  app.get('/agents', agentsPage)
  app.get('/admin', { onRequest: requireAdmin }, adminPage)
  app.get('/log-out-everywhere', logOutEverywherePage)
}
