import Fastify from 'fastify'
import type { Fault } from '../../lib/emulator/index.ts'
import { Clock } from '../../lib/clock.ts'
import { HttpClient } from '../../lib/http/client.ts'
import leAuth from '../../lib/index.ts'
import { DomainApi } from '../../lib/liveperson/domain-api.ts'
import { optionsFor } from '../support/app.ts'
import { attack } from '../support/attack/attack.ts'
import { errorCode } from '../support/checks.ts'
import { MINUTE, SHORT_DEADLINE } from '../support/clock.ts'
import { idToken } from '../support/id-tokens.ts'
import { AGENT, logIn } from '../support/login.ts'
import {
  DOMAIN_API,
  HOST,
  naming,
  NOT_TRUSTED,
  production,
  refuses
} from '../support/production.ts'
import { startServer } from '../support/servers.ts'
import { members } from '../support/token-responses.ts'

const INVALID = '502 LE_AUTH_DOMAIN_API_INVALID'
const UNAVAILABLE = '503 LE_AUTH_DOMAIN_API_UNAVAILABLE'

const FOREIGN = [
  'evil.example',
  'EVIL.EXAMPLE',
  'liveperson.net.evil.example',
  'evilliveperson.net',
  'x.liveperson.net@evil.example',
  'x.liveperson.net:444',
  'evil.example/.liveperson.net',
  'evil.example#x.liveperson.net',
  'evil.example\\@x.liveperson.net',
  'x.liveperson.net%40evil.example',
  'x.liveperson.net.',
  'ｌiveperson.net',
  'x.live\tperson.net',
  'x.liveperson.net\n',
  '',
  5,
  true,
  {},
  ['va.sentinel.liveperson.net']
]
const INSIDE = [
  '127.0.0.1',
  'localhost:6379',
  '169.254.169.254',
  '[::1]',
  '0x7f.1',
  '2130706433',
  '10.0.0.1'
]
const DOWNGRADED = [
  'http://va.sentinel.liveperson.net',
  'https://va.sentinel.liveperson.net',
  '//va.sentinel.liveperson.net',
  'va.sentinel.liveperson.net/sentinel'
]

for (const [id, promise, source, hosts] of [
  [
    'SD1',
    'a foreign host that the Domain API names gets no request and no secret',
    'RFC 8414 §6.2, CVE-2026-53513',
    FOREIGN
  ],
  [
    'SD2',
    'an internal address that the Domain API names gets no request and no secret',
    'CVE-2026-75899, CVE-2026-18446',
    INSIDE
  ],
  [
    'SD3',
    'the Domain API may name only a bare host, and anything else gets no request ' +
      'and no secret',
    'RFC 9700 §2.6',
    DOWNGRADED
  ]
] as const) {
  attack(id, promise, source, async t => {
    const world = await production(t)
    for (const baseURI of hosts) {
      await t.test(JSON.stringify(baseURI), t => refuses(t, world, naming(baseURI), NOT_TRUSTED))
      await t.test(`${JSON.stringify(baseURI)} in a list`, t =>
        refuses(
          t,
          world,
          { change: response => ({ baseURIs: [{ ...response, baseURI }] }) },
          NOT_TRUSTED
        )
      )
    }
  })
}

