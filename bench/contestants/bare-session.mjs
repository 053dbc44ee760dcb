// The least that a login on @fastify/session has to do: state and PKCE verifier in the session,
// one POST, a new session id, one key read for each request. The id_token is not validated, so this
// is a lower limit for comparison. Do not deploy it.
// TOKENS=1 also keeps the user's claims and the tokens in the session.
import { createHash, randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import { claimsOf } from './support/id-token.mjs'
import { serve } from './support/serve.mjs'
import { guardedBySession, withSession } from './support/session.mjs'
import { authorizePath, callback, clientId, idp } from './support/settings.mjs'
import { exchangeCode } from './support/token-request.mjs'

const authorize =
  idp +
  authorizePath +
  '?' +
  new URLSearchParams({
    v: '1.0',
    response_type: 'code',
    client_id: clientId,
    redirect_uri: callback,
    code_challenge_method: 'S256'
  })

const app = Fastify()
await withSession(app)

app.get('/login', async (request, reply) => {
  const state = randomBytes(16).toString('base64url')
  const verifier = randomBytes(32).toString('base64url')
  request.session.login = { state, verifier }
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  return reply.redirect(`${authorize}&state=${state}&code_challenge=${challenge}`)
})

app.get('/callback', async (request, reply) => {
  const { login } = request.session
  if (!login || login.state !== request.query.state) return reply.code(403).send({ error: 'state' })
  const tokens = await exchangeCode(request.query.code, login.verifier)
  const claims = claimsOf(tokens.id_token)
  await request.session.regenerate()
  request.session.user = claims.sub
  if (process.env.TOKENS === '1') {
    Object.assign(request.session, { claims, tokens: tokensToKeep(tokens) })
  }
  return reply.redirect('/private')
})

function tokensToKeep({
  access_token: accessToken,
  refresh_token: refreshToken,
  expires_in: expiresIn
}) {
  return { accessToken, refreshToken, expiresAt: Date.now() + expiresIn * 1000 }
}

guardedBySession(app)
await serve(app)
