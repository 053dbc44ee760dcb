import t, { type Test } from 'tap'
import { startSentinelEmulator, type Fault, type SentinelEmulator } from '../../lib/emulator/index.js'
import type { LeAuthOptions } from '../../lib/index.js'
import { isAnonymous, isFreeOf } from '../support/anonymous.js'
import { errorCode, logIn, startApp, type TestApp } from '../support/app.js'
import { Browser } from '../support/browser.js'
import { Clock, MINUTE } from '../support/clock.js'
import { Network } from '../support/network.js'
import { startServer } from '../support/servers.js'

const DOMAIN_API = 'https://api.liveperson.net'
const HOST = 'va.sentinel.liveperson.net'
const INVALID = '502 LE_AUTH_DOMAIN_API_INVALID'
const UNAVAILABLE = '503 LE_AUTH_DOMAIN_API_UNAVAILABLE'
const NOT_TRUSTED = '502 LE_AUTH_HOST_NOT_TRUSTED'

interface World {
  app: TestApp
  network: Network
  sentinel: SentinelEmulator
  browser: Browser
  clock: Clock
}

/** An app as in production: https everywhere, and a network in which LivePerson's public hosts are the emulator. */
async function production (t: Test, hosts: string[] = [HOST], options: LeAuthOptions = {}): Promise<World> {
  const clock = new Clock()
  const sentinel = await startSentinelEmulator({ now: clock.now })
  t.teardown(() => sentinel.close())
  const servers = Object.fromEntries([DOMAIN_API, ...hosts.map(host => `https://${host}`)].map(origin => [origin, sentinel.url]))
  const network = new Network(servers)
  t.teardown(() => network.close())
  const app = await startApp(t, {
    sentinel, origin: 'https://app.example.com', options: { domainApi: undefined, dispatcher: network, now: clock.now, httpTimeout: 300, ...options }
  })
  return { app, network, sentinel, clock, browser: new Browser({ ...servers, [app.origin]: app.server }) }
}

/** The genuine answer with another host in it, or with other members. */
const naming = (baseURI: unknown, more: object = {}): Fault => ({ change: answer => ({ ...answer, baseURI, ...more }) })

/** One answer of the Domain API, a minute after the one before, to a browser of its own. */
async function refuses (t: Test, { app, network, sentinel, clock }: World, fault: Fault, expected: string): Promise<void> {
  const [asked, logged] = [network.asked.length, app.logLines.length]
  const browser = app.browser()
  clock.advance(MINUTE)
  sentinel.always('domain', fault)
  const answer = await browser.step(app.url('/login'))
  t.equal(`${answer.status} ${errorCode(answer)}`, expected)
  t.equal(answer.location, undefined, 'nobody is sent anywhere')
  t.same(network.asked.slice(asked), [DOMAIN_API], 'nobody else was asked')
  t.same([app.calls('authorize'), app.calls('token')], [0, 0])
  t.same(answer.setCookies, [], 'no login is in progress')
  isFreeOf(t, answer.text + app.logLines.slice(logged).join(''), ['evil'], 'what it said is not repeated')
  await isAnonymous(t, app, browser)
}

t.test('a login as in production, over https all the way', async t => {
  const { app, network, sentinel, browser } = await production(t)
  sentinel.always('domain', naming(HOST))
  const answer = await logIn(app, browser)
  t.equal(answer.status, 200)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  t.same(network.asked, [DOMAIN_API, `https://${HOST}`])
  t.ok(browser.history.some(({ url }) => url.startsWith(`https://${HOST}/sentinel/api/account/12345678/authorize?`)))
})

t.test('the Domain API is asked as documented', async t => {
  const { app, sentinel, browser } = await production(t)
  sentinel.always('domain', naming(HOST))
  await browser.step(app.url('/login'))
  const { method, path, query, headers } = sentinel.requests.find(request => request.endpoint === 'domain')!
  t.equal(method, 'GET')
  t.equal(path, '/api/account/12345678/service/sentinel/baseURI.json')
  t.equal(query.toString(), 'version=1.0')
  t.equal(headers.authorization, undefined)
  t.equal(headers.cookie, undefined)
})

