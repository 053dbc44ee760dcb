// openid-client without a plugin, as in its documentation's example: PKCE and state in
// @fastify/session, and the claims of the id_token that it has validated. Sentinel has no
// discovery, so the endpoints are written here.
import Fastify from 'fastify'
import * as client from 'openid-client'
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

const sentinel = {
  issuer: 'sentinel',
  authorization_endpoint: idp + authorizePath,
  token_endpoint: idp + tokenPath
}
const config = new client.Configuration(sentinel, clientId, clientSecret)
client.allowInsecureRequests(config) // http, for the stub on loopback

const app = Fastify()
await withSession(app)

app.get('/login', async (request, reply) => {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  request.session.login = { verifier, state }
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state
  })
  return reply.redirect(url.href)
})

app.get('/callback', async (request, reply) => {
  const { login } = request.session
  if (!login) return reply.code(403).send({ error: 'no login in progress' })
  const tokens = await client.authorizationCodeGrant(config, new URL(request.url, callback), {
    pkceCodeVerifier: login.verifier,
    expectedState: login.state,
    idTokenExpected: true
  })
  await request.session.regenerate()
  request.session.user = tokens.claims().sub
  request.session.tokens = tokensToKeep(tokens)
  return reply.redirect('/private')
})

function tokensToKeep(tokens) {
  return {
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    expiresAt: Date.now() + tokens.expiresIn() * 1000
  }
}

guardedBySession(app)
await serve(app)
