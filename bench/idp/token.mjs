import { createHash, randomBytes } from 'node:crypto'
import { SignJWT, generateKeyPair } from 'jose'

const { privateKey } = await generateKeyPair('RS256')
const HOUR = 3600

/** Exchanges a code for tokens. No measurement refreshes, so there is no other grant. */
export async function token(state, request, reply) {
  const { client, codes } = state
  const refuse = (status, error) => reply.code(status).send({ error })
  const { body } = request
  if (!isClient(client, credentialsIn(request))) return refuse(401, 'invalid_client')
  if (body.grant_type !== 'authorization_code') return refuse(400, 'unsupported_grant_type')
  const grant = codes.use(body.code)
  if (!grant || body.redirect_uri !== client.redirectUri) return refuse(400, 'invalid_grant')
  if (challengeOf(body.code_verifier) !== grant.challenge) return refuse(400, 'invalid_grant')
  state.lastUser = grant.user
  return tokensFor(client, grant.user)
}

function isClient(client, { id, secret }) {
  return id === client.id && secret === client.secret
}

/** The client's id and secret, from the body or from HTTP Basic (RFC 6749 §2.3.1). */
function credentialsIn({ headers: { authorization }, body }) {
  if (!authorization?.startsWith('Basic ')) {
    return { id: body.client_id, secret: body.client_secret }
  }
  const [id, secret] = Buffer.from(authorization.slice(6), 'base64')
    .toString()
    .split(':')
    .map(decodeURIComponent)
  return { id, secret }
}

function challengeOf(verifier = '') {
  return createHash('sha256').update(verifier).digest('base64url')
}

/** Tokens as long as LivePerson's. */
async function tokensFor(client, user) {
  return {
    access_token: randomBytes(32).toString('hex'),
    token_type: 'Bearer',
    expires_in: HOUR,
    refresh_token: randomBytes(272).toString('hex'),
    id_token: await idTokenFor(client, user)
  }
}

function idTokenFor(client, user) {
  return new SignJWT({ email: `${user}@brand.example`, username: user, preferred_username: user })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer('sentinel')
    .setAudience(client.id)
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey)
}
