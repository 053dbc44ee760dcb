// @fastify/passport with passport-oauth2 on @fastify/secure-session, the first choice of its
// README. The whole session, with user and tokens, is in an encrypted cookie.
import { Authenticator } from '@fastify/passport'
import secureSession from '@fastify/secure-session'
import Fastify from 'fastify'
import OAuth2Strategy from 'passport-oauth2'
import { claimsOf } from './support/id-token.mjs'
import { serve } from './support/serve.mjs'
import {
  authorizePath,
  callback,
  clientId,
  clientSecret,
  idp,
  tokenPath
} from './support/settings.mjs'

globalThis.benchRecords = () => 0

const passport = new Authenticator()
passport.registerUserSerializer(async user => user)
passport.registerUserDeserializer(async user => user)
passport.use(
  'oauth2',
  new OAuth2Strategy(
    {
      authorizationURL: idp + authorizePath,
      tokenURL: idp + tokenPath,
      clientID: clientId,
      clientSecret,
      callbackURL: callback,
      state: true,
      pkce: true
    },
    (accessToken, refreshToken, { id_token: idToken, expires_in: expiresIn }, _profile, done) => {
      done(null, {
        id: claimsOf(idToken).sub,
        accessToken,
        refreshToken,
        expiresAt: Date.now() + expiresIn * 1000
      })
    }
  )
)

const app = Fastify()
await app.register(secureSession, { key: Buffer.alloc(32, 'bench'), cookie: { path: '/' } })
await app.register(passport.initialize())
await app.register(passport.secureSession())

app.get('/login', { preValidation: passport.authenticate('oauth2') }, () => {})
app.get(
  '/callback',
  {
    preValidation: passport.authenticate('oauth2', { successRedirect: '/private', authInfo: false })
  },
  () => {}
)

const preValidation = async (request, reply) => {
  if (!request.isAuthenticated()) return reply.code(401).send({ error: 'login required' })
}
app.get('/private', { preValidation }, async request => ({ user: request.user.id }))
await serve(app)
