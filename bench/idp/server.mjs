// A stub of Sentinel for measurements: no login page, each login succeeds at once.
// It checks client, redirect_uri, PKCE and single use of codes, so a contestant that skips its part
// fails instead of looking fast. It listens on PORT and knows one redirect URI, CALLBACK.
import Fastify from 'fastify'
import { authorize } from './authorize.mjs'
import { Codes } from './codes.mjs'
import { token } from './token.mjs'

const { PORT, CALLBACK } = process.env
const state = {
  client: { id: 'bench-client', secret: 'bench-secret-0123456789', redirectUri: CALLBACK },
  codes: new Codes(),
  users: 0,
  lastUser: null
}

const app = Fastify({ keepAliveTimeout: 120_000 })
app.addContentTypeParser(
  'application/x-www-form-urlencoded',
  { parseAs: 'string' },
  (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(body)))
  }
)
app.get('/sentinel/api/account/1/authorize', (request, reply) => authorize(state, request, reply))
app.post('/sentinel/api/account/1/token', (request, reply) => token(state, request, reply))
app.get('/last-user', async () => ({ user: state.lastUser }))
await app.listen({ port: Number(PORT), host: '127.0.0.1' })
