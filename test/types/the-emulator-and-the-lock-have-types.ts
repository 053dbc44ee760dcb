import type { LeAuthOptions } from 'fastify-le-auth'
import { startSentinelEmulator, type SentinelEmulator } from 'fastify-le-auth/emulator'
import { redisLock } from 'fastify-le-auth/redis-lock'

export const lock = redisLock({ call: async (_command: string) => 'OK' })
export const options: LeAuthOptions = { accountId: '12345678', idleLifetime: 60_000, lock }
export const start = (): Promise<SentinelEmulator> => startSentinelEmulator({ port: 0 })
