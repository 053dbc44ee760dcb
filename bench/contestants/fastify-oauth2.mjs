// @fastify/oauth2 as in its README: startRedirectPath, PKCE, its own cookies for state and
// verifier. The tokens are kept in @fastify/session. It does not read the id_token, so the user's
// name is taken from it without validation.
import oauth2 from '@fastify/oauth2'
import Fastify from 'fastify'
import { claimsOf } from './support/id-token.mjs'
import { serve } from './support/serve.mjs'
import { guardedBySession, withSession } from './support/session.mjs'
import {
  authorizePath,
  callback,
  clientId,
  clientSecret,
  idp,
  tokenPath
} from './support/settings.mjs'

const app = Fastify()
await withSession(app)
await app.register(oauth2, {
  name: 'sentinel',
  credentials: {
    client: { id: clientId, secret: clientSecret },
    auth: { authorizeHost: idp, authorizePath, tokenHost: idp, tokenPath }
  },
  startRedirectPath: '/login',
  callbackUri: callback,
  pkce: 'S256'
})

app.get('/callback', async (request, reply) => {
  const { token } = await app.sentinel.getAccessTokenFromAuthorizationCodeFlow(request, reply)
  await request.session.regenerate()
  request.session.user = claimsOf(token.id_token).sub
  request.session.token = token
  return reply.redirect('/private')
})

guardedBySession(app)
await serve(app)