const LIES: Array<[what: string, fault: Fault, expected: string]> = [
  ['a redirect', { status: 302, headers: { location: 'https://evil.example/' } }, INVALID],
  [
    'a redirect to the true host',
    { status: 301, headers: { location: `https://${HOST}/` } },
    INVALID
  ],
  ['silence', { hang: true }, UNAVAILABLE],
  ['a byte now and then', { drip: 50 }, UNAVAILABLE],
  ['a connection that breaks', { cutOff: 'unprocessed' }, UNAVAILABLE],
  ['half a response', { cutOff: 'mid-body' }, UNAVAILABLE],
  ['HTML', { status: 200, body: '<p>evil', headers: { 'content-type': 'text/html' } }, INVALID],
  ['nothing', { status: 200 }, INVALID],
  ['204', { status: 204 }, INVALID],
  [
    '201',
    {
      status: 201,
      body: JSON.stringify({ service: 'sentinel', account: '12345678', baseURI: HOST })
    },
    INVALID
  ],
  ['an array', { change: response => [{ ...response, baseURI: HOST }] }, INVALID],
  ['null', { change: () => null }, INVALID],
  ['a text', { status: 200, body: JSON.stringify(HOST) }, INVALID],
  ['an empty list', { change: () => ({ baseURIs: [] }) }, INVALID],
  ['a list of nothing', { change: () => ({ baseURIs: [null, 5, 'x', []] }) }, INVALID],
  [
    'a list that is an object',
    { change: response => ({ ...response, baseURI: undefined, baseURIs: { sentinel: HOST } }) },
    INVALID
  ],
  ['no host', naming(undefined), INVALID],
  ['null for a host', naming(null), NOT_TRUSTED],
  ['another account', naming(HOST, { account: '87654321' }), INVALID],
  ['no account', naming(HOST, { account: undefined }), INVALID],
  ['another service', naming(HOST, { service: 'accountConfigReadOnly' }), INVALID],
  ['another service name, in another letter case', naming(HOST, { service: 'Sentinel' }), INVALID],
  ['no service', naming(HOST, { service: undefined }), INVALID],
  [
    'a list without us',
    {
      change: response => ({
        baseURIs: [
          { ...response, account: '87654321', baseURI: HOST },
          { ...response, service: 'other', baseURI: HOST }
        ]
      })
    },
    INVALID
  ],
  [
    'too much',
    { change: response => ({ ...response, baseURI: HOST, x: 'x'.repeat(1_100_000) }) },
    UNAVAILABLE
  ],
  ['400', { status: 400, body: '{"error":"evil"}' }, INVALID],
  ['401', { status: 401, body: '{"error":"evil"}' }, INVALID],
  ['404', { status: 404, body: 'evil' }, INVALID],
  ['429', { status: 429, headers: { 'retry-after': '1' } }, UNAVAILABLE],
  ['500', { status: 500, body: 'evil' }, UNAVAILABLE],
  [
    '503 with a good body',
    {
      status: 503,
      body: JSON.stringify({ service: 'sentinel', account: '12345678', baseURI: HOST })
    },
    UNAVAILABLE
  ]
]

attack(
  'SD4',
  'a Domain API that lies, hangs or is down causes a clean failure, and the next call works',
  'RFC 9110 §15, docs/protocol.md §1',
  async t => {
    const world = await production(t)
    for (const [what, fault, expected] of LIES) {
      await t.test(what, t => refuses(t, world, fault, expected))
    }
    world.sentinel.always('domain', naming(HOST))
    world.clock.advance(MINUTE)
    t.equal((await logIn(world.app, world.browser)).status, 200)
  }
)

attack(
  'SD4',
  'the last good response is used while the Domain API fails',
  'RFC 5861 §4',
  async t => {
    const world = await production(t)
    world.sentinel.always('domain', naming(HOST))
    await logIn(world.app, world.browser)
    const lookUps = (): number =>
      world.network.requested.filter(origin => origin === DOMAIN_API).length
    for (const [index, illness] of [
      naming('evil.example'),
      { status: 404 },
      { status: 500 },
      { cutOff: 'unprocessed' as const }
    ].entries()) {
      world.sentinel.always('domain', illness)
      world.clock.advance(11 * MINUTE)
      const { location } = await world.app.browser().step(world.app.url('/login'))
      t.equal(new URL(location!).origin, `https://${HOST}`)
      t.equal(lookUps(), index + 2, 'the Domain API was called again')
    }
    t.same([...new Set(world.network.requested)], [DOMAIN_API, `https://${HOST}`])
  }
)

attack(
  'SD4',
  'two services that are called in turn get their own hosts',
  'docs/protocol.md §1',
  async t => {
    const users = 'va.ac.liveperson.net'
    const world = await production(t, [HOST, users])
    world.sentinel.always('domain', {
      change: response => ({ ...response, baseURI: response.service === 'sentinel' ? HOST : users })
    })
    await logIn(world.app, world.browser)
    const toUsers = world.network.requested.length
    t.equal((await world.browser.script(world.app.url('/users'))).json().status, 200)
    t.same(world.network.requested.slice(toUsers), [DOMAIN_API, `https://${users}`])
    const { location } = await world.app.browser().step(world.app.url('/login'))
    t.equal(new URL(location!).origin, `https://${HOST}`)
  }
)

