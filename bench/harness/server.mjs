import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SERVER_CORE } from './cores.mjs'
import { responds, untilReady } from './http.mjs'
import { INSTALLED } from './install.mjs'
import { start, stop } from './processes.mjs'

const PROBE = fileURLToPath(new URL('./probe.mjs', import.meta.url))
const PROBE_TIMEOUT = 60_000

/**
 * Runs `work` with a new server of one contestant. The server is always ended.
 *
 * @param services addresses for all contestants: `url`, `port`, `idp`, `redis`
 * @param options `env` besides the contestant's own; `gc` to read the memory; `probe: false` to
 * preload nothing
 */
export async function withServer(
  services,
  contestant,
  work,
  { env = {}, gc = false, probe = true } = {}
) {
  const startedAt = performance.now()
  const args = [
    ...(gc ? ['--expose-gc'] : []),
    ...(probe ? ['--import', PROBE] : []),
    contestant.script
  ]
  const child = start(SERVER_CORE, process.execPath, args, {
    cwd: INSTALLED,
    ipc: probe,
    env: { ...envOf(services), ...contestant.env, ...env }
  })
  try {
    await untilReady(child, () => responds(`${services.url}/public`))
    return await work({
      url: services.url,
      readyAfter: performance.now() - startedAt,
      read: name => readFigure(child, name)
    })
  } catch (error) {
    throw new Error(`${contestant.name}: ${error.message} ${child.errors}`.trim(), { cause: error })
  } finally {
    await stop(child)
  }
}

function envOf({ port, idp, redis }) {
  return { PORT: String(port), IDP: idp, REDIS: redis ?? '' }
}

/** Reads a figure from the probe in the server, see probe.mjs. */
async function readFigure(child, name) {
  child.send(name)
  const [{ figure }] = await once(child, 'message', { signal: AbortSignal.timeout(PROBE_TIMEOUT) })
  return figure
}
