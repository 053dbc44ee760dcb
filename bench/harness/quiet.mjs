// The machine may have other work. A sample during which others used the processor is thrown away and taken again, a bounded
// number of times. Needs Linux's /proc; elsewhere nothing is thrown away.
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** USER_HZ is 100 on every Linux that Node runs on. */
const TICK = 10
/** How much of a core others may use during a sample. */
const SHARE = 0.04
/** What a short sample may always lose to others, in ms: three ticks, for that is how exactly Linux counts. */
const GRAIN = 30
const RETRIES = 5
const CALM_WITHIN = 30_000

export const canListen = existsSync('/proc/stat')

/** Processor time of one process in ms; where it is ours, with that of all its children that have ended. */
function timeOf (pid, withChildren) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number)
  const [user, system, childUser, childSystem] = fields.slice(11, 15)
  return TICK * (user + system + (withChildren ? childUser + childSystem : 0))
}

/** Processor time that everybody else has used, and that was stolen from this machine, in ms. */
function timeOfOthers (helpers) {
  const [user, nice, system, , , , , steal] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].split(/\s+/).slice(1).map(Number)
  const ours = helpers.reduce((sum, { pid }) => sum + timeOf(pid, false), timeOf(process.pid, true))
  return TICK * (user + nice + system + steal) - ours
}

/**
 * Returns a function that takes samples on a quiet machine.
 * @param helpers processes of ours that live on between the samples
 * @param until when to stop waiting and taking samples again, by performance.now()
 */
export function listen ({ helpers, until, log }) {
  async function watch (work) {
    const [before, startedAt] = [timeOfOthers(helpers), performance.now()]
    const value = await work()
    const others = Math.max(0, timeOfOthers(helpers) - before)
    return { value, others, share: others / (performance.now() - startedAt) }
  }

  async function untilCalm () {
    const end = Math.min(performance.now() + CALM_WITHIN, until)
    while (performance.now() < end) {
      const { others } = await watch(() => sleep(500))
      if (others <= GRAIN) return
    }
  }

  /** `work` has to end every process that it starts. */
  return async function sample (label, work) {
    if (!canListen) return { ...await work(), tries: 1, others: NaN, disturbed: false }
    let calmest = null
    for (let tries = 1; ; tries += 1) {
      await untilCalm()
      const { value, others, share } = await watch(work)
      if (calmest === null || share < calmest.others) calmest = { ...value, others: share }
      const quiet = share <= SHARE || others <= GRAIN
      if (quiet || tries > RETRIES || performance.now() >= until) return { ...calmest, tries, disturbed: !quiet }
      log(`${label}: others used ${Math.round(100 * share)} % of a core, once more`)
    }
  }
}