const foreign = [
  'evil.example', 'EVIL.EXAMPLE', 'liveperson.net.evil.example', 'evilliveperson.net', 'x.liveperson.net@evil.example', 'x.liveperson.net:444', 'evil.example/.liveperson.net',
  'evil.example#x.liveperson.net', 'evil.example\\@x.liveperson.net', 'x.liveperson.net%40evil.example', 'x.liveperson.net.', 'ｌiveperson.net', 'x.live\tperson.net', 'x.liveperson.net\n',
  // SD2
  '127.0.0.1', 'localhost:6379', '169.254.169.254', '[::1]', '0x7f.1', '2130706433', '10.0.0.1',
  // SD3
  'http://va.sentinel.liveperson.net', 'https://va.sentinel.liveperson.net', '//va.sentinel.liveperson.net', 'va.sentinel.liveperson.net/sentinel',
  '', 5, true, {}, ['va.sentinel.liveperson.net']
]

t.test('SD1 SD2 SD3 the Domain API names another host, in either shape', async t => {
  const world = await production(t)
  for (const baseURI of foreign) {
    await t.test(JSON.stringify(baseURI), t => refuses(t, world, naming(baseURI), NOT_TRUSTED))
    await t.test(`${JSON.stringify(baseURI)} in a list`, t => refuses(t, world, { change: answer => ({ baseURIs: [{ ...answer, baseURI }] }) }, NOT_TRUSTED))
  }
})

const lies: Array<[what: string, fault: Fault, expected: string]> = [
  ['a redirect', { status: 302, headers: { location: 'https://evil.example/' } }, INVALID],
  ['a redirect to the true host', { status: 301, headers: { location: `https://${HOST}/` } }, INVALID],
  ['silence', { hang: true }, UNAVAILABLE],
  ['a byte now and then', { drip: 50 }, UNAVAILABLE],
  ['a connection that breaks', { cutOff: 'unprocessed' }, UNAVAILABLE],
  ['half an answer', { cutOff: 'mid-body' }, UNAVAILABLE],
  ['HTML', { status: 200, body: '<p>evil', headers: { 'content-type': 'text/html' } }, INVALID],
  ['nothing', { status: 200 }, INVALID],
  ['204', { status: 204 }, INVALID],
  ['201', { status: 201, body: JSON.stringify({ service: 'sentinel', account: '12345678', baseURI: HOST }) }, INVALID],
  ['an array', { change: answer => [{ ...answer, baseURI: HOST }] }, INVALID],
  ['null', { change: () => null }, INVALID],
  ['a text', { status: 200, body: JSON.stringify(HOST) }, INVALID],
  ['an empty list', { change: () => ({ baseURIs: [] }) }, INVALID],
  ['a list of nothing', { change: () => ({ baseURIs: [null, 5, 'x', []] }) }, INVALID],
  ['a list that is none', { change: answer => ({ ...answer, baseURI: undefined, baseURIs: { sentinel: HOST } }) }, INVALID],
  ['no host', naming(undefined), INVALID],
  ['null for a host', naming(null), NOT_TRUSTED],
  ['another account', naming(HOST, { account: '87654321' }), INVALID],
  ['no account', naming(HOST, { account: undefined }), INVALID],
  ['another service', naming(HOST, { service: 'accountConfigReadOnly' }), INVALID],
  ['another service, in other case', naming(HOST, { service: 'Sentinel' }), INVALID],
  ['no service', naming(HOST, { service: undefined }), INVALID],
  ['a list without us', { change: answer => ({ baseURIs: [{ ...answer, account: '87654321', baseURI: HOST }, { ...answer, service: 'other', baseURI: HOST }] }) }, INVALID],
  ['too much', { change: answer => ({ ...answer, baseURI: HOST, x: 'x'.repeat(1_100_000) }) }, UNAVAILABLE],
  ['400', { status: 400, body: '{"error":"evil"}' }, INVALID],
  ['401', { status: 401, body: '{"error":"evil"}' }, INVALID],
  ['404', { status: 404, body: 'evil' }, INVALID],
  ['429', { status: 429, headers: { 'retry-after': '1' } }, UNAVAILABLE],
  ['500', { status: 500, body: 'evil' }, UNAVAILABLE],
  ['503 with a good body', { status: 503, body: JSON.stringify({ service: 'sentinel', account: '12345678', baseURI: HOST }) }, UNAVAILABLE]
]

t.test('SD4 the Domain API lies, hangs or is down, and the next minute it works', async t => {
  const world = await production(t)
  for (const [what, fault, expected] of lies) await t.test(what, t => refuses(t, world, fault, expected))
  world.sentinel.always('domain', naming(HOST))
  world.clock.advance(MINUTE)
  t.equal((await logIn(world.app, world.browser)).status, 200)
})

