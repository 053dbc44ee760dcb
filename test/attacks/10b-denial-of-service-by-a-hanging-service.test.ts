import t from 'tap'
import { startApp } from '../support/app.ts'
import { attack } from '../support/attack/attack.ts'
import { errorCode } from '../support/checks.ts'
import { bytes, dripping, type Fault, silent, startFaultProxy } from '../support/fault-proxy.ts'
import { AGENT, logIn } from '../support/login.ts'
import { until } from '../support/wait.ts'

const DEADLINE = 1500
/** A deadline for calls that all fail. */
const SHORTEST_DEADLINE = 300
/** How late a response may be on a busy machine; far less than what the faults would take. */
const LATE = 4000
const proxy = await startFaultProxy(t)
let clockAhead = 0
const behindProxy = { options: { domainApi: proxy.url, httpTimeout: DEADLINE } }

const JSON_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'

const endless: Array<[what: string, fault: Fault]> = [
  ['silence', silent],
  ['a status line, then silence', bytes('HTTP/1.1 200 OK\r\n')],
  ['headers, then silence', bytes(`${JSON_HEAD}content-length: 100\r\n\r\n`)],
  ['half a body, then silence', bytes(`${JSON_HEAD}content-length: 100\r\n\r\n{"access_token":`)],
  ['headers byte by byte', dripping([...JSON_HEAD, 'x'], 50)],
  ['an endless header', dripping([`${JSON_HEAD}x: `, 'x'], 20)],
  ['a body of one byte a second', dripping([`${JSON_HEAD}content-length: 100\r\n\r\n`, ' '], 1000)],
  ['a body byte by byte', dripping([`${JSON_HEAD}content-length: 100000\r\n\r\n`, ' '], 20)],
  [
    'endless chunks',
    dripping([`${JSON_HEAD}transfer-encoding: chunked\r\n\r\n`, '1\r\n \r\n'], 20)
  ],
  [
    'endless trailers',
    dripping([`${JSON_HEAD}transfer-encoding: chunked\r\n\r\n0\r\n`, 'x: y\r\n'], 20)
  ],
  ['endless 102 responses', dripping(['HTTP/1.1 102 Processing\r\n\r\n'], 20)],
  ['endless early hints', dripping(['HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'], 20)]
]

/** Each code is the number of its fault. */
const byCode: Fault = (wire, body, response) =>
  endless[Number(new URLSearchParams(body).get('code'))]![1](wire, body, response)

attack(
  'DS4',
  'a token endpoint that hangs costs one request its deadline, and the app nothing else',
  'RFC 6819 §4.4.1.11',
  async (t, stage) => {
    proxy.standBefore(stage.sentinel)
    const member = stage.browser()
    await logIn(stage, member)
    proxy.strike('token', byCode)
    const hanging = await Promise.all(
      endless.map(async ([what], index) => {
        const browser = stage.browser()
        const query = `code=${index}&state=${await stage.login(browser)}`
        return { what, browser, query, cookiesOfBefore: await browser.copy() }
      })
    )
    let waiting = hanging.length
    const began = Date.now()
    const failing = Promise.all(
      hanging.map(({ browser, query }) =>
        stage.callback(browser, query).finally(() => {
          waiting -= 1
        })
      )
    )
    t.equal(await stage.me(member), AGENT.id, 'the user stays logged in')
    t.equal((await stage.browser().step(stage.url('/login'))).status, 302)
    t.ok(waiting > 0 || Date.now() - began >= DEADLINE, 'the app serves other requests meanwhile')
    const responses = await failing
    t.ok(Date.now() - began < DEADLINE + LATE, `${Date.now() - began} ms`)
    for (const [index, { what, browser, query, cookiesOfBefore }] of hanging.entries()) {
      t.equal(
        `${responses[index]!.status} ${errorCode(responses[index]!)}`,
        '503 LE_AUTH_SENTINEL_UNAVAILABLE',
        what
      )
      t.equal(await stage.me(browser), null)
      t.equal(
        errorCode(await stage.callback(cookiesOfBefore, query)),
        'LE_AUTH_CALLBACK_INVALID (state_used)',
        `${what}: the state is used`
      )
    }
    t.equal(proxy.calls('token'), 1 + endless.length, 'each code was sent once')
  },
  behindProxy
)

attack(
  'DS4',
  'a Domain API that hangs costs only the logins that wait for it their deadline',
  'RFC 6819 §4.4.1.11',
  async (t, stage) => {
    for (const [what, fault] of endless) {
      proxy.standBefore(stage.sentinel)
      proxy.strike('domain', fault)
      clockAhead += 3_600_000
      const began = Date.now()
      const failing = Promise.all([1, 2, 3].map(() => stage.browser().step(stage.url('/login'))))
      t.equal((await stage.browser().navigate(stage.url('/'))).text, 'hello stranger')
      for (const failed of await failing) {
        t.match(
          `${failed.status} ${errorCode(failed)}`,
          /^302 |^503 LE_AUTH_DOMAIN_API_UNAVAILABLE/,
          what
        )
        t.same(failed.setCookies.length, failed.status === 302 ? 1 : 0)
      }
      t.ok(Date.now() - began < SHORTEST_DEADLINE + LATE, `${what}: ${Date.now() - began} ms`)
      t.equal(proxy.calls('domain'), 1)
    }
  },
  {
    options: {
      ...behindProxy.options,
      httpTimeout: SHORTEST_DEADLINE,
      now: () => Date.now() + clockAhead
    }
  }
)

attack(
  'DS4',
  'connections that hang are closed, and the plugin’s own deadline is ten seconds',
  'RFC 6819 §4.4.1.11',
  async (t, stage) => {
    proxy.standBefore(stage.sentinel)
    const app = await startApp(t, { sentinel: stage.sentinel, options: { domainApi: proxy.url } })
    proxy.strike('token', byCode)
    await Promise.all(
      endless.map(async ([what], index) => {
        const browser = app.browser()
        const begun = await browser.step(app.url('/login'))
        const before = Date.now()
        const failed = await browser.step(
          app.url(
            `/callback?code=${index}&state=${new URL(begun.location!).searchParams.get('state')}`
          )
        )
        t.equal(errorCode(failed), 'LE_AUTH_SENTINEL_UNAVAILABLE', what)
        t.ok(
          Date.now() - before > 9000 && Date.now() - before < 10_000 + LATE,
          `${what}: ${Date.now() - before} ms`
        )
      })
    )
    await until(() => proxy.open() === 0)
    t.equal(proxy.open(), 0, 'all connections are closed')
  }
)
