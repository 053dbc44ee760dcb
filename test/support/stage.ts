import { connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { Agent } from 'undici'
import { EMULATOR_DEFAULTS, type SentinelEmulator } from '../../lib/emulator/index.js'
import { SECRET, startApp, upToCallback, whoAnswers, type Person, type Setting, type TestApp } from './app.js'
import type { Answer, Browser } from './browser.js'
import { TestStore } from './stores.js'
import { Wiretap } from './wiretap.js'

/** An app on the plugin, with all that an attack on it can be judged by. */
export interface Stage extends TestApp {
  store: TestStore
  /** LOGIN: begins a login, and returns its state. */
  login: (browser: Browser, query?: string) => Promise<string>
  /** CB: presents a callback, as a person's browser does. */
  callback: (browser: Browser, query: string) => Promise<Answer>
  /** A code that Sentinel gave this person, in a browser of their own, for a login that was begun at this app. */
  codeOf: (person?: Person) => Promise<string>
  /** ME: who is logged in, `null` when nobody is. @throws Error when the answer says neither */
  me: (browser: Browser) => Promise<string | null>
  /** T: how many requests reached the token endpoint. */
  exchanges: () => number
  /** Sends bytes as they are, and returns what comes back until the server is silent. */
  raw: (text: string) => Promise<string>
  /** Values that must stay secret in this test besides those that the stage knows by itself. */
  secrets: Set<string>
}

/** What an attack asks of its stage besides the app's own setting. */
export interface AttackSetting extends Setting {
  /** Answers in which a secret is expected, by a word in their URL: none of the plugin's. */
  mayShow?: RegExp
}

/**
 * Replays one row of the list of attacks: a test named by its id and the place where it was published. When it is over,
 * everything that the app has logged or sent is searched for everything that is secret.
 */
export function attack (id: string, promise: string, source: string, replay: (t: Test, stage: Stage) => Promise<unknown>, setting: AttackSetting = {}): void {
  t.test(`${id} ${promise} [${source}]`, async t => {
    const stage = await setStage(t, setting)
    await replay(t, stage)
    stage.expectNoLeak()
  })
}

async function setStage (t: Test, { mayShow, ...setting }: AttackSetting): Promise<Stage & { expectNoLeak: () => void }> {
  const store = new TestStore()
  const wire = new Wiretap(setting.options?.dispatcher ?? new Agent())
  const sent: Sent[] = []
  const app = await startApp(t, {
    ...setting,
    options: { ...setting.options, dispatcher: wire, session: { store, ...setting.options?.session } },
    before: async server => {
      listen(server, sent)
      await setting.before?.(server)
    }
  })
  t.teardown(() => wire.close())
  const secrets = new Set<string>()
  return {
    ...app,
    store,
    secrets,
    async login (browser, query = '') {
      const { location } = await browser.step(app.url(`/login${query}`))
      return new URL(location ?? 'none:').searchParams.get('state') ?? ''
    },
    callback: (browser, query) => browser.step(app.url(`/callback?${query}`)),
    async codeOf (person) {
      return new URL(await upToCallback(app, app.browser(), '/login', person)).searchParams.get('code')!
    },
    me: async browser => whoAnswers(await browser.script(app.url('/me'))),
    exchanges: () => app.calls('token'),
    raw: text => rawExchange(app.server, text),
    expectNoLeak () {
      const leaks = new Set<string>()
      for (const secret of [...secrets, ...knownSecrets(app.sentinel, wire, store)]) {
        for (const form of formsOf(secret)) {
          if (app.logLines.some(line => line.includes(form))) leaks.add(`${secret.slice(0, 6)}… in the log`)
          for (const { url, text } of sent) {
            if (text.includes(form) && !url.startsWith('/token') && mayShow?.test(url) !== true) leaks.add(`${secret.slice(0, 6)}… in the answer to ${url.slice(0, 40)}`)
          }
        }
      }
      t.same([...leaks], [], 'nothing secret was logged or shown')
    }
  }
}

/** One answer of the app: where it was asked for, its header lines and its body. */
interface Sent {
  url: string
  text: string
}

/** Headers in which the plugin has to say something that is secret to everybody else. */
const MUST_SAY = ['set-cookie', 'location']

function listen (server: FastifyInstance, sent: Sent[]): void {
  const bodies = new WeakMap<object, string>()
  server.addHook('onSend', async (request, _reply, payload) => { bodies.set(request, typeof payload === 'string' || Buffer.isBuffer(payload) ? String(payload) : '') })
  server.addHook('onResponse', async (request, reply) => {
    const headers = Object.entries(reply.getHeaders()).filter(([name]) => !MUST_SAY.includes(name))
    sent.push({ url: request.url, text: JSON.stringify(headers) + (bodies.get(request) ?? '') })
  })
}

/** Every token, code, verifier, secret and session id that has been on the wire or is in the store. */
function knownSecrets (sentinel: SentinelEmulator, wire: Wiretap, store: TestStore): Set<string> {
  const asked = sentinel.requests.flatMap(({ query, body }) =>
    ['code', 'state', 'code_verifier', 'client_secret', 'refresh_token', 'token'].flatMap(name => [query.get(name), body?.get(name)]))
  const sessions = [...store.records.keys()].filter(id => !id.startsWith('le-auth:state:'))
  const known = [SECRET, EMULATOR_DEFAULTS.clientSecret, ...wire.tokens, ...asked, ...sessions]
  return new Set(known.filter((value): value is string => typeof value === 'string' && value.length > 8))
}

/** The ways in which a text may be written down. */
function formsOf (secret: string): Set<string> {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '')
  return new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), base64, base64.replaceAll('+', '-').replaceAll('/', '_'), Buffer.from(secret).toString('hex')])
}

function rawExchange (server: string, text: string): Promise<string> {
  const { hostname, port } = new URL(server)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let answer = ''
    const end = (): void => { socket.destroy(); resolve(answer) }
    socket.setTimeout(2000, end)
    socket.on('data', data => { answer += data })
    socket.on('error', reject)
    socket.on('close', end)
    socket.write(text, 'latin1')
  })
}
