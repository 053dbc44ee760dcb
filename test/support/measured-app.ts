import Fastify from 'fastify'
import leAuth, { type LeAuthOptions } from '../../lib/index.js'

// An app in a process of its own, as a user would set it up, that tells what it holds; measured.ts starts it.

/** What the process holds when its garbage is gone. */
export interface Measured {
  /** In bytes. */
  heap: number
  /** The most memory that the process has had since it was last asked, in bytes. */
  peak: number
  /** Connections of either direction, apart from the one that listens. */
  sockets: number
  /** Records in the plugin's own session store. */
  records: number
}

const app = Fastify({ logger: { level: 'warn' } })
await app.register(leAuth, JSON.parse(process.argv[2]!) as LeAuthOptions)
app.get('/', async request => !request.leAuth ? 'hello stranger' : `hello ${request.leAuth.user.id}`)
app.get('/me', { onRequest: app.requireAuth }, async ({ leAuth }) => leAuth!.user)
let store: { size: number } | undefined
app.addHook('onRequest', async request => { store ??= request.sessionStore as unknown as { size: number } })

let peak = 0
const look = (): void => { peak = Math.max(peak, process.memoryUsage.rss()) }
setInterval(look, 5).unref()

process.on('message', () => {
  look()
  const highest = peak
  for (let times = 0; times < 4; times += 1) globalThis.gc!()
  process.send!({
    heap: process.memoryUsage().heapUsed,
    peak: highest,
    sockets: process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length,
    records: store?.size ?? 0
  } satisfies Measured)
  peak = 0
})
// The test is gone.
process.once('disconnect', () => process.exit(2))

process.send!({ address: await app.listen({ host: '127.0.0.1', port: 0 }) })
