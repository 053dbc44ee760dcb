import Fastify, { type FastifyInstance } from 'fastify'
import { serveParent } from '../support/serve-parent.js'
import { bareRoute } from './protected/bare-route.js'
import { pluginRoute } from './protected/plugin-route.js'
import { sessionRoute } from './protected/session-route.js'

/** What the parent may ask of a server besides the time it has used. */
export type Answers = Record<string, () => unknown>

/** The measured ways to answer GET /me; GET /log-in brings the cookie for it. */
const ROUTES: Record<string, (app: FastifyInstance) => Promise<Answers>> = { bare: bareRoute, session: sessionRoute, plugin: pluginRoute }

const app = Fastify()
const answers = await ROUTES[process.argv[2]!]!(app)
await serveParent(app, {
  ...answers,
  /** Processor time of this process, in µs. */
  time: () => {
    const { user, system } = process.cpuUsage()
    return { used: user + system }
  },
  heap: () => {
    globalThis.gc!()
    globalThis.gc!()
    return { used: process.memoryUsage().heapUsed }
  }
})
