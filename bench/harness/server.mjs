import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SERVER_CORE } from './cores.mjs'
import { answers, untilReady } from './http.mjs'
import { INSTALLED } from './install.mjs'
import { start, stop } from './processes.mjs'

const PROBE = fileURLToPath(new URL('./probe.mjs', import.meta.url))
const ANSWERS_WITHIN = 60_000

/**
 * Runs `work` with a new server of one contestant, which is ended whatever happens.
 * @param world addresses that all contestants are given: `url`, `port`, `idp`, `redis`
 * @param options `env` besides the contestant's own; `gc` to look at memory; `probe: false` for no preloading at all
 */
export async function withServer (world, contestant, work, { env = {}, gc = false, probe = true } = {}) {
  const startedAt = performance.now()
  const args = [...(gc ? ['--expose-gc'] : []), ...(probe ? ['--import', PROBE] : []), contestant.script]
  const child = start(SERVER_CORE, process.execPath, args, { cwd: INSTALLED, ipc: probe, env: { ...envOf(world), ...contestant.env, ...env } })
  try {
    await untilReady(child, () => answers(`${world.url}/public`))
    return await work({ url: world.url, readyAfter: performance.now() - startedAt, ask: question => ask(child, question) })
  } catch (error) {
    throw new Error(`${contestant.name}: ${error.message} ${child.errors}`.trim(), { cause: error })
  } finally {
    await stop(child)
  }
}

function envOf ({ port, idp, redis }) {
  return { PORT: String(port), IDP: idp, REDIS: redis ?? '' }
}

/** Asks the probe in the server; see probe.mjs. */
async function ask (child, question) {
  child.send(question)
  const [{ answer }] = await once(child, 'message', { signal: AbortSignal.timeout(ANSWERS_WITHIN) })
  return answer
}
