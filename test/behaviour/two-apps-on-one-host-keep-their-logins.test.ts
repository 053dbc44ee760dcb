import type { FastifyInstance } from 'fastify'
import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { EMULATOR_DEFAULTS, startSentinelEmulator } from '../../lib/emulator/index.ts'
import leAuth, { type LeAuthOptions } from '../../lib/index.ts'
import { startApp, startScopedApp, type TestApp } from '../support/app.ts'
import { Browser } from '../support/browser.ts'
import { launchChromium, signInOn } from '../support/chromium.ts'
import { logIn, logOut } from '../support/login.ts'
import { freePort } from '../support/servers.ts'

/** The name that the plugin chooses itself. */
const DEFAULT_NAME: LeAuthOptions = { cookie: { name: undefined } }

const LOG_OUT = '<form method="post" action="LOGOUT"><button>Log out</button></form>'

/** A page with the user's id and a button to log out. */
function homeOf(app: FastifyInstance, path: string): void {
  app.get(`${path}home`, async ({ leAuth }, reply) => {
    const logOut = LOG_OUT.replace('LOGOUT', `${app.prefix}/logout`)
    return reply.type('text/html').send(`${leAuth?.user.id ?? 'nobody'}${logOut}`)
  })
}

async function open(page: Page, url: string): Promise<string> {
  await page.goto(url)
  return (await page.textContent('body'))!.replace('Log out', '')
}

/** Logs in to both, checks both, logs out of the first one, and checks both again. */
async function useBoth(t: Test, context: BrowserContext, bases: [string, string]): Promise<void> {
  const page = await context.newPage()
  const [first, second] = bases
  await page.goto(`${first}/login?returnTo=${new URL(first).pathname.replace(/\/$/, '')}/home`)
  await signInOn(page, EMULATOR_DEFAULTS.loginNames.agent)
  await page.waitForURL(`${first}/home`)
  // LivePerson's single sign-on answers for the second one.
  await page.goto(`${second}/login?returnTo=${new URL(second).pathname.replace(/\/$/, '')}/home`)
  await page.waitForURL(`${second}/home`)
  t.match(await open(page, `${first}/home`), /^\d+$/, 'the first one is still logged in')
  t.match(await open(page, `${second}/home`), /^\d+$/, 'and so is the second one')

  await page.goto(`${first}/home`)
  await page.getByRole('button').click()
  t.equal(await open(page, `${first}/home`), 'nobody', 'the first one is logged out')
  t.match(await open(page, `${second}/home`), /^\d+$/, 'the second one is not')
}

t.test('Two apps on two ports of one host stay logged in side by side.', async t => {
  const browser = await launchChromium(t)
  if (browser === null) return
  const sentinel = await startSentinelEmulator()
  t.teardown(() => sentinel.close())
  const start = async (): Promise<TestApp> => {
    const port = await freePort()
    const after = (app: FastifyInstance): void => homeOf(app, '/')
    const origin = `http://127.0.0.1:${port}`
    return startApp(t, { sentinel, origin, port, options: DEFAULT_NAME, after })
  }
  const [one, other] = [await start(), await start()]
  await useBoth(t, await browser.newContext(), [one.origin, other.origin])
})

t.test('Two apps on two paths of one origin stay logged in side by side.', async t => {
  const browser = await launchChromium(t)
  if (browser === null) return
  const port = await freePort()
  const app = await startScopedApp(t, {
    origin: `http://127.0.0.1:${port}`,
    port,
    callbacks: ['/desk/callback', '/desk2/callback'],
    build: async (app, optionsAt) => {
      for (const prefix of ['/desk', '/desk2']) {
        await app.register(
          async scope => {
            await scope.register(leAuth, { ...optionsAt(`${prefix}/callback`), ...DEFAULT_NAME })
            homeOf(scope, '/')
          },
          { prefix }
        )
      }
    }
  })
  await useBoth(t, await browser.newContext(), [app.url('/desk'), app.url('/desk2')])
})

/** The name of the login cookie that an app sets. */
async function nameIn(app: TestApp): Promise<string> {
  const browser = app.browser()
  await logIn(app, browser)
  return (await browser.cookieNames(app.url('/'))).join()
}

t.test('All processes of an app use one cookie name, and other apps use others.', async t => {
  const sentinel = await startSentinelEmulator()
  t.teardown(() => sentinel.close())
  const another = { ...sentinel.accounts[0]!.applications[0]!, clientId: 'another-client' }
  sentinel.accounts[0]!.applications.push(another)
  const nameOf = async (options: LeAuthOptions, origin = 'http://localhost:3000') =>
    nameIn(await startApp(t, { sentinel, origin, options: { ...DEFAULT_NAME, ...options } }))
  const name = await nameOf({})
  t.match(name, /^le-auth-[0-9a-f]{8}$/)
  t.equal(await nameOf({ secret: 'another secret, of more than 32 characters' }), name)
  t.equal(await nameOf({ cookie: { name: 'desk' } }), 'desk', 'a name of the app’s own is kept')
  const others = [
    await nameOf({ clientId: 'another-client' }),
    await nameOf({}, 'http://localhost:3001')
  ]
  t.equal(new Set([name, ...others]).size, 3, others.join())
})

t.test('An app clears no session cookie of another app with the same cookie name.', async t => {
  const store = (app: FastifyInstance): void => {
    app.get('/fill', async ({ session }) => Object.assign(session, { cart: 'pen' }).cart)
  }
  const one = await startApp(t, { after: store, options: { secret: 'x'.repeat(32) } })
  const other = await startApp(t, { origin: 'http://localhost:3001' })
  const browser = new Browser({ [one.origin]: one.server, [other.origin]: other.server })
  await browser.script(one.url('/fill'))
  const names = await browser.cookieNames(one.url('/'))
  t.same(names, ['le-auth.session'])
  await browser.script(other.url('/'))
  t.same(await browser.cookieNames(one.url('/')), names, 'by a visit')
  await logIn(other, browser)
  await logOut(other, browser)
  t.ok((await browser.cookieNames(one.url('/'))).includes(names[0]!), 'by a login and a logout')
})

t.test('An app clears no pending login of an app whose cookie name is longer.', async t => {
  const one = await startApp(t, { options: { cookie: { name: 'le-auth-3f9a1c20' } } })
  const other = await startApp(t, { origin: 'http://localhost:3001' })
  const browser = new Browser({ [one.origin]: one.server, [other.origin]: other.server })
  await browser.step(one.url('/login'))
  for (let i = 0; i < 7; i += 1) await browser.step(other.url('/login'))
  const names = await browser.cookieNames(one.url('/'))
  t.equal(names.filter(name => name.startsWith('le-auth-3f9a1c20.login.')).length, 1)
  t.equal(names.filter(name => name.startsWith('le-auth.login.')).length, 5)
})
