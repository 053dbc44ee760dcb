import { randomBytes } from 'node:crypto'

/** Redirects the browser back with a code at once. */
export function authorize(state, { query }, reply) {
  const problem = problemOf(state.client, query)
  if (problem !== null) {
    return reply.code(400).send({ error: 'invalid_request', error_description: problem })
  }
  const code = randomBytes(24).toString('base64url')
  state.users += 1
  state.codes.add(code, { challenge: query.code_challenge, user: `user-${state.users}` })
  const back = new URL(query.redirect_uri)
  back.searchParams.set('code', code)
  if (query.state !== undefined) back.searchParams.set('state', query.state)
  return reply.redirect(back.href)
}

function problemOf(client, query) {
  if (query.client_id !== client.id) return 'unknown client'
  if (query.response_type !== 'code') return 'response_type'
  if (query.redirect_uri !== client.redirectUri) return 'redirect_uri'
  if (query.code_challenge_method !== 'S256' || !query.code_challenge) return 'PKCE'
  return null
}
