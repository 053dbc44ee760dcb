import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Agent } from 'undici'
import { Agent as Agent6, ProxyAgent as ProxyAgent6 } from 'undici-6'
import type { LeAuthOptions } from '../../lib/index.ts'
import { startApp } from '../support/app.ts'
import { AGENT, logIn } from '../support/login.ts'
import { startForwardProxy } from '../support/forward-proxy.ts'
import { freePort } from '../support/servers.ts'

type Dispatcher = NonNullable<LeAuthOptions['dispatcher']>

/** undici 8 needs Node 22.19, which has this. */
const hasUndici8 = 'createZstdDecompress' in (await import('node:zlib'))

/** Counts the calls that a dispatcher gets, and passes them on. */
function counted(dispatcher: Dispatcher): Dispatcher & { calls: number } {
  return {
    calls: 0,
    dispatch(options, handler) {
      this.calls += 1
      return dispatcher.dispatch(options, handler)
    }
  }
}

async function logsInAndFetches(t: Test, dispatcher: Dispatcher): Promise<void> {
  const app = await startApp(t, { options: { dispatcher } })
  const browser = app.browser()
  await logIn(app, browser)
  t.equal((await browser.script(app.url('/me'))).json().id, AGENT.id)
  const { status, users } = (await browser.script(app.url('/users'))).json()
  t.equal(status, 200)
  t.ok(users.length > 1)
}

/** A connection that is refused, and not "the Domain API cannot be used". */
async function reportsRefusal(t: Test, dispatcher: Dispatcher): Promise<void> {
  const app = await startApp(t, {
    options: { dispatcher, domainApi: `http://127.0.0.1:${await freePort()}` }
  })
  t.equal((await app.browser().step(app.url('/login'))).status, 503)
  t.match(app.events().at(-1), { reason: 'ECONNREFUSED' })
}

async function works(t: Test, agent: Dispatcher & { close: () => Promise<void> }): Promise<void> {
  t.teardown(() => agent.close())
  const dispatcher = counted(agent)
  await logsInAndFetches(t, dispatcher)
  t.ok(dispatcher.calls >= 4, `${dispatcher.calls} calls`)
}

t.test('A dispatcher of undici 6 makes the calls.', async t => {
  await works(t, new Agent6())
  await reportsRefusal(t, new Agent6())
})

t.test('A dispatcher of another copy of undici 7 makes the calls.', t => works(t, new Agent()))

/** A newer Node, for machines where Node itself is too old for undici 8. */
const newerNode = process.env['NEWER_NODE']

if (hasUndici8 || newerNode === undefined) {
  t.test(
    'A dispatcher of undici 8 makes the calls.',
    { skip: hasUndici8 ? false : 'undici 8 needs Node 22.19, and NEWER_NODE names none' },
    async t => {
      const undici8 = await import('undici-8')
      await works(t, new undici8.Agent())
      await reportsRefusal(t, new undici8.Agent())
      await works(t, new undici8.RetryAgent(new undici8.Agent()))
      const proxy = await startForwardProxy(t)
      await works(t, new undici8.ProxyAgent(proxy.url))
      t.ok(proxy.targets().length > 0)
    }
  )
} else {
  t.test('A dispatcher of undici 8 makes the calls, in a newer Node.', async t => {
    const loader = join(import.meta.dirname, '../typescript.js')
    const args = ['--import', loader, import.meta.filename]
    // Without coverage, because another V8 reports other functions.
    const env = { ...process.env, _TAPJS_PROCESSINFO_COVERAGE_: '0' }
    const { status, stdout } = spawnSync(newerNode, args, { encoding: 'utf8', env })
    t.equal(status, 0, stdout.slice(-2000))
    t.match(stdout, /ok \d+ - A dispatcher of undici 8 makes the calls\.(?! # SKIP)/)
  })
}

t.test('A ProxyAgent of undici 6 makes the calls.', async t => {
  const proxy = await startForwardProxy(t)
  const agent = new ProxyAgent6(proxy.url)
  t.teardown(() => agent.close())
  await logsInAndFetches(t, agent)
  t.ok(proxy.targets().length > 0)
})

t.test("The dispatcher of Node's own fetch makes the calls.", async t => {
  // Node makes it at its first fetch.
  await fetch('data:,').catch(() => {})
  await logsInAndFetches(t, (globalThis as any)[Symbol.for('undici.globalDispatcher.1')])
})
