import { cookiesFrom, connect, send } from './support/load.js'
import { startServer, type ServerProcess } from './support/server-process.js'
import { format, median, summary } from './support/statistics.js'
import { printMachine, printTable } from './support/table.js'

interface Memory {
  /** Bytes of the heap, and beside it in typed arrays. */
  held: number
  rss: number
  records: number
}

/** What one process was seen to hold, for each login. */
interface Cost {
  held: number
  rss: number
  /** Bytes and records that are left when all logins have expired. */
  leftHeld: number
  leftRecords: number
}

const NAMES = { plugin: 'fastify-le-auth', session: '@fastify/session, tokens in it', plain: 'plain objects in a Map' }
type Keeper = keyof typeof NAMES
const KEEPERS = Object.keys(NAMES) as Keeper[]

/** How many logins, in how many processes; bytes differ little from process to process. */
const SIZES = [{ logins: 10_000, rounds: 3 }, { logins: 50_000, rounds: 1 }]
/** Compiles the code and fills the caches, before anything is counted. */
const WARM_UP = 1000
const UNFINISHED = 20_000
const BOUND = 10_000
const DEFAULT_BOUND = 100_000
/** For one series of requests, in ms. */
const SERIES_WITHIN = 100_000

/** Runs one measurement in a new process. */
async function within<Result> (keeper: Keeper, maxSessions: number, measure: (server: ServerProcess) => Promise<Result>): Promise<Result> {
  const server = await startServer('memory.ts', [keeper, String(maxSessions)])
  try {
    return await measure(server)
  } finally {
    await server.stop()
  }
}

async function memoryAfter (server: ServerProcess, path: string, requests: number, status = 200): Promise<Memory> {
  const pool = connect(server.url)
  await send(pool, { path, requests, status, until: Date.now() + SERIES_WITHIN })
  // Open connections have buffers of their own.
  await pool.close()
  return server.ask<Memory>('memory')
}

/** What is measured must be logins that work. */
async function expectToken (server: ServerProcess): Promise<void> {
  const pool = connect(server.url)
  const cookie = await cookiesFrom(pool, '/log-in')
  const answer = await pool.request({ method: 'GET', path: '/token', headers: { cookie } })
  const text = await answer.body.text()
  await pool.close()
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Error(`no token: ${answer.statusCode}`)
}

/** What a login costs, and what is left of it. */
function costOf (keeper: Keeper, logins: number): Promise<Cost> {
  return within(keeper, 2 * (logins + WARM_UP + 1), async server => {
    await expectToken(server)
    const before = await memoryAfter(server, '/log-in', WARM_UP)
    const after = await memoryAfter(server, '/log-in', logins)
    await server.ask('expire')
    const expired = await server.ask<Memory>('memory')
    return {
      held: (after.held - before.held) / logins,
      rss: (after.rss - before.rss) / logins,
      leftHeld: (expired.held - before.held) / logins,
      leftRecords: expired.records
    }
  })
}

/** What a login leaves that was begun and never finished. */
function costOfBeginning (keeper: Keeper): Promise<{ records: number, held: number }> {
  return within(keeper, DEFAULT_BOUND, async server => {
    const before = await memoryAfter(server, '/login', WARM_UP, 302)
    const after = await memoryAfter(server, '/login', UNFINISHED, 302)
    return { records: after.records - before.records, held: (after.held - before.held) / UNFINISHED }
  })
}

/** A store that is full, and the same store when three times as much was put into it. */
function overfill (): Promise<[Memory, Memory]> {
  return within('plugin', BOUND, async server =>
    [await memoryAfter(server, '/log-in', BOUND / 2), await memoryAfter(server, '/log-in', BOUND)])
}

/** What the store holds with hardly a login in it. */
function emptyStore (bound: number): Promise<number> {
  return within('plugin', bound, async server => (await memoryAfter(server, '/log-in', WARM_UP)).held)
}

printMachine()

for (const { logins, rounds } of SIZES) {
  const costs = Object.fromEntries(KEEPERS.map(keeper => [keeper, [] as Cost[]])) as Record<Keeper, Cost[]>
  for (let round = 0; round < rounds; round += 1) {
    for (const keeper of KEEPERS) costs[keeper].push(await costOf(keeper, logins))
  }
  const baseline = median(costs.session.map(({ held }) => held))
  printTable(`${format(logins)} logins, ${rounds} processes each: bytes for each login, and what is left when all have expired`, [
    ['', 'held', 'ratio', 'RSS', 'left: bytes', 'left: records'],
    ...KEEPERS.map(keeper => [
      NAMES[keeper],
      summary(costs[keeper].map(({ held }) => held)),
      format(median(costs[keeper].map(({ held }) => held)) / baseline, 2),
      summary(costs[keeper].map(({ rss }) => rss)),
      keeper === 'plain' ? '–' : summary(costs[keeper].map(({ leftHeld }) => leftHeld)),
      keeper === 'plain' ? '–' : summary(costs[keeper].map(({ leftRecords }) => leftRecords))
    ])
  ])
}

const begun = { plugin: await costOfBeginning('plugin'), session: await costOfBeginning('session') }
printTable(`${format(UNFINISHED)} logins that were begun and never finished`, [
  ['', 'records', 'bytes for each'],
  ...Object.entries(begun).map(([keeper, { records, held }]) => [NAMES[keeper as Keeper], format(records), format(held)])
])

const [full, overfull] = await overfill()
printTable(`A store of ${format(BOUND)} records (${format(BOUND / 2)} logins)`, [
  ['', 'records', 'MB held by the process'],
  ['full', format(full.records), format(full.held / 1e6, 1)],
  ['after three times as many', format(overfull.records), format(overfull.held / 1e6, 1)]
])
const index = await emptyStore(DEFAULT_BOUND) - await emptyStore(2 * WARM_UP)
console.log(`\nThe index of a store of ${format(DEFAULT_BOUND)} records, filled or not: ${format(index / 1e6, 1)} MB`)
