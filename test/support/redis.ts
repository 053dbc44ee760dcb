import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import type { Test } from 'tap'
import { freePort } from './ports.js'

const STARTS_WITHIN = 10_000

/** A Redis of the test's own. */
export interface RedisServer {
  url: string
  port: number
  /** A client of the package `redis`, as the README makes it, that ends with the test. */
  client: () => Promise<RedisClient>
  stop: () => Promise<void>
  /** Starts it again at the same port; what a durable one knew, it still knows. */
  start: () => Promise<void>
  /** Lets it be silent on connections that stay open, until it is told to go on. */
  freeze: () => void
  goOn: () => void
}

export type RedisClient = Awaited<ReturnType<typeof connectedClient>>

/**
 * Starts a Redis on 127.0.0.1 in a folder of its own, and ends it with the test.
 *
 * @param durable whether it still knows everything after it was stopped
 * @returns `null` where there is no redis-server; the test is marked as skipped then, and must end
 * @throws where there is no redis-server in CI, so that these tests cannot be lost without a word
 */
export async function startRedis (t: Test, { durable = false } = {}): Promise<RedisServer | null> {
  if (spawnSync('redis-server', ['--version']).error !== undefined) {
    if (process.env['CI']) throw new Error('no redis-server in PATH: install it')
    t.plan(0, 'no redis-server in PATH')
    return null
  }
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'fastify-le-auth-redis-'))
  const persistence = durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no']
  let server: ChildProcess | null = null

  async function start (): Promise<void> {
    server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...persistence], { stdio: 'ignore' })
    endWithProcess(server, folder)
    await answering(server, port)
  }

  async function stop (): Promise<void> {
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
  const signal = (name: NodeJS.Signals) => (): void => { server!.kill(name) }
  return { url, port, start, stop, freeze: signal('SIGSTOP'), goOn: signal('SIGCONT'), client: () => connectedClient(t, url) }
}

/** A test that crashes never tears down. */
function endWithProcess (server: ChildProcess, folder: string): void {
  const end = (): void => {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', end)
  server.once('exit', () => process.removeListener('exit', end))
}

async function answering (server: ChildProcess, port: number): Promise<void> {
  const end = Date.now() + STARTS_WITHIN
  while (!await pong(port)) {
    if (server.exitCode !== null || Date.now() > end) throw new Error('redis-server did not start')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Whether Redis answers, and not only listens: it does so before it has read what it knew. */
function pong (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 1000 })
    const done = (answers: boolean): void => { socket.destroy(); resolve(answers) }
    socket.once('connect', () => socket.write('PING\r\n'))
    socket.once('data', data => done(String(data).startsWith('+PONG')))
    socket.once('timeout', () => done(false))
    socket.once('error', () => done(false))
  })
}

async function connectedClient (t: Test, url: string) {
  const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: 50 } })
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => { if (client.isOpen) client.destroy() })
  return client
}

/** All that a Redis holds: the values of all keys, by key. */
export async function everything (client: RedisClient): Promise<Map<string, string>> {
  const keys = await client.keys('*')
  return new Map(await Promise.all(keys.map(async key => [key, String(await client.get(key))] as const)))
}
