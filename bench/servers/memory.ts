import { mock } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Fastify, { type FastifyInstance } from 'fastify'
import { serveParent } from '../support/serve-parent.js'
import { objectSessions } from './memory/object-sessions.js'
import { plainObjects } from './memory/plain-objects.js'
import { pluginSessions } from './memory/plugin-sessions.js'

/** What one of the measured ways to keep a session brings; each has GET /log-in, GET /login and GET /token. */
export interface SessionKeeper {
  /** How many records are kept. */
  records: () => number
}

const KEEPERS: Record<string, (app: FastifyInstance, maxSessions: number) => Promise<SessionKeeper>> = {
  plugin: pluginSessions,
  session: objectSessions,
  plain: plainObjects
}

/** Longer than any session lives, in ms. */
const AFTER_ALL_SESSIONS = 9 * 60 * 60 * 1000

// Time stands still until it is moved, for all keepers alike; so nothing expires while it is counted.
mock.timers.enable({ apis: ['Date', 'setInterval'], now: Date.now() })

const [name = '', maxSessions] = process.argv.slice(2)
const app = Fastify()
const keeper = await KEEPERS[name]!(app, Number(maxSessions))
await serveParent(app, {
  memory: async () => {
    for (let i = 0; i < 3; i += 1) {
      await nextTurn()
      globalThis.gc!()
    }
    const { heapUsed, external, rss } = process.memoryUsage()
    // lru-cache keeps its times in typed arrays, which the heap does not count.
    return { held: heapUsed + external, rss, records: keeper.records() }
  },
  expire: () => mock.timers.tick(AFTER_ALL_SESSIONS)
})
