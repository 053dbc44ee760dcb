/** What `request.leAuth.getAccessToken` takes. */
export interface AccessTokenOptions {
  /**
   * How long the token should live at least, in ms. A token that expires sooner is refreshed first.
   * It has no effect if Sentinel does not say when tokens expire. If Sentinel issues shorter ones,
   * you get a shorter one: check `expiresAt`.
   * @default 0
   */
  minLifetime?: number | undefined
}

/** @throws TypeError */
export function minLifetimeOf(options: AccessTokenOptions): number {
  if (Object.hasOwn(options, 'minTtl')) {
    throw new TypeError('getAccessToken: minTtl was renamed: use minLifetime')
  }
  const { minLifetime = 0 } = options
  if (Number.isFinite(minLifetime) && minLifetime >= 0) return minLifetime
  throw new TypeError('getAccessToken: minLifetime must be a time in ms: 0 or more')
}
