import { hash } from 'node:crypto'
import type { Sentinel } from './endpoints.js'

/** What all authorization requests of an app say. */
export interface AuthorizationSettings {
  clientId: string
  redirectUri: string
  scope?: string
}

/** What one of them says, and nobody can guess; both in base64url. */
export interface AuthorizationSecrets {
  state: string
  /** PKCE verifier (RFC 7636 §4.1); left out, no challenge is sent. */
  codeVerifier?: string
}

/** Authorization requests, RFC 6749 §4.1.1. */
export function createAuthorizationUrl ({ clientId, redirectUri, scope }: AuthorizationSettings) {
  const fixed = new URLSearchParams({
    response_type: 'code', client_id: clientId, redirect_uri: redirectUri, ...(scope !== undefined && { scope })
  }).toString()

  return function authorizationUrl (sentinel: Sentinel, { state, codeVerifier }: AuthorizationSecrets): string {
    const challenge = codeVerifier === undefined ? '' : `&code_challenge=${codeChallenge(codeVerifier)}&code_challenge_method=S256`
    // The endpoint has a query already, the API version, and base64url needs no encoding.
    return `${sentinel.authorization_endpoint}&${fixed}&state=${state}${challenge}`
  }
}

/** RFC 7636 §4.2. oauth4webapi has one that takes a hop to the thread pool. */
function codeChallenge (codeVerifier: string): string {
  return hash('sha256', codeVerifier, 'base64url')
}
