/**
 * Lets one process at a time refresh a token set, so that no refresh token is ever used twice. A ready one is in
 * `fastify-le-auth/redis-refresh-lock`.
 */
export interface RefreshLock {
  /**
   * Waits until no other process holds the lock of this token set, and takes it. It must stay taken until it is released,
   * however long that is, and must end by itself with the process: a lease that is renewed.
   *
   * Rejects when the lock cannot be had in time: the refresh is then tried again later, and nobody is logged out.
   */
  acquire: (tokenSetId: string) => Promise<HeldRefreshLock>
}

/** A lock that this process holds. */
export interface HeldRefreshLock {
  /** Lets the next one have it. A failure does no harm but a wait for the lease's end. */
  release: () => Promise<void>
}
