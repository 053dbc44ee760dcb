import { connect } from 'node:net'
import t from 'tap'
import { Pool } from 'undici'
import { attack } from '../support/attack/attack.ts'
import { SHORT_DEADLINE } from '../support/clock.ts'
import { respond, cutOff, type Fault, polite, startFaultProxy } from '../support/fault-proxy.ts'
import { ADMIN, AGENT, logIn } from '../support/login.ts'
import { flood, type MeasuredApp, startMeasuredApp } from '../support/processes/measured.ts'
import { until } from '../support/wait.ts'

const MB = 1024 * 1024
const proxy = await startFaultProxy(t)
const startedAt = Date.now()
let clockAhead = 0

attack(
  'DS8',
  'a thousand logins at once make one Domain API call, and so do a thousand that fail',
  'RFC 6819 §4.4.1.11',
  async (t, stage) => {
    proxy.standBefore(stage.sentinel)
    proxy.strike('domain', (...request) => {
      setTimeout(respond(503), 300, ...request)
    })
    // Each connection carries ten requests before its first response, so that all wait at once.
    const pool = new Pool(stage.server, { connections: 100, pipelining: 10 })
    t.teardown(() => pool.destroy())
    const login = async (): Promise<number> => {
      const { statusCode, body } = await pool.request({
        path: '/login',
        method: 'GET',
        blocking: false,
        headers: { host: 'localhost:3000' }
      })
      await body.dump()
      return statusCode
    }
    const statuses = new Set<number>()
    await flood(1000, 1000, async () => statuses.add(await login()))
    t.same([...statuses], [503])
    t.equal(proxy.calls('domain'), 1)
    clockAhead += 4000
    t.equal(await login(), 503, 'a failure is remembered')
    t.equal(proxy.calls('domain'), 1)
    clockAhead += 2000
    proxy.strike('domain', null)
    statuses.clear()
    await flood(1000, 1000, async () => statuses.add(await login()))
    t.same([...statuses], [302], 'a failure is remembered for some seconds only')
    t.equal(proxy.calls('domain'), 2)
    // The clock stands still, so that nothing expires on a busy machine.
  },
  { options: { domainApi: proxy.url, now: () => startedAt + clockAhead } }
)
attack(
  'DS8',
  'id_tokens with unknown key ids fetch no keys',
  'RFC 7515 §4.1.4',
  async (t, stage) => {
    stage.sentinel.always('token', {
      change: ({ id_token: idToken, ...tokens }) => {
        const [, payload, signature] = String(idToken).split('.')
        const header = Buffer.from(
          JSON.stringify({
            alg: 'RS256',
            kid: String(Math.random()),
            jku: `${proxy.url}/keys`,
            x5u: `${proxy.url}/keys`
          })
        ).toString('base64url')
        return { ...tokens, id_token: `${header}.${payload}.${signature}` }
      }
    })
    proxy.standBefore(stage.sentinel)
    for (let times = 0; times < 10; times += 1) {
      await logIn(stage, stage.browser(), times % 2 === 0 ? AGENT : ADMIN)
    }
    t.equal(stage.calls('jwks'), 0)
    t.equal(proxy.calls('other'), 0, 'no URL in the token was fetched')
  }
)

/**
 * Error responses with bodies that a client may forget to read, on connections that stay open, and
 * broken ones.
 */
const errorBodies: Fault[] = [
  polite(400, 'x'.repeat(100_000), { 'content-type': 'application/json' }),
  polite(500, 'x'.repeat(50_000), { 'content-type': 'text/html' }),
  polite(401, '', { 'www-authenticate': 'Basic realm="x"' }),
  respond(503, 'x'.repeat(100_000)),
  cutOff('HTTP/1.1 400 Bad Request\r\ncontent-length: 100000\r\n\r\nhalf'),
  cutOff()
]

attack(
  'DS9',
  'a thousand callbacks whose browsers hang up leave no open connection, no ' +
    'used memory and no unhandled rejection',
  'CVE-2024-24750',
  async (t, stage) => {
    proxy.standBefore(stage.sentinel)
    const app = await startMeasuredApp(t, stage, {
      domainApi: proxy.url,
      httpTimeout: SHORT_DEADLINE
    })
    const pool = new Pool(app.server, { connections: 20 })
    let count = 0
    proxy.strike('token', (...request) => {
      setTimeout(errorBodies[count++ % errorBodies.length]!, count % 20, ...request)
    })
    await flood(200, 20, index => hangUp(app, pool, index))
    await until(() => proxy.calls('token') >= 100)
    const before = await app.measure()
    await flood(1000, 50, index => hangUp(app, pool, index))
    await pool.destroy()
    const isQuiet = async (): Promise<boolean> =>
      proxy.open() === 0 && (await app.measure()).sockets === 0
    for (let times = 0; times < 40 && !(await isQuiet()); times += 1) {
      await new Promise(resolve => setTimeout(resolve, 500))
    }
    const after = await app.measure()
    t.ok(proxy.calls('token') > 900, `${proxy.calls('token')} of them reached Sentinel`)
    t.equal(proxy.open(), 0, 'no connection to Sentinel is open')
    t.equal(after.sockets, 0, 'no other connection is open')
    t.ok(
      after.heap - before.heap < 5 * MB,
      `${((after.heap - before.heap) / MB).toFixed(1)} MB more`
    )
    t.equal(after.records, 0)
    t.notMatch(app.output(), /unhandled|MaxListeners|Warning/i)
    proxy.strike('token', null)
    t.equal((await logIn({ ...stage, ...app }, app.browser(), AGENT, '/me')).json().id, AGENT.id)
  }
)

/** Begins a login, sends its callback, and closes the connection at once or a little later. */
async function hangUp(app: MeasuredApp, pool: Pool, index: number): Promise<void> {
  const { headers, body } = await pool.request({ path: '/login', method: 'GET' })
  await body.dump()
  const state = new URL(String(headers.location)).searchParams.get('state')
  const [cookie] = String(headers['set-cookie']).split(';')
  const { hostname, port } = new URL(app.server)
  await new Promise<void>(resolve => {
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    const request = `GET /callback?code=A&state=${state} HTTP/1.1\r\nhost: localhost:3000\r\ncookie: ${cookie}\r\naccept: text/html\r\n\r\n`
    socket.write(request, () => setTimeout(() => socket.destroy(), index % 10))
  })
}
