import cookie from '@fastify/cookie'
import session, { type FastifySessionOptions } from '@fastify/session'
import t, { type Test } from 'tap'
import { SECRET, type Setting, startApp, type TestApp } from '../support/app.ts'
import { logIn } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'

/** Starts an app with this NODE_ENV. */
async function startIn(
  t: Test,
  environment: string | undefined,
  setting: Setting
): Promise<TestApp> {
  const before = process.env['NODE_ENV']
  set(environment)
  t.teardown(() => set(before))
  return startApp(t, setting)
}

function set(environment: string | undefined): void {
  if (environment === undefined) delete process.env['NODE_ENV']
  else process.env['NODE_ENV'] = environment
}

function warnings({ logLines }: TestApp): Array<{ level: number; reason: string; msg: string }> {
  const lines = logLines.map(line => JSON.parse(line))
  const ours = lines.filter(({ leAuth }) => leAuth?.event === 'setup_warning')
  return ours.map(({ level, leAuth, msg }) => ({ level, reason: leAuth.reason, msg }))
}

const ownSession = (options: Partial<FastifySessionOptions>): Setting => ({
  before: async app => {
    await app.register(cookie)
    await app.register(session, {
      secret: SECRET,
      saveUninitialized: false,
      cookie: { secure: false },
      ...options
    })
  }
})

t.test('The store in memory is reported once at start-up in production.', async t => {
  const app = await startIn(t, 'production', {})
  const sayings = warnings(app)
  t.match(sayings, [{ level: 40, reason: 'memory_store' }])
  t.match(sayings[0]!.msg, /end when it restarts, other processes do not know them/)
  t.match(sayings[0]!.msg, /Set the option store.* If one process is enough, set maxLogins/)
  await logIn(app, app.browser())
  t.equal(warnings(app).length, 1)
})

const silent: Array<[what: string, environment: string | undefined, setting: Setting]> = [
  ['outside production', undefined, {}],
  ['in a test', 'test', {}],
  ['if maxLogins is set', 'production', { options: { maxLogins: 1000 } }],
  ['if there is a store', 'production', { options: { store: new TestStore() } }],
  [
    'if the store is an object without a class',
    'production',
    { options: { store: Object.assign(Object.create(null), methodsOf(new TestStore())) } }
  ],
  ['if the app’s own session has a store', 'production', ownSession({ store: new TestStore() })],
  ['if the app’s own session is in memory outside production', 'test', ownSession({})]
]

function methodsOf(store: TestStore): object {
  return {
    get: store.get.bind(store),
    set: store.set.bind(store),
    destroy: store.destroy.bind(store)
  }
}

for (const [what, environment, setting] of silent) {
  t.test(`Nothing is reported ${what}.`, async t => {
    const app = await startIn(t, environment, setting)
    await logIn(app, app.browser())
    t.same(warnings(app), [])
  })
}

/** By its name, as that of express-session. */
class MemoryStore extends TestStore {}

const inMemory: Array<[what: string, setting: Setting]> = [
  ['@fastify/session’s own', { options: { store: new session.MemoryStore() } }],
  ['express-session’s own', { options: { store: new MemoryStore() } }],
  ['the app’s own registration of @fastify/session', ownSession({})]
]

for (const [what, setting] of inMemory) {
  t.test(`A session store in memory is reported once in production: ${what}.`, async t => {
    const app = await startIn(t, 'production', setting)
    await logIn(app, app.browser())
    const sayings = warnings(app)
    t.match(sayings, [{ level: 40, reason: 'session_memory_store' }])
    t.equal(sayings.length, 1)
    t.match(sayings[0]!.msg, /may grow without a limit\. Use a store such as one in Redis/)
  })
}