// An app has only one account, so this test needs no app.
attack(
  'SD4',
  'two accounts whose services are called in turn get their own hosts',
  'docs/protocol.md §1',
  async (t, { sentinel }) => {
    const http = new HttpClient(
      { timeout: SHORT_DEADLINE, envProxy: false },
      new Clock(Date.now, globalThis)
    )
    t.teardown(() => http.close())
    const domainApi = new DomainApi(
      {
        domainApi: sentinel.url,
        trust: { domains: ['liveperson.net'], loopback: false },
        now: Date.now
      },
      http
    )
    sentinel.accounts.push({ ...sentinel.accounts[0]!, accountId: '87654321' })
    sentinel.always('domain', {
      change: response => ({
        ...response,
        baseURI: `${response.service}.of-${response.account}.liveperson.net`.toLowerCase()
      })
    })
    for (let times = 0; times < 2; times += 1) {
      for (const accountId of ['12345678', '87654321']) {
        for (const service of ['sentinel', 'msgHist']) {
          t.equal(
            await domainApi.originOf(accountId, service),
            `https://${service.toLowerCase()}.of-${accountId}.liveperson.net`
          )
        }
      }
    }
    t.equal(sentinel.requests.length, 4, 'each host was looked up once')
  }
)

attack(
  'SD5',
  'an account id that could change a path is refused at start-up',
  'CVE-2022-35949',
  async (t, stage) => {
    for (const accountId of [
      '../../x',
      '1?x=',
      '1#',
      '//evil.example',
      '1/../2',
      '1%2f2',
      '',
      ' ',
      {},
      5,
      '\n',
      'x'.repeat(65)
    ]) {
      const app = Fastify()
      t.teardown(() => app.close())
      await t.rejects(
        async () =>
          app.register(leAuth, {
            ...optionsFor(stage.sentinel, stage.redirectUri),
            accountId: accountId as string
          }),
        { code: 'LE_AUTH_OPTIONS_INVALID' },
        JSON.stringify(accountId)
      )
    }
    t.equal(stage.sentinel.requests.length, 0)
  }
)

attack(
  'SD6',
  'keys that an id_token brings along are not read, and never fetched',
  'RFC 8725 §3.10, CVE-2026-27962',
  async (t, stage) => {
    const evil = await startServer(t, (_request, response) => response.end('{}'))
    for (const header of [
      { jku: evil.url },
      { x5u: evil.url },
      { jwk: { kty: 'RSA', n: 'AQAB', e: 'AQAB' } },
      { kid: evil.url },
      { kid: '../../etc/passwd' }
    ]) {
      stage.sentinel.next('token', members({ id_token: idToken({}, header) }))
      const browser = stage.browser()
      await logIn(stage, browser)
      t.equal(
        await stage.me(browser),
        AGENT.id,
        'the token came over TLS, so its keys decide nothing'
      )
      stage.sentinel.next('token', members({ id_token: idToken({ aud: 'other' }, header) }))
      t.equal(errorCode(await logIn(stage, stage.browser())), 'LE_AUTH_ID_TOKEN_INVALID')
    }
    t.equal(stage.calls('jwks'), 0)
    t.same(evil.requests, [])
  }
)

attack(
  'SD6',
  'claims that an id_token places on another server are never fetched',
  'OpenID Connect Core §5.6.2',
  async (t, stage) => {
    const evil = await startServer(t, (_request, response) =>
      response.end(idToken({ is_admin: true }))
    )
    for (const source of [
      { endpoint: evil.url },
      { endpoint: evil.url, access_token: 'x' },
      { JWT: idToken({ is_admin: true }) }
    ]) {
      stage.sentinel.next(
        'token',
        members({
          id_token: idToken({
            is_admin: undefined,
            _claim_names: { is_admin: 'there' },
            _claim_sources: { there: source }
          })
        })
      )
      const browser = stage.browser()
      await logIn(stage, browser)
      t.equal(await stage.me(browser), AGENT.id)
      t.equal((await browser.script(stage.url('/admin'))).status, 403, 'these claims give no right')
    }
    t.same(evil.requests, [])
  }
)
