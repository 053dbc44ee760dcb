import { calculatePKCECodeChallenge } from 'oauth4webapi'
import type { Sentinel } from './endpoints.js'

/** What an authorization request says. */
export interface AuthorizationRequest {
  clientId: string
  redirectUri: string
  state: string
  /** PKCE verifier (RFC 7636 §4.1); left out, no challenge is sent. */
  codeVerifier?: string
  scope?: string
}

/** Authorization request, RFC 6749 §4.1.1. */
export async function authorizationUrl (sentinel: Sentinel, request: AuthorizationRequest): Promise<string> {
  const url = new URL(sentinel.authorization_endpoint)
  url.searchParams.set('response_type', 'code')
  url.searchParams.set('client_id', request.clientId)
  url.searchParams.set('redirect_uri', request.redirectUri)
  url.searchParams.set('state', request.state)
  if (request.scope !== undefined) url.searchParams.set('scope', request.scope)
  if (request.codeVerifier !== undefined) {
    url.searchParams.set('code_challenge', await calculatePKCECodeChallenge(request.codeVerifier))
    url.searchParams.set('code_challenge_method', 'S256')
  }
  return url.href
}
