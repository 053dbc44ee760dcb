// npm run bench: measures the contestants against each other on this machine, and prints tables. See README.md.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { check } from './harness/check.mjs'
import { LOAD_CORE, moveSelf, pinned } from './harness/cores.mjs'
import { install } from './harness/install.mjs'
import { generator } from './harness/load.mjs'
import { listen } from './harness/quiet.mjs'
import { inRounds } from './harness/rounds.mjs'
import { withServer } from './harness/server.mjs'
import { withWorld } from './harness/world.mjs'
import { USAGE, available, readOptions } from './options.mjs'
import { report } from './report.mjs'

const RESULTS = fileURLToPath(new URL('./results', import.meta.url))
const startedAt = new Date().toISOString()
const log = text => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`)

const options = readOptions(process.argv.slice(2))
if (options.help) console.log(USAGE)
else await main()

async function main () {
  const contestants = withBaselines()
  await install(log)
  moveSelf(LOAD_CORE)
  await withWorld({ redis: contestants.some(({ redis }) => redis) }, async world => {
    for (const contestant of contestants) await checkOne(world, contestant)
    const sample = listen({ helpers: world.helpers, until: performance.now() + minutesForRetries() * 60_000, log })
    const results = []
    for (const measurement of options.measurements) {
      results.push({ measurement, samples: await take(world, measurement, contestants, sample) })
      write(contestants, results)
    }
    console.log(reportOf(contestants, results))
  })
}

/** Who was chosen, and the baselines that their ratios need, in the order of the list. */
function withBaselines () {
  const { chosen, measurements } = options
  const onRedis = chosen.some(({ redis }) => redis)
  const baselines = new Set(measurements.flatMap(measurement => measurement.baselines))
  return available().filter(contestant => chosen.includes(contestant) || (baselines.has(contestant.name) && (onRedis || !contestant.redis)))
}

/** A quick run waits for nobody. */
function minutesForRetries () {
  return options.quick ? 0 : options.maxMinutes
}

function isWanted ({ baselines }, contestant) {
  return options.chosen.includes(contestant) || baselines.includes(contestant.name)
}

async function checkOne (world, contestant) {
  log(`check ${contestant.name}`)
  await withServer(world, contestant, () => check(contestant, world))
}

function take (world, measurement, contestants, sample) {
  const { name, suits = () => true, rounds, timed = true } = measurement
  const once = contestant => {
    log(`${name} ${contestant.name}`)
    const work = () => withServer(world, contestant, server => measurement.sample(contestant, server, options.settings), measurement.server)
    return timed ? sample(`${name} ${contestant.name}`, work) : work()
  }
  const measured = contestants.filter(contestant => suits(contestant) && isWanted(measurement, contestant))
  return inRounds(rounds(options.settings), measured, once, log)
}

function reportOf (contestants, results) {
  const lost = results.flatMap(({ measurement, samples }) => Object.values(samples).flat().filter(({ error }) => error)
    .map(({ error }) => `${measurement.name}: ${error.split('\n', 1)[0]}`))
  return report({ machine: machine(), quick: options.quick, settings: options.settings, contestants, results, lost })
}

function machine () {
  const cores = pinned ? 'server and load on a core each' : 'server and load NOT on cores of their own'
  return `${startedAt.slice(0, 10)}, Node.js ${process.version}, ${cpus()[0].model}, ${cpus().length} cores, ${cores}, load by ${generator}.`
}

/** After each measurement, so that a run that is broken off has not been for nothing. */
function write (contestants, results) {
  mkdirSync(RESULTS, { recursive: true })
  const file = `${RESULTS}/${startedAt.replace(/[:.]/g, '-')}`
  const samples = Object.fromEntries(results.map(({ measurement, samples }) => [measurement.name, samples]))
  writeFileSync(`${file}.json`, JSON.stringify({ machine: machine(), quick: options.quick, settings: options.settings, samples }, null, 1))
  writeFileSync(`${file}.md`, reportOf(contestants, results))
}
