import type { FastifyInstance } from 'fastify'
import { AGENT, logIn } from '../support/app.js'
import { rawRequest } from '../support/raw-request.js'
import { attack } from '../support/stage.js'
import type { StoreTrouble } from '../support/stores.js'

const INSIDE = 'what only its users may see'

const SESSIONS: Array<[what: string, trouble: StoreTrouble]> = [
  ['that fails', 'error'], ['that throws', 'throw'], ['that knows nothing', { record: null }], ['that says undefined', { record: undefined }],
  ['with an empty record', { record: {} }], ['with an array', { record: [] }], ['with a text', { record: 'x' }], ['with a number', { record: 7 }], ['with true', { record: true }],
  ['with half a record', { record: { leAuth: { user: { id: AGENT.id } } } }], ['with a login that is true', { record: { leAuth: true } }], ['with a login of another form', { record: { leAuth: { version: 99, user: AGENT.id } } }],
  ['with no user', { record: { leAuth: { tokenSetId: 'x', loggedInAt: 1, activeAt: 1 } } }], ['with an administrator without tokens', { record: { leAuth: { user: { id: AGENT.id, isAdmin: true }, tokenSetId: 'le-auth:tokens:none', accountId: '12345678', loggedInAt: Date.now(), activeAt: Date.now() } } }],
  ['with half a token set', { record: { leAuthTokenSet: { sealed: 'x' } } }], ['with a token set that is no object', { record: { leAuthTokenSet: 'x' } }]
]
let handled = 0

for (const kind of ['session', 'token set'] as const) {
  attack('PB3', `the guard stays shut before a store of a ${kind}`, 'CVE-2026-73421', async (t, stage) => {
    const browser = stage.browser()
    await logIn(stage, browser)
    t.match(await rawRequest(stage, '/inside', { browser }), { status: 200, text: INSIDE })
    handled = 0
    for (const [what, trouble] of SESSIONS) {
      stage.store.trouble = call => call.operation === 'get' && call.kind === kind ? trouble : undefined
      for (const path of ['/inside', '/inside/hook', '/inside/admin']) {
        const { status, text } = await rawRequest(stage, path, { browser })
        t.ok([401, 403, 500, 503].includes(status), `${path} ${what}: ${status}`)
        t.notOk(text.includes(INSIDE), `${path} ${what}`)
      }
    }
    t.equal(handled, 0, 'no handler ran')
  }, { after: insideRoutes })
}

function insideRoutes (app: FastifyInstance): void {
  const handler = async (): Promise<string> => { handled += 1; return INSIDE }
  app.get('/inside', { preHandler: app.requireAuth }, handler)
  app.get('/inside/hook', { onRequest: app.requireAuth }, handler)
  app.get('/inside/admin', { onRequest: app.requireAdmin }, handler)
}

attack('PB3', 'and for a login that is over', 'CVE-2026-73421', async (t, stage) => {
  const changes: Array<[what: string, change: (login: any) => object]> = [
    ['idle for too long', login => ({ ...login, activeAt: login.activeAt - 2 * 3_600_000 })], ['too old', login => ({ ...login, loggedInAt: login.loggedInAt - 9 * 3_600_000 })],
    ['without times', ({ loggedInAt, activeAt, ...login }) => login], ['with times that are none', login => ({ ...login, loggedInAt: 'x', activeAt: null })], ['of another account', login => ({ ...login, accountId: '1' })],
    ['of another client', login => ({ ...login, clientId: '1' })], ['of nobody', login => ({ ...login, user: {} })], ['without tokens', ({ tokenSetId, ...login }) => login], ['with another’s tokens', login => ({ ...login, tokenSetId: 'le-auth:tokens:x' })]
  ]
  handled = 0
  for (const [what, change] of changes) {
    const browser = stage.browser()
    const before = new Set(stage.store.logins)
    await logIn(stage, browser)
    const [id] = stage.store.logins.filter(login => !before.has(login))
    stage.store.rewrite(id!, record => ({ ...record, leAuth: change(record.leAuth) }))
    for (const path of ['/inside', '/inside/hook', '/inside/admin']) t.equal((await rawRequest(stage, path, { browser })).status, 401, `${path}: ${what}`)
  }
  t.equal(handled, 0, 'no handler ran')
}, { after: insideRoutes })

attack('PB3', 'and for tokens that are over, or of which the store has lost a part', 'CVE-2026-73421', async (t, stage) => {
  const changes: Array<[what: string, change: (tokenSet: any) => object]> = [
    ['over', tokenSet => ({ ...tokenSet, endsAt: Date.now() - 1 })], ['without the tokens', ({ sealed, ...rest }) => rest], ['without the time of a refresh', ({ refreshAt, ...rest }) => rest],
    ['without an end of the access token', ({ expiresAt, ...rest }) => rest], ['without an end of the login', ({ endsAt, ...rest }) => rest], ['with an end of the login as text', tokenSet => ({ ...tokenSet, endsAt: String(tokenSet.endsAt) })],
    ['with times that are none', tokenSet => ({ ...tokenSet, refreshAt: 'x', expiresAt: 'x', endsAt: 'x' })]
  ]
  handled = 0
  for (const [what, change] of changes) {
    const browser = stage.browser()
    const before = new Set(stage.store.tokenSets)
    await logIn(stage, browser)
    const [id] = stage.store.tokenSets.filter(tokenSet => !before.has(tokenSet))
    stage.store.rewrite(id!, record => ({ ...record, leAuthTokenSet: change(record.leAuthTokenSet) }))
    for (const path of ['/inside', '/inside/hook', '/inside/admin']) t.equal((await rawRequest(stage, path, { browser })).status, 401, `${path}: ${what}`)
  }
  t.equal(handled, 0, 'no handler ran')
}, { after: insideRoutes })