t.test('both documented shapes are taken, among many services and accounts', async t => {
  const world = await production(t)
  world.sentinel.always('domain', {
    change: answer => ({
      baseURIs: [
        { ...answer, account: '87654321', baseURI: 'other.sentinel.liveperson.net' },
        { service: 'faasUI', account: '12345678', baseURI: 'https://not-bare.example/path' },
        { ...answer, baseURI: HOST }
      ]
    })
  })
  t.equal((await logIn(world.app, world.browser)).status, 200)
  t.same(world.network.asked, [DOMAIN_API, `https://${HOST}`])
})

t.test('a host in a trusted domain is taken, its neighbours are not', async t => {
  const host = 'sentinel.proxy.example.com'
  const options = { trustedDomains: ['proxy.example.com'] }
  const world = await production(t, [host], options)
  world.sentinel.always('domain', naming(host))
  t.equal((await logIn(world.app, world.browser)).status, 200)
  t.equal((await world.browser.script(world.app.url('/me'))).status, 200)
  for (const other of ['example.com', 'evilproxy.example.com', 'sentinel.example.com']) await refuses(t, await production(t, [other], options), naming(other), NOT_TRUSTED)
})

t.test('an answer for one account is never used for another, nor one service\'s for another', async t => {
  const { app, sentinel, network, browser } = await production(t, [HOST, 'config.liveperson.net'])
  sentinel.always('domain', { change: answer => ({ ...answer, baseURI: answer.service === 'sentinel' ? HOST : 'config.liveperson.net' }) })
  await logIn(app, browser)
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  t.same(network.asked, [DOMAIN_API, `https://${HOST}`, DOMAIN_API, 'https://config.liveperson.net'])
  t.same(sentinel.requests.filter(request => request.endpoint === 'domain').map(request => request.path.split('/')[5]), ['sentinel', 'accountConfigReadOnly'])
})

t.test('the user\'s token does not go where the Domain API points it', async t => {
  const { app, sentinel, network, browser } = await production(t)
  sentinel.next('domain', naming(HOST))
  await logIn(app, browser)
  for (const baseURI of ['evil.example', '127.0.0.1', 'x.liveperson.net:444']) {
    sentinel.always('domain', { change: answer => ({ ...answer, baseURI }) })
    const answer = await browser.script(app.url('/users'))
    t.equal(`${answer.status} ${answer.json().code}`, NOT_TRUSTED, baseURI)
  }
  t.same([...new Set(network.asked)], [DOMAIN_API, `https://${HOST}`])
})

t.test('MX3 a Domain API that changes its mind between login and callback gets no code', async t => {
  const { app, sentinel, network, browser, clock } = await production(t, [HOST, 'lo.sentinel.liveperson.net'])
  sentinel.always('domain', naming(HOST))
  const page = await browser.navigate(app.url('/login'))
  sentinel.always('domain', naming('lo.sentinel.liveperson.net'))
  clock.advance(9 * MINUTE)
  const action = /<form method="post" action="([^"]+)"/.exec(page.text)![1]!.replaceAll('&amp;', '&')
  await browser.submit(new URL(action, page.url).href, { username: 'maya.osei', password: 'liveperson', action: 'sign-in' })
  t.same(network.asked, [DOMAIN_API, `https://${HOST}`])
  t.equal((await browser.script(app.url('/me'))).status, 200)
})

t.test('with the Domain API on this machine too, a foreign host gets neither secret nor token', async t => {
  const evil = await startServer(t, (_request, response) => response.end('{}'))
  const app = await startApp(t)
  for (const host of [`evil.example@${evil.host}`, `${evil.host}/x`, `http://${evil.host}`, `0x7f.1:${evil.host.split(':')[1]}`, '10.0.0.1', 'evil.example']) {
    const other = await startApp(t, { sentinel: app.sentinel })
    app.sentinel.always('domain', { change: answer => ({ ...answer, baseURI: host }) })
    const answer = await other.browser().step(other.url('/login'))
    t.equal(`${answer.status} ${errorCode(answer)}`, NOT_TRUSTED, host)
    isFreeOf(t, answer.text + other.logLines.join(''), [host], 'what it named is not repeated')
  }
  t.same(evil.requests, [])
})
