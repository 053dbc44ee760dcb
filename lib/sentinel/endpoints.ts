import type { AuthorizationServer } from 'oauth4webapi'

/** Sentinel's API versions (`v`) for the two kinds of endpoint. */
export interface ApiVersions {
  authorize: string
  token: string
}

/** Sentinel for one account, as oauth4webapi describes an authorization server. */
export interface Sentinel extends AuthorizationServer {
  authorization_endpoint: string
  token_endpoint: string
  revocation_endpoint: string
  /** Sentinel's public keys. */
  jwks_uri: string
}

/**
 * Sentinel deviates: it publishes no metadata (RFC 8414), so its endpoints are written here.
 *
 * @param origin where the account's Sentinel is
 */
export function sentinelEndpoints(
  origin: string,
  accountId: string,
  version: ApiVersions
): Sentinel {
  const base = `${origin}/sentinel/api/account/${encodeURIComponent(accountId)}`
  return {
    issuer: 'sentinel',
    authorization_endpoint: `${base}/authorize?v=${version.authorize}`,
    token_endpoint: `${base}/token?v=${version.token}`,
    // Only one version is documented. One page prints `?v1.0`, which is a slip.
    revocation_endpoint: `${base}/token/revoke?v=1.0`,
    // Sentinel deviates: no dot before "well-known" (RFC 8615 §3).
    jwks_uri: `${origin}/sentinel/well-known/jwks`
  }
}
