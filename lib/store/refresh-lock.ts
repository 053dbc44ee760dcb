/**
 * Lets one process at a time refresh a token set, so that no refresh token is ever used twice; and use a login's state, which
 * works once. A ready one is in `fastify-le-auth/redis-refresh-lock`.
 */
export interface RefreshLock {
  /**
   * Waits until no other process holds the lock of this id, and takes it. It must stay taken until it is released, however
   * long that is, and must end by itself with the process: a lease that is renewed.
   *
   * Rejects when the lock cannot be had in time: a refresh is then tried again later, and nobody is logged out.
   *
   * @param id a key of the plugin's own, such as the id of a token set; about 60 plain characters
   */
  acquire: (id: string) => Promise<HeldRefreshLock>
}

/** A lock that this process holds. */
export interface HeldRefreshLock {
  /** Lets the next one have it. A failure does no harm but a wait for the lease's end. */
  release: () => Promise<void>
}

/**
 * Does something while this process holds the lock of an id.
 *
 * @param lock where there is none, nothing is held
 * @param unavailable what to throw when it cannot be had; a lock's own message may hold its address and password
 */
export async function holding<Result> (lock: RefreshLock | undefined, id: string, unavailable: () => Error, work: () => Promise<Result>): Promise<Result> {
  if (lock === undefined) return work()
  const held = await acquire(lock, id, unavailable)
  try {
    return await work()
  } finally {
    await giveBack(held)
  }
}

async function acquire (lock: RefreshLock, id: string, unavailable: () => Error): Promise<HeldRefreshLock> {
  try {
    return await lock.acquire(id)
  } catch {
    throw unavailable()
  }
}

async function giveBack (held: HeldRefreshLock): Promise<void> {
  try {
    await held.release()
  } catch {
    // The lease ends by itself, and what was done is done.
  }
}
