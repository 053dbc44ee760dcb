import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { Agent, type Dispatcher } from 'undici'
import { EMULATOR_DEFAULTS, type SentinelEmulator } from '../../../lib/emulator/index.ts'
import { SECRET, type Setting, startApp, type TestApp } from '../app.ts'
import type { PageResponse, Browser } from '../browser.ts'
import { userIn } from '../checks.ts'
import { type Person, upToCallback } from '../login.ts'
import { TestStore } from '../stores.ts'
import { Wiretap } from './wiretap.ts'

/** A test app, with everything by which an attack on it can be judged. */
export interface Stage extends TestApp {
  store: TestStore
  /** LOGIN: begins a login, and returns its state. */
  login: (browser: Browser, query?: string) => Promise<string>
  /** CB: opens a callback as a page. */
  callback: (browser: Browser, query: string) => Promise<PageResponse>
  /** A code that Sentinel gave this person, in another browser, for a login that this app began. */
  codeOf: (person?: Person) => Promise<string>
  /** ME: who is logged in, or `null`. @throws Error if the response says neither */
  me: (browser: Browser) => Promise<string | null>
  /** T: how many requests reached the token endpoint. */
  exchanges: () => number
  /** Values that must stay secret in this test, besides those that the stage knows by itself. */
  secrets: Set<string>
}

/** What an attack may change in its stage. */
export interface AttackSetting extends Setting {
  /** Matches the URLs whose responses may contain a secret; none of the plugin's may. */
  mayShow?: RegExp
}

/**
 * Replays one row of the list of attacks, in a test named by the row's id and the place where it
 * was published. Afterwards nothing secret may be in the app's log or in its responses.
 */
export function attack(
  id: string,
  promise: string,
  source: string,
  replay: (t: Test, stage: Stage) => Promise<unknown>,
  setting: AttackSetting = {}
): void {
  t.test(`${id} ${promise} [${source}]`, async t => {
    const { mayShow, ...appSetting } = setting
    const { stage, leaks } = await setStage(t, appSetting)
    await replay(t, stage)
    t.same(leaks(mayShow), [], 'nothing secret was logged or shown')
  })
}

type LeakFinder = (mayShow: RegExp | undefined) => string[]

async function setStage(t: Test, setting: Setting): Promise<{ stage: Stage; leaks: LeakFinder }> {
  const store = new TestStore()
  const wire = new Wiretap((setting.options?.dispatcher as Dispatcher | undefined) ?? new Agent())
  const sent: Sent[] = []
  const app = await startApp(t, {
    ...setting,
    options: { store, ...setting.options, dispatcher: wire },
    before: async server => {
      listen(server, sent)
      await setting.before?.(server)
    }
  })
  t.teardown(() => wire.close())
  const secrets = new Set<string>()
  const stage: Stage = {
    ...app,
    store,
    secrets,
    async login(browser, query = '') {
      const { location } = await browser.step(app.url(`/login${query}`))
      return new URL(location ?? 'none:').searchParams.get('state') ?? ''
    },
    callback: (browser, query) => browser.step(app.url(`/callback?${query}`)),
    async codeOf(person) {
      const callback = await upToCallback(app, app.browser(), '/login', person)
      return new URL(callback).searchParams.get('code')!
    },
    me: async browser => userIn(await browser.script(app.url('/me'))),
    exchanges: () => app.calls('token')
  }
  const allSecrets = (): string[] => [...secrets, ...knownSecrets(app.sentinel, wire, store)]
  return { stage, leaks: mayShow => leaksOf(allSecrets(), app.logLines, sent, mayShow) }
}

/** One response of the app: the URL of its request, and its headers and body as text. */
interface Sent {
  url: string
  text: string
}

/** Headers in which the plugin must send something that is secret to everybody else. */
const MUST_SAY = ['set-cookie', 'location']

function listen(server: FastifyInstance, sent: Sent[]): void {
  const bodies = new WeakMap<object, string>()
  server.addHook('onSend', async (request, _reply, payload) => {
    const isText = typeof payload === 'string' || Buffer.isBuffer(payload)
    bodies.set(request, isText ? String(payload) : '')
  })
  server.addHook('onResponse', async (request, reply) => {
    const headers = Object.entries(reply.getHeaders()).filter(([name]) => !MUST_SAY.includes(name))
    sent.push({ url: request.url, text: JSON.stringify(headers) + (bodies.get(request) ?? '') })
  })
}

const SECRET_PARAMETERS = [
  'code',
  'state',
  'code_verifier',
  'client_secret',
  'refresh_token',
  'token'
]

/** Every token, code, verifier, secret and session id that was on the wire or is in the store. */
function knownSecrets(sentinel: SentinelEmulator, wire: Wiretap, store: TestStore): Set<string> {
  const requested = sentinel.requests.flatMap(({ query, body }) =>
    SECRET_PARAMETERS.flatMap(name => [query.get(name), body?.get(name)])
  )
  const sessions = store.ids.filter(id => !id.startsWith('le-auth:state:'))
  const known = [SECRET, EMULATOR_DEFAULTS.clientSecret, ...wire.tokens, ...requested, ...sessions]
  return new Set(known.filter(value => typeof value === 'string').filter(text => text.length > 8))
}

/** Where secrets were logged or shown, in words. */
function leaksOf(
  secrets: string[],
  logLines: string[],
  sent: Sent[],
  mayShow: RegExp | undefined
): string[] {
  const mayContain = (url: string): boolean =>
    url.startsWith('/token') || mayShow?.test(url) === true
  const searched = sent.filter(({ url }) => !mayContain(url))
  const leaks = secrets.flatMap(secret =>
    [...formsOf(secret)].flatMap(form => {
      const start = `${secret.slice(0, 6)}…`
      const shown = searched.filter(({ text }) => text.includes(form))
      return [
        ...(logLines.some(line => line.includes(form)) ? [`${start} in the log`] : []),
        ...shown.map(({ url }) => `${start} in the response to ${url.slice(0, 40)}`)
      ]
    })
  )
  return [...new Set(leaks)]
}

/** The ways in which a text may be written down. */
function formsOf(secret: string): Set<string> {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '')
  return new Set([
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    base64,
    base64.replaceAll('+', '-').replaceAll('/', '_'),
    Buffer.from(secret).toString('hex')
  ])
}
