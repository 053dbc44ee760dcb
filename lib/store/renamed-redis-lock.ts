import { leAuthError } from '../errors.ts'

/**
 * The former name of `redisLock`.
 *
 * @deprecated use `redisLock` of `fastify-le-auth/redis-lock`
 * @throws LE_AUTH_OPTIONS_INVALID
 */
export function redisRefreshLock(..._arguments: unknown[]): never {
  throw leAuthError('LE_AUTH_OPTIONS_INVALID', {
    problem: '\n- redisRefreshLock was renamed: use redisLock of fastify-le-auth/redis-lock'
  })
}
