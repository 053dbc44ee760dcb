import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { EMULATOR_DEFAULTS } from '../../lib/emulator/index.ts'
import leAuth, { type LeAuthOptions } from '../../lib/index.ts'
import { Browser } from '../support/browser.ts'

const GOOD = {
  LE_ACCOUNT_ID: EMULATOR_DEFAULTS.accountId,
  LE_CLIENT_ID: EMULATOR_DEFAULTS.clientId,
  LE_CLIENT_SECRET: EMULATOR_DEFAULTS.clientSecret,
  LE_REDIRECT_URI: 'http://localhost:3000/callback',
  LE_AUTH_SECRET: 'a secret for tests, of more than 32 characters'
}
const OPTION_OF: Record<string, string> = {
  LE_ACCOUNT_ID: 'accountId',
  LE_CLIENT_ID: 'clientId',
  LE_CLIENT_SECRET: 'clientSecret',
  LE_REDIRECT_URI: 'redirectUri',
  LE_AUTH_SECRET: 'secret'
}
const outside = { ...process.env }

/** Sets these variables for one test, and unsets the plugin's other variables. */
function setVariables(variables: Record<string, string>): void {
  for (const name of Object.keys(GOOD)) delete process.env[name]
  Object.assign(process.env, variables)
}

t.afterEach(() => {
  for (const name of Object.keys(GOOD)) {
    if (outside[name] === undefined) delete process.env[name]
    else process.env[name] = outside[name]
  }
})

async function appWith(t: Test, options?: LeAuthOptions): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await (options === undefined ? app.register(leAuth) : app.register(leAuth, options))
  return app
}

/**
 * The authorization request of an app that sets sentinelDomain, so that no Domain API look-up
 * leaves this machine.
 */
async function authorizationRequest(app: FastifyInstance): Promise<URL> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  const server = `http://127.0.0.1:${(app.server.address() as { port: number }).port}`
  const response = await new Browser({ 'http://localhost:3000': server }).step(
    'http://localhost:3000/login'
  )
  return new URL(response.location!)
}

t.test('If the five environment variables are set, app.register(leAuth) is enough.', async t => {
  setVariables(GOOD)
  const app = await appWith(t)
  await app.ready()
  t.equal(typeof app.requireAuth, 'function')
  t.ok(app.hasRoute({ method: 'GET', url: '/login' }))
  t.ok(app.hasRoute({ method: 'GET', url: '/callback' }))
})

t.test('The values of the environment variables are sent to Sentinel.', async t => {
  setVariables(GOOD)
  const url = await authorizationRequest(
    await appWith(t, { sentinelDomain: 'va.sentinel.liveperson.net' })
  )
  t.match(url.pathname, `/account/${GOOD.LE_ACCOUNT_ID}/`)
  t.equal(url.searchParams.get('client_id'), GOOD.LE_CLIENT_ID)
  t.equal(url.searchParams.get('redirect_uri'), GOOD.LE_REDIRECT_URI)
})

t.test('An option takes precedence over its environment variable.', async t => {
  setVariables({
    ...GOOD,
    LE_ACCOUNT_ID: '../bad',
    LE_CLIENT_ID: 'of-the-variable',
    LE_REDIRECT_URI: 'http://localhost:3000/other',
    LE_AUTH_SECRET: 'too short',
    LE_CLIENT_SECRET: 'two words'
  })
  const url = await authorizationRequest(
    await appWith(t, {
      sentinelDomain: 'va.sentinel.liveperson.net',
      accountId: '87654321',
      clientId: 'of-the-option',
      clientSecret: 'x',
      redirectUri: GOOD.LE_REDIRECT_URI,
      secret: GOOD.LE_AUTH_SECRET
    })
  )
  t.match(url.pathname, '/account/87654321/')
  t.equal(url.searchParams.get('client_id'), 'of-the-option')
  t.equal(url.searchParams.get('redirect_uri'), GOOD.LE_REDIRECT_URI)
})

t.test('An option that is undefined or null falls back to its environment variable.', async t => {
  setVariables(GOOD)
  for (const value of [undefined, null]) {
    const options = Object.fromEntries(Object.values(OPTION_OF).map(name => [name, value]))
    await t.resolves(appWith(t, options as LeAuthOptions), String(value))
  }
})

t.test(
  'The error for a missing setting names both its option and its environment variable.',
  async t => {
    for (const [variable, option] of Object.entries(OPTION_OF)) {
      setVariables({ ...GOOD, [variable]: '' })
      for (const unset of [false, true]) {
        if (unset) delete process.env[variable]
        await t.rejects(appWith(t), {
          code: 'LE_AUTH_OPTIONS_INVALID',
          message: `fastify-le-auth cannot start:\n- ${option} is missing: set the option or ${variable}`
        })
      }
    }
  }
)

t.test('An environment variable is checked like its option, and no secret is printed.', async t => {
  setVariables({
    ...GOOD,
    LE_AUTH_SECRET: 'do-not-print-me',
    LE_CLIENT_SECRET: 'do-not print-me',
    LE_ACCOUNT_ID: 'a/b'
  })
  const error: Error = await appWith(t).then(
    () => {
      throw new Error('it started')
    },
    error => error
  )
  t.equal(
    error.message,
    `fastify-le-auth cannot start:
- accountId must be a string of 1 to 64 letters, digits, - or _
- clientSecret must be the secret that LivePerson issued, without spaces or line breaks
- secret must have 32 characters or more, but one has 15. Make a new secret with openssl rand -base64 32`
  )
})
