import Fastify from 'fastify'
import leAuth, { type LeAuthOptions } from '../../../lib/index.ts'

// An app that reports its memory, set up as a developer would; measured.ts starts it in another
// process.

/** What the process holds after garbage collection. */
export interface Measured {
  /** In bytes. */
  heap: number
  /** The most memory of the process since the last measurement, in bytes. */
  peak: number
  /** Open connections, in both directions. */
  sockets: number
  /** Records in the plugin's own session store. */
  records: number
}

const app = Fastify({ logger: { level: 'warn' } })
await app.register(leAuth, JSON.parse(process.argv[2]!) as LeAuthOptions)
app.get('/', async ({ leAuth }) => (leAuth ? `hello ${leAuth.user.id}` : 'hello stranger'))
app.get('/me', { onRequest: app.requireAuth }, async ({ leAuth }) => leAuth!.user)
let store: { size: number } | undefined
app.addHook('onRequest', async request => {
  store ??= request.sessionStore as unknown as { size: number }
})

let peak = 0
const notePeak = (): void => {
  peak = Math.max(peak, process.memoryUsage.rss())
}
setInterval(notePeak, 5).unref()

process.on('message', () => {
  notePeak()
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
// The test has ended.
process.once('disconnect', () => process.exit(2))

process.send!({ address: await app.listen({ host: '127.0.0.1', port: 0 }) })
