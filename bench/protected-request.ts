import type { Pool } from 'undici'
import { connect, cookiesFrom, send } from './support/load.js'
import { startServer, type ServerProcess } from './support/server-process.js'
import { format, median, summary } from './support/statistics.js'
import { printMachine, printTable } from './support/table.js'

/** One way to answer, in a process of its own that lives as long as the measurement. */
interface Candidate {
  name: string
  server: ServerProcess
  pool: Pool
  cookie: string
  path: string
  /** One figure for each round. */
  perSecond: number[]
  /** Processor time of the server for one request, in µs. */
  time: number[]
  /** Bytes of heap before the first round, and requests since. */
  heapBefore: number
  requests: number
}

const ROUNDS = 9
/** How long one candidate is asked in one round, in ms. */
const TURN = 700
/** Compiles the code before anything is counted, in ms. */
const WARM_UP = 2500

async function start (name: string, kind: string, { path = '/me', question }: { path?: string, question?: string } = {}): Promise<Candidate> {
  const server = await startServer('protected.ts', [kind])
  const pool = connect(server.url)
  const cookie = await cookiesFrom(pool, '/log-in')
  await send(pool, { path, cookie, until: Date.now() + WARM_UP })
  if (question !== undefined) await server.ask(question)
  return { name, server, pool, cookie, path, perSecond: [], time: [], heapBefore: await used(server, 'heap'), requests: 0 }
}

async function used (server: ServerProcess, what: 'time' | 'heap'): Promise<number> {
  const answer = await server.ask<{ used: number }>(what)
  return answer.used
}

async function takeTurn (candidate: Candidate): Promise<void> {
  const { server, pool, cookie, path, perSecond, time } = candidate
  const before = await used(server, 'time')
  const startedAt = performance.now()
  const count = await send(pool, { path, cookie, until: Date.now() + TURN })
  const seconds = (performance.now() - startedAt) / 1000
  const after = await used(server, 'time')
  perSecond.push(count / seconds)
  time.push((after - before) / count)
  candidate.requests += count
}

function ratios (times: number[], baseline: number[]): string {
  return summary(times.map((time, round) => time / baseline[round]!), 2)
}

const candidates: Candidate[] = []
try {
  candidates.push(await start('bare Fastify route', 'bare'))
  candidates.push(await start('@fastify/session, one key read', 'session'))
  candidates.push(await start('fastify-le-auth, requireAuth', 'plugin'))
  candidates.push(await start('the same while a refresh hangs', 'plugin', { question: 'hang' }))
  candidates.push(await start('the same while Sentinel is down', 'plugin', { question: 'fail' }))
  candidates.push(await start('requireAuth and getAccessToken()', 'plugin', { path: '/with-token' }))
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const candidate of candidates) await takeTurn(candidate)
  }
  const kept = await Promise.all(candidates.map(async ({ server, heapBefore, requests }) => (await used(server, 'heap') - heapBefore) / requests))
  const [bare, session, plugin] = candidates as [Candidate, Candidate, Candidate]
  printMachine()
  printTable(`One protected request: median (least–greatest) of ${ROUNDS} rounds; ratios are of processor time, within each round; bytes kept are those of the heap for each request`, [
    ['', 'requests/s', 'µs of processor time', 'to bare', 'to @fastify/session', 'to requireAuth', 'bytes kept'],
    ...candidates.map(({ name, perSecond, time }, index) => [
      name, summary(perSecond), summary(time), ratios(time, bare.time), ratios(time, session.time), ratios(time, plugin.time), format(kept[index]!)
    ])
  ])
  for (const { name, server } of candidates.slice(3, 5)) {
    const { count } = await server.ask<{ count: number }>('refreshes')
    console.log(`\n${name}: ${format(count)} refresh requests reached Sentinel`)
  }
  console.log(`\n${format(median(plugin.time) - median(session.time), 1)} µs more than @fastify/session`)
} finally {
  await Promise.all(candidates.map(async ({ pool, server }) => {
    await pool.destroy()
    await server.stop()
  }))
}
