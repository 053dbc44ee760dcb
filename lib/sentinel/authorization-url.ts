import { hash } from 'node:crypto'
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
export function authorizationUrl (sentinel: Sentinel, request: AuthorizationRequest): string {
  const parameters = new URLSearchParams({
    response_type: 'code',
    client_id: request.clientId,
    redirect_uri: request.redirectUri,
    state: request.state,
    ...(request.scope !== undefined && { scope: request.scope }),
    ...(request.codeVerifier !== undefined && { code_challenge: codeChallenge(request.codeVerifier), code_challenge_method: 'S256' })
  })
  // Its query has the API version.
  return `${sentinel.authorization_endpoint}&${parameters}`
}

/** RFC 7636 §4.2. oauth4webapi has one that takes a hop to the thread pool. */
function codeChallenge (codeVerifier: string): string {
  return hash('sha256', codeVerifier, 'base64url')
}
