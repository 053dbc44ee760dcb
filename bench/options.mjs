import { parseArgs } from 'node:util'
import { contestants } from './contestants.mjs'
import { isInstalled } from './harness/cores.mjs'
import { measurements } from './measurements/index.mjs'

const FULL = {
  rounds: 5,
  starts: 9,
  warmUp: 2,
  seconds: 5,
  abandonedFirst: 2000,
  abandoned: 20_000,
  keptFirst: 1000,
  kept: 5000
}
const QUICK = {
  rounds: 1,
  starts: 1,
  warmUp: 1,
  seconds: 1,
  abandonedFirst: 200,
  abandoned: 1000,
  keptFirst: 200,
  kept: 500
}

export const USAGE = `npm run bench -- [options]
  --quick               short and with few rounds: to try it, not to report
  --measure NAME,…      ${measurements.map(({ name }) => name).join(' ')}
  --only NAME,…         ${contestants.map(({ name }) => name).join(' ')}
                        baselines that a ratio needs run as well
  --rounds N            instead of ${FULL.rounds}
  --max-minutes N       after that no sample is repeated, even if the machine is busy; default 60
  --help`

/** The options of the command line. @throws if it names something unknown */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      measure: { type: 'string' },
      only: { type: 'string' },
      rounds: { type: 'string' },
      'max-minutes': { type: 'string', default: '60' },
      help: { type: 'boolean', default: false }
    }
  })
  const settings = values.quick ? QUICK : FULL
  return {
    help: values.help,
    quick: values.quick,
    settings: values.rounds ? { ...settings, rounds: positive(values.rounds) } : settings,
    maxMinutes: positive(values['max-minutes']),
    measurements: named(measurements, values.measure),
    chosen: named(available(), values.only)
  }
}

/** All contestants that can run here. */
export function available() {
  const hasRedis = isInstalled('redis-server')
  return contestants.filter(({ redis }) => hasRedis || !redis)
}

function named(all, names) {
  if (names === undefined) return all
  return names.split(',').map(wanted => {
    const found = all.find(({ name }) => name === wanted)
    if (!found) {
      throw new Error(
        `Unknown name ${wanted}. Use one of: ${all.map(({ name }) => name).join(' ')}`
      )
    }
    return found
  })
}

function positive(text) {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1) {
    throw new Error(`${text} must be a whole number above 0`)
  }
  return number
}
