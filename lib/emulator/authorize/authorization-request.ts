/** A checked authorization request: its account, application and redirect URI are valid. */
export interface AuthorizationRequest {
  readonly accountId: string
  readonly clientId: string
  readonly redirectUri: string
  /** If `redirect_uri` was sent, the token request must send it too (RFC 6749 §4.1.3). */
  readonly redirectUriSent: boolean
  readonly state: string | undefined
  readonly codeChallenge: string | undefined
}
