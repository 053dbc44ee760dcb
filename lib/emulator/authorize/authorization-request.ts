/** A checked authorization request: its account, application and redirect URI are valid. */
export interface AuthorizationRequest {
  readonly accountId: string
  readonly clientId: string
  readonly redirectUri: string
  /** Whether the request sent `redirect_uri`. If so, the token request must too (RFC 6749 §4.1.3). */
  readonly redirectUriSent: boolean
  readonly state: string | undefined
  readonly codeChallenge: string | undefined
}
