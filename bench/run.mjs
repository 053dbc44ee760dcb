// npm run bench: compares the contestants on this machine and prints tables. See README.md.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { check } from './harness/check.mjs'
import { LOAD_CORE, moveThisProcess, pinned } from './harness/cores.mjs'
import { install } from './harness/install.mjs'
import { generator } from './harness/load.mjs'
import { createSampler } from './harness/quiet.mjs'
import { inRounds } from './harness/rounds.mjs'
import { withServer } from './harness/server.mjs'
import { withServices } from './harness/services.mjs'
import { USAGE, available, readOptions } from './options.mjs'
import { report } from './report.mjs'

const RESULTS = fileURLToPath(new URL('./results', import.meta.url))
const startedAt = new Date().toISOString()
const log = text => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`)

const options = readOptions(process.argv.slice(2))
if (options.help) console.log(USAGE)
else await main()

async function main() {
  const contestants = withBaselines()
  await install(log)
  moveThisProcess(LOAD_CORE)
  await withServices({ redis: contestants.some(({ redis }) => redis) }, async services => {
    for (const contestant of contestants) await checkOne(services, contestant)
    const sample = createSampler({
      helpers: services.helpers,
      until: performance.now() + minutesForRetries() * 60_000,
      log
    })
    const results = []
    for (const measurement of options.measurements) {
      results.push({ measurement, samples: await take(services, measurement, contestants, sample) })
      write(contestants, results)
    }
    console.log(reportOf(contestants, results))
  })
}

/** The chosen contestants and the baselines that their ratios need, in the order of the list. */
function withBaselines() {
  const { chosen, measurements } = options
  const onRedis = chosen.some(({ redis }) => redis)
  const baselines = new Set(measurements.flatMap(measurement => measurement.baselines))
  return available().filter(
    contestant =>
      chosen.includes(contestant) ||
      (baselines.has(contestant.name) && (onRedis || !contestant.redis))
  )
}

/** A quick run repeats nothing. */
function minutesForRetries() {
  return options.quick ? 0 : options.maxMinutes
}

function isWanted({ baselines }, contestant) {
  return options.chosen.includes(contestant) || baselines.includes(contestant.name)
}

async function checkOne(services, contestant) {
  log(`check ${contestant.name}`)
  await withServer(services, contestant, () => check(contestant, services))
}

function take(services, measurement, contestants, sample) {
  const { name, appliesTo = () => true, rounds, timed = true } = measurement
  const once = contestant => {
    log(`${name} ${contestant.name}`)
    const work = () =>
      withServer(
        services,
        contestant,
        server => measurement.sample(contestant, server, options.settings),
        measurement.server
      )
    return timed ? sample(`${name} ${contestant.name}`, work) : work()
  }
  const measured = contestants.filter(
    contestant => appliesTo(contestant) && isWanted(measurement, contestant)
  )
  return inRounds(rounds(options.settings), measured, once, log)
}

function reportOf(contestants, results) {
  const lost = results.flatMap(({ measurement, samples }) =>
    Object.values(samples)
      .flat()
      .filter(({ error }) => error)
      .map(({ error }) => `${measurement.name}: ${error.split('\n', 1)[0]}`)
  )
  return report({
    machine: machine(),
    quick: options.quick,
    settings: options.settings,
    contestants,
    results,
    lost
  })
}

function machine() {
  const cores = pinned
    ? 'server and load on separate cores'
    : 'server and load NOT on separate cores'
  return `${startedAt.slice(0, 10)}, Node.js ${process.version}, ${cpus()[0].model}, ${cpus().length} cores, ${cores}, load by ${generator}.`
}

/** Called after each measurement, so that an interrupted run keeps its results. */
function write(contestants, results) {
  mkdirSync(RESULTS, { recursive: true })
  const file = `${RESULTS}/${startedAt.replace(/[:.]/g, '-')}`
  const samples = Object.fromEntries(
    results.map(({ measurement, samples }) => [measurement.name, samples])
  )
  writeFileSync(
    `${file}.json`,
    JSON.stringify(
      { machine: machine(), quick: options.quick, settings: options.settings, samples },
      null,
      1
    )
  )
  writeFileSync(`${file}.md`, reportOf(contestants, results))
}
