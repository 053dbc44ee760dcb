import type { Test } from 'tap'
import { startSentinelEmulator, type Fault, type SentinelEmulator } from '../../lib/emulator/index.js'
import type { LeAuthOptions } from '../../lib/index.js'
import { isAnonymous, isFreeOf } from './anonymous.js'
import { errorCode, startApp, type TestApp } from './app.js'
import { Browser } from './browser.js'
import { Clock, MINUTE, SHORT_DEADLINE } from './clock.js'
import { Network } from './network.js'

export const DOMAIN_API = 'https://api.liveperson.net'
export const HOST = 'va.sentinel.liveperson.net'
export const NOT_TRUSTED = '502 LE_AUTH_HOST_NOT_TRUSTED'

/** An app as in production, and the network it is in. */
export interface World {
  app: TestApp
  network: Network
  sentinel: SentinelEmulator
  browser: Browser
  clock: Clock
}

/** An app as in production: https everywhere, and a network in which LivePerson's public hosts are the emulator. */
export async function production (t: Test, hosts: string[] = [HOST], options: LeAuthOptions = {}): Promise<World> {
  const clock = new Clock()
  const sentinel = await startSentinelEmulator({ now: clock.now })
  t.teardown(() => sentinel.close())
  const servers = Object.fromEntries([DOMAIN_API, ...hosts.map(host => `https://${host}`)].map(origin => [origin, sentinel.url]))
  const network = new Network(servers)
  t.teardown(() => network.close())
  const app = await startApp(t, {
    sentinel, origin: 'https://app.example.com', options: { domainApi: undefined, dispatcher: network, now: clock.now, httpTimeout: SHORT_DEADLINE, ...options }
  })
  return { app, network, sentinel, clock, browser: new Browser({ ...servers, [app.origin]: app.server }) }
}

/** The genuine answer with another host in it, or with other members. */
export const naming = (baseURI: unknown, more: object = {}): Fault => ({ change: answer => ({ ...answer, baseURI, ...more }) })

/** One answer of the Domain API, a minute after the one before, to a browser of its own. */
export async function refuses (t: Test, { app, network, sentinel, clock }: World, fault: Fault, expected: string): Promise<void> {
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
