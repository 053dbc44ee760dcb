/**
 * Lets only one process at a time refresh the tokens of a login, so that no refresh token is used
 * twice. Also lets only one process use a state, because a state works once.
 * `fastify-le-auth/redis-lock` has a ready-made lock.
 */
export interface Lock {
  /**
   * Waits until no other process holds the lock of this id, and takes it. The lock must last until
   * it is released, however long that takes. If the process dies, the lock must end by itself. Use
   * a lease that is renewed.
   *
   * Rejects if the lock is not free in time. The plugin then tries the refresh again later, and
   * logs nobody out.
   *
   * @param id a key of the plugin's own: about 60 plain characters
   */
  acquire: (id: string) => Promise<HeldLock>
}

/** A lock that this process holds. */
export interface HeldLock {
  /**
   * Gives the lock back. If it fails, others wait until the lease ends, and nothing else happens.
   */
  release: () => Promise<void>
}

/**
 * Does something while this process holds the lock of an id.
 *
 * @param lock if there is none, nothing is held
 * @param unavailable the error to throw if the lock is not free in time; a lock's own message may
 * hold its address and password
 */
export async function holding<Result>(
  lock: Lock | undefined,
  id: string,
  unavailable: () => Error,
  work: () => Promise<Result>
): Promise<Result> {
  if (lock === undefined) return work()
  const held = await acquire(lock, id, unavailable)
  try {
    return await work()
  } finally {
    await release(held)
  }
}

async function acquire(lock: Lock, id: string, unavailable: () => Error): Promise<HeldLock> {
  try {
    return await lock.acquire(id)
  } catch {
    throw unavailable()
  }
}

async function release(held: HeldLock): Promise<void> {
  try {
    await held.release()
  } catch {
    // The work is done, and the lease ends by itself.
  }
}
