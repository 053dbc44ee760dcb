// Other programs may use the machine. If they used the processor during a sample, the sample is
// discarded and repeated, a limited number of times. This needs Linux's /proc; on other systems no
// sample is discarded.
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** USER_HZ is 100 on every Linux that Node runs on. */
const TICK = 10
/** How much of a core other programs may use during a sample. */
const MAX_SHARE = 0.04
/** Always allowed, in ms. Linux counts in ticks, so three ticks may be an error of measurement. */
const ALWAYS_ALLOWED = 30
const RETRIES = 5
/** How long to wait for a quiet machine before a sample, in ms. */
const QUIET_WITHIN = 30_000

const canWatch = existsSync('/proc/stat')

/** Processor time of a process in ms, with `withChildren` also of its children that have ended. */
function timeOf(pid, withChildren) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [user, system, childUser, childSystem] = fields.slice(11, 15)
  return TICK * (user + system + (withChildren ? childUser + childSystem : 0))
}

/** Processor time that other programs used or that was stolen from this machine, in ms. */
function timeOfOthers(helpers) {
  const [user, nice, system, , , , , steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]
    .split(/\s+/)
    .slice(1)
    .map(Number)
  const ours = helpers.reduce((sum, { pid }) => sum + timeOf(pid, false), timeOf(process.pid, true))
  return TICK * (user + nice + system + steal) - ours
}

/**
 * Returns a function that takes samples on a quiet machine.
 *
 * @param helpers processes of the benchmark that keep running between samples
 * @param until from then on, by performance.now(), nothing is waited for or repeated
 */
export function createSampler({ helpers, until, log }) {
  async function watch(work) {
    const [before, startedAt] = [timeOfOthers(helpers), performance.now()]
    const value = await work()
    const others = Math.max(0, timeOfOthers(helpers) - before)
    return { value, others, share: others / (performance.now() - startedAt) }
  }

  async function untilQuiet() {
    const end = Math.min(performance.now() + QUIET_WITHIN, until)
    while (performance.now() < end) {
      const { others } = await watch(() => sleep(500))
      if (others <= ALWAYS_ALLOWED) return
    }
  }

  /** `work` must end every process that it starts. */
  return async function sample(label, work) {
    if (!canWatch) return { ...(await work()), tries: 1, others: NaN, disturbed: false }
    let quietest = null
    for (let tries = 1; ; tries += 1) {
      await untilQuiet()
      const { value, others, share } = await watch(work)
      if (quietest === null || share < quietest.others) quietest = { ...value, others: share }
      const isQuiet = share <= MAX_SHARE || others <= ALWAYS_ALLOWED
      if (isQuiet || tries > RETRIES || performance.now() >= until) {
        return { ...quietest, tries, disturbed: !isQuiet }
      }
      log(`${label}: other programs used ${Math.round(100 * share)} % of a core, repeating`)
    }
  }
}
