import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import type { Test } from 'tap'
import { freePort } from './servers.ts'

const STARTS_WITHIN = 10_000

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
 * @param durable whether it still has its records after it was stopped
 * @returns `null` if there is no redis-server; the test is then marked as skipped, and must end
 * @throws if there is no redis-server in CI, so that these tests cannot be skipped silently there
 */
export async function startRedis(t: Test, { durable = false } = {}): Promise<RedisServer | null> {
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
    server = spawn('redis-server', [...place, '--save', '', ...persistence], { stdio: 'ignore' })
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
