import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import type { Test } from 'tap'
import { freePort } from './servers.ts'
import { until } from './wait.ts'

const STARTS_WITHIN = 10_000

/** How to start a Redis server. */
interface RedisSettings {
  /** Whether it still has its records after it was stopped. */
  durable?: boolean
  /** More parameters of `redis-server`. */
  parameters?: string[]
}

/** A Redis server for one test. */
export interface RedisServer {
  url: string
  port: number
  /** Makes a client of the package `redis`, as the README does, that ends with the test. */
  client: () => Promise<RedisClient>
  stop: () => Promise<void>
  /** Starts it again on the same port; a durable one still has its records. */
  start: () => Promise<void>
  /** Makes it silent, with its connections open, until `goOn`. */
  freeze: () => void
  goOn: () => void
}

/** A client of the package `redis`. */
export type RedisClient = Awaited<ReturnType<typeof connectedClient>>

/**
 * Starts a Redis on 127.0.0.1 in a new folder, and ends it with the test.
 *
 * @returns `null` if there is no redis-server; the test is then marked as skipped, and must end
 * @throws if there is no redis-server in CI, so that these tests cannot be skipped silently there
 */
export async function startRedis(
  t: Test,
  { durable = false, parameters = [] }: RedisSettings = {}
): Promise<RedisServer | null> {
  if (spawnSync('redis-server', ['--version']).error !== undefined) {
    if (process.env['CI']) throw new Error('no redis-server in PATH: install it')
    t.plan(0, 'no redis-server in PATH')
    return null
  }
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'fastify-le-auth-redis-'))
  const persistence = ['--appendonly', durable ? 'yes' : 'no', '--appendfsync', 'always']
  let server: ChildProcess | null = null

  async function start(): Promise<void> {
    const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
    const all = [...place, '--save', '', ...persistence, ...parameters]
    server = spawn('redis-server', all, { stdio: 'ignore' })
    endWithProcess(server, folder)
    await answering(server, port)
  }

  async function stop(): Promise<void> {
    const stopped = server
    server = null
    if (stopped === null || stopped.exitCode !== null || stopped.signalCode !== null) return
    const exited = once(stopped, 'exit')
    stopped.kill('SIGCONT')
    stopped.kill('SIGTERM')
    await exited
  }

  t.teardown(async () => {
    await stop()
    rmSync(folder, { recursive: true, force: true })
  })
  await start()
  const url = `redis://127.0.0.1:${port}`
  const signal = (name: NodeJS.Signals) => (): void => {
    server!.kill(name)
  }
  const client = (): Promise<RedisClient> => connectedClient(t, url)
  return { url, port, start, stop, freeze: signal('SIGSTOP'), goOn: signal('SIGCONT'), client }
}

/** Starts a cluster of one node, which has all slots; see {@link startRedis}. */
export async function startRedisCluster(t: Test): Promise<RedisServer | null> {
  const redis = await startRedis(t, {
    parameters: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1']
  })
  if (redis === null) return null
  const node = await redis.client()
  await node.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383'])
  await until(async () => String(await node.clusterInfo()).includes('cluster_state:ok'))
  return redis
}

/** The name of the Redis that {@link startRedisSentinel} watches. */
export const WATCHED = 'main'

/** Starts a sentinel that watches a Redis, ends it with the test, and returns its port. */
export async function startRedisSentinel(t: Test, redis: RedisServer): Promise<number> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'fastify-le-auth-sentinel-'))
  const file = join(folder, 'sentinel.conf')
  writeFileSync(
    file,
    `port ${port}\nbind 127.0.0.1\ndir ${folder}\n` +
      `sentinel monitor ${WATCHED} 127.0.0.1 ${redis.port} 1\n`
  )
  const sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' })
  endWithProcess(sentinel, folder)
  t.teardown(async () => {
    const exited = once(sentinel, 'exit')
    sentinel.kill('SIGTERM')
    await exited
    rmSync(folder, { recursive: true, force: true })
  })
  await answering(sentinel, port)
  return port
}

/** Ends a server with this process, for a test that crashes is never torn down. */
function endWithProcess(server: ChildProcess, folder: string): void {
  const end = (): void => {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', end)
  server.once('exit', () => process.removeListener('exit', end))
}

async function answering(server: ChildProcess, port: number): Promise<void> {
  const end = Date.now() + STARTS_WITHIN
  while (!(await pong(port))) {
    if (server.exitCode !== null || Date.now() > end) throw new Error('redis-server did not start')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Whether Redis responds, for it listens before it has read its records. */
function pong(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 1000 })
    const done = (responses: boolean): void => {
      socket.destroy()
      resolve(responses)
    }
    socket.once('connect', () => socket.write('PING\r\n'))
    socket.once('data', data => done(String(data).startsWith('+PONG')))
    socket.once('timeout', () => done(false))
    socket.once('error', () => done(false))
  })
}

async function connectedClient(t: Test, url: string) {
  const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: 50 } })
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => {
    if (client.isOpen) client.destroy()
  })
  return client
}

/** Everything that a Redis holds: all values, by key. */
export async function everything(client: RedisClient): Promise<Map<string, string>> {
  const keys = await client.keys('*')
  const entries = keys.map(async key => [key, String(await client.get(key))] as const)
  return new Map(await Promise.all(entries))
}
