import { hash } from 'node:crypto'
import type { Sentinel } from './endpoints.ts'

/** What all authorization requests of an app have in common. */
export interface AuthorizationSettings {
  clientId: string
  redirectUri: string
  scope?: string | undefined
}

/** What one authorization request adds, in base64url. Nobody can guess either. */
export interface AuthorizationSecrets {
  state: string
  /** PKCE verifier (RFC 7636 §4.1). Without it, no challenge is sent. */
  codeVerifier?: string
}

/** Authorization requests, RFC 6749 §4.1.1. */
export class AuthorizationRequests {
  /** Encoded once, because all requests have it. */
  readonly #fixed: string

  constructor({ clientId, redirectUri, scope }: AuthorizationSettings) {
    this.#fixed = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      ...(scope !== undefined && { scope })
    }).toString()
  }

  /** The address to send the browser to. */
  url(sentinel: Sentinel, { state, codeVerifier }: AuthorizationSecrets): string {
    // The endpoint already has a query, the API version. base64url needs no encoding.
    const url = `${sentinel.authorization_endpoint}&${this.#fixed}&state=${state}`
    if (codeVerifier === undefined) return url
    return `${url}&code_challenge=${codeChallenge(codeVerifier)}&code_challenge_method=S256`
  }
}

/** RFC 7636 §4.2. The one in oauth4webapi takes a hop to the thread pool. */
function codeChallenge(codeVerifier: string): string {
  return hash('sha256', codeVerifier, 'base64url')
}
