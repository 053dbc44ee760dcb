import Fastify from 'fastify'
import leAuth, { authOf, requireAuth, type LeAuthOptions } from 'fastify-le-auth'

const app = Fastify()
// @ts-expect-error no such option
await app.register(leAuth, { acountId: '12345678' })
// @ts-expect-error not a text
export const account: LeAuthOptions = { accountId: 12345678 }
// @ts-expect-error a guard does not handle errors
app.setErrorHandler(requireAuth)
// @ts-expect-error a guard does not parse bodies
app.addContentTypeParser('text/x', requireAuth)
// @ts-expect-error a guard checks a request, and not the app
requireAuth(app, app)
// @ts-expect-error the options take no hook with another event
export const hook: LeAuthOptions = { onLogin: (event: { name: string }) => console.log(event.name) }
app.get('/me', { preHandler: app.requireAuth }, async request => {
  // @ts-expect-error it can be null
  request.leAuth.user.toString()
  // @ts-expect-error only the plugin sets it
  request.leAuth = null
  // @ts-expect-error a user is frozen
  authOf(request).user.id = 'other'
  // @ts-expect-error the account is not of the user's type
  return authOf(request).user.accountId
})
