// The services that the server under test uses: the identity service and, if needed, Redis.
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { LOAD_CORE } from './cores.mjs'
import { acceptsConnections, freePort, responds, untilReady } from './http.mjs'
import { start, stop } from './processes.mjs'

const IDP = fileURLToPath(new URL('../idp/server.mjs', import.meta.url))

/** Runs `work` with the services' addresses and the server's. The services are always ended. */
export async function withServices({ redis: needsRedis }, work) {
  const helpers = []
  try {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const idp = await startIdp(helpers, url)
    const redis = needsRedis ? await startRedis(helpers) : null
    return await work({ url, port, idp, redis, helpers })
  } finally {
    for (const child of helpers) await stop(child)
  }
}

async function startIdp(helpers, server) {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = start(LOAD_CORE, process.execPath, [IDP], {
    env: { PORT: String(port), CALLBACK: `${server}/callback` }
  })
  helpers.push(child)
  await untilReady(child, () => responds(`${url}/last-user`))
  return url
}

async function startRedis(helpers) {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = start(LOAD_CORE, 'redis-server', args, { cwd: tmpdir() })
  helpers.push(child)
  await untilReady(child, () => acceptsConnections(port))
  return `redis://127.0.0.1:${port}`
}
