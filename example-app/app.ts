import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import leAuth, { type LeAuthOptions } from 'fastify-le-auth'
import { answerError, answerNotFound } from './errors.js'
import { afterLogin, afterLogout, askBeforeLogin } from './logged-out.js'
import { adminPage } from './pages/admin.js'
import { agentsPage } from './pages/agents.js'
import { homePage } from './pages/home.js'
import { logOutEverywherePage } from './pages/log-out-everywhere.js'
import { profilePage } from './pages/profile.js'
import { securityHeaders } from './security-headers.js'

/** What the app takes. */
export interface NorthdeskOptions {
  /** For fastify-le-auth; what is left out comes from the LE_* variables. */
  leAuth?: LeAuthOptions
}

/** Northdesk, as a Fastify plugin: a server, a test or another app can register it. */
export default async function northdesk (app: FastifyInstance, options: NorthdeskOptions): Promise<void> {
  app.addHook('onRequest', securityHeaders)
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(answerNotFound)

  await app.register(leAuth, {
    // A logout by somebody whose login had already ended comes here too.
    logoutReturnPath: '/?logged-out=here',
    onLogin: afterLogin,
    onLogout: afterLogout,
    onLoginError: ({ error, retryPath }, request, reply) => answerError(error, request, reply, retryPath),
    ...options.leAuth
  })
  await app.register(fastifyStatic, { root: fileURLToPath(new URL('public', import.meta.url)), prefix: '/assets/' })

  app.get('/', homePage)
  await app.register(privatePages)
}

/** What only logged-in users see. The hooks belong to this scope, so no page in it can be left open by mistake. */
async function privatePages (app: FastifyInstance): Promise<void> {
  app.addHook('onRequest', askBeforeLogin)
  app.addHook('onRequest', app.requireAuth)

  app.get('/profile', profilePage)
  app.get('/agents', agentsPage)
  app.get('/admin', { onRequest: app.requireAdmin }, adminPage)
  app.get('/log-out-everywhere', logOutEverywherePage)
}
