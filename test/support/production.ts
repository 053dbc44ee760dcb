import type { Test } from 'tap'
import { Agent, Dispatcher } from 'undici'
import {
  startSentinelEmulator,
  type Fault,
  type SentinelEmulator
} from '../../lib/emulator/index.ts'
import type { LeAuthOptions } from '../../lib/index.ts'
import { startApp, type TestApp } from './app.ts'
import { Browser } from './browser.ts'
import { errorCode, isAnonymous, isFreeOf } from './checks.ts'
import { Clock, MINUTE, SHORT_DEADLINE } from './clock.ts'

/** The origin of LivePerson's Domain API. */
export const DOMAIN_API = 'https://api.liveperson.net'
/** One of Sentinel's public hosts. */
export const HOST = 'va.sentinel.liveperson.net'
/** How the app responds to a look-up that names a host outside LivePerson. */
export const NOT_TRUSTED = '502 LE_AUTH_HOST_NOT_TRUSTED'

/** An app as in production, its network, and a browser in it. */
export interface ProductionApp {
  app: TestApp
  network: Network
  sentinel: SentinelEmulator
  browser: Browser
  clock: Clock
}

/**
 * Starts an app as in production: https everywhere, and the emulator in place of LivePerson's
 * public hosts.
 */
export async function production(
  t: Test,
  hosts: string[] = [HOST],
  options: LeAuthOptions = {}
): Promise<ProductionApp> {
  const clock = new Clock()
  const sentinel = await startSentinelEmulator({ now: clock.now })
  t.teardown(() => sentinel.close())
  const origins = [DOMAIN_API, ...hosts.map(host => `https://${host}`)]
  const servers = Object.fromEntries(origins.map(origin => [origin, sentinel.url]))
  const network = new Network(servers)
  t.teardown(() => network.close())
  const app = await startApp(t, {
    sentinel,
    origin: 'https://app.example.com',
    options: {
      domainApi: undefined,
      dispatcher: network,
      now: clock.now,
      httpTimeout: SHORT_DEADLINE,
      ...options
    }
  })
  const browser = new Browser({ ...servers, [app.origin]: app.server })
  return { app, network, sentinel, clock, browser }
}

/** The genuine response with another host in it, or with other members. */
export function naming(baseURI: unknown, more: object = {}): Fault {
  return { change: body => ({ ...body, baseURI, ...more }) }
}

/**
 * Asserts that the app refuses a response of the Domain API, a minute after the one before, to a
 * new browser.
 */
export async function refuses(
  t: Test,
  { app, network, sentinel, clock }: ProductionApp,
  fault: Fault,
  expected: string
): Promise<void> {
  const [requested, logged] = [network.requested.length, app.logLines.length]
  const browser = app.browser()
  clock.advance(MINUTE)
  sentinel.always('domain', fault)
  const response = await browser.step(app.url('/login'))
  t.equal(`${response.status} ${errorCode(response)}`, expected)
  t.equal(response.location, undefined, 'nobody is sent anywhere')
  t.same(network.requested.slice(requested), [DOMAIN_API], 'no other origin got a request')
  t.same([app.calls('authorize'), app.calls('token')], [0, 0])
  t.same(response.setCookies, [], 'no login is in progress')
  const said = response.text + app.logLines.slice(logged).join('')
  isFreeOf(t, said, ['evil'], 'what it said is not repeated')
  await isAnonymous(t, app, browser)
}

/**
 * A network in which public https origins lead to servers of this machine, and no other origin
 * exists.
 */
class Network extends Dispatcher {
  /** The origins of all requests, known or not, in order. */
  readonly requested: string[] = []
  readonly #agent = new Agent()
  readonly #servers: Map<string, string>

  constructor(servers: Record<string, string>) {
    super()
    this.#servers = new Map(Object.entries(servers))
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler
  ): boolean {
    const origin = String(options.origin)
    this.requested.push(origin)
    const server = this.#servers.get(origin)
    if (server !== undefined) return this.#agent.dispatch({ ...options, origin: server }, handler)
    const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${origin}`), { code: 'ENOTFOUND' })
    handler.onResponseError?.(null as never, error)
    return true
  }

  override async close(): Promise<void> {
    await this.#agent.close()
  }
}
