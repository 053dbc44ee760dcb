import type { FastifyInstance } from 'fastify'
import { attack } from '../support/attack/attack.ts'
import type { Browser } from '../support/browser.ts'
import { Clock, HOUR, MINUTE, SECOND } from '../support/clock.ts'
import { FairLock } from '../support/fair-lock.ts'
import { AGENT, logIn, logOut } from '../support/login.ts'
import { rawRequest } from '../support/raw-http.ts'
import type { StoreTrouble } from '../support/stores.ts'
import { twoApps } from '../support/two-apps.ts'

const INSIDE = 'what only its users may see'

const TROUBLES: Array<[what: string, trouble: StoreTrouble]> = [
  ['that fails', 'error'],
  ['that throws', 'throw'],
  ['that finds nothing', { record: null }],
  ['that returns undefined', { record: undefined }],
  ['with an empty record', { record: {} }],
  ['with an array', { record: [] }],
  ['with a text', { record: 'x' }],
  ['with a number', { record: 7 }],
  ['with true', { record: true }],
  ['with half a record', { record: { cookie: {} } }],
  ['with a record that is not a text', { record: { leAuth: true } }],
  ['with an object', { record: { leAuth: { user: { id: AGENT.id, isAdmin: true } } } }],
  [
    'with a text that is not sealed',
    {
      record: {
        leAuth: JSON.stringify({
          user: { id: AGENT.id, isAdmin: true },
          loggedInAt: Date.now(),
          endsAt: Date.now() + 3_600_000
        })
      }
    }
  ],
  ['with an empty text', { record: { leAuth: '' } }],
  ['with empty parts', { record: { leAuth: '....' } }],
  [
    'with an empty seal',
    {
      record: {
        leAuth: `${Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString('base64url')}....`
      }
    }
  ],
  [
    'with the algorithm none',
    {
      record: {
        leAuth: `${Buffer.from('{"alg":"none"}').toString('base64url')}..${Buffer.from('{}').toString('base64url')}.`
      }
    }
  ]
]
let handled = 0

const PATHS = ['/inside', '/inside/hook', '/inside/admin']

for (const [kind, ways] of [
  ['login', ['one', 'other']],
  ['token set', ['other']]
] as const) {
  attack(
    'PB3',
    `the guard fails closed if the store returns no valid ${kind}`,
    'CVE-2026-73421',
    async t => {
      const { one, other, store, toOther } = await twoApps(t, {}, {}, { after: insideRoutes })
      const apps = { one, other }
      handled = 0
      for (const [what, trouble] of TROUBLES) {
        // A process that knows the login, and one that has never seen it.
        for (const way of ways) {
          const browser = one.browser()
          await logIn(one, browser)
          const here = way === 'one' ? browser : await toOther(browser)
          store.trouble = call =>
            call.operation === 'get' && call.kind === kind ? trouble : undefined
          for (const path of PATHS) {
            const { status, text } = await here.script(apps[way].url(path))
            t.ok([401, 503].includes(status), `${path} ${what}, ${way}: ${status}`)
            t.notOk(text.includes(INSIDE), `${path} ${what}`)
          }
          store.trouble = () => undefined
        }
      }
      t.equal(handled, 0, 'no handler ran')
      const browser = one.browser()
      await logIn(one, browser)
      t.equal(
        (await (await toOther(browser)).script(other.url('/inside'))).text,
        INSIDE,
        'a user gets in once the store works again'
      )
    }
  )
}

function insideRoutes(app: FastifyInstance): void {
  const handler = async (): Promise<string> => {
    handled += 1
    return INSIDE
  }
  app.get('/inside', { preHandler: app.requireAuth }, handler)
  app.get('/inside/hook', { onRequest: app.requireAuth }, handler)
  app.get('/inside/admin', { onRequest: app.requireAdmin }, handler)
}

const clock = new Clock()
attack(
  'PB3',
  'the guard refuses a login that has ended',
  'CVE-2026-73421',
  async (t, stage) => {
    const ends: Array<[what: string, end: (browser: Browser) => unknown]> = [
      ['idle for too long', () => clock.advance(HOUR + SECOND)],
      [
        'too old',
        async browser => {
          for (let i = 0; i < 17; i += 1) {
            clock.advance(29 * MINUTE)
            await browser.script(stage.url('/'))
          }
        }
      ],
      ['logged out', browser => logOut(stage, browser)],
      [
        'refused by Sentinel, with an expired access token',
        () => {
          clock.advance(59 * MINUTE)
          stage.sentinel.next('refresh', { status: 400, body: '{"error":"invalid_grant"}' })
        }
      ],
      [
        'gone from the store',
        () => {
          for (const id of stage.store.logins) stage.store.records.delete(id)
        }
      ],
      ['gone from the store with all other records', () => stage.store.records.clear()]
    ]
    for (const [what, end] of ends) {
      const browser = stage.browser()
      await logIn(stage, browser)
      t.match(await rawRequest(stage, '/inside', { browser }), { status: 200, text: INSIDE })
      const saved = await browser.copy()
      await end(browser)
      handled = 0
      for (const path of PATHS) {
        t.equal((await rawRequest(stage, path, { browser: saved })).status, 401, `${path}: ${what}`)
      }
      t.equal(handled, 0, `no handler ran: ${what}`)
    }
  },
  {
    options: { now: clock.now, lock: new FairLock() },
    emulator: {
      now: clock.now,
      lifetimes: { accessToken: 50 * MINUTE, refreshToken: 24 * HOUR, ssoSession: 24 * HOUR }
    },
    after: insideRoutes
  }
)

attack(
  'PB3',
  'the guard refuses records that lost a part in the store, or that were changed there',
  'CVE-2026-73421',
  async t => {
    const { one, other, store, toOther } = await twoApps(t, {}, {}, { after: insideRoutes })
    const changes: Array<[what: string, change: (sealed: string) => unknown]> = [
      ['one character missing', sealed => sealed.slice(0, -1)],
      ['only its first half', sealed => sealed.slice(0, sealed.length / 2)],
      ['one part missing', sealed => sealed.split('.').slice(0, -1).join('.')],
      ['another text in it', sealed => sealed.replace(/\.\.([\w-]+)\.[\w-]+/, '..$1.AAAA')],
      ['a shorter tag', sealed => sealed.replace(/[\w-]+$/, tag => tag.slice(0, 6))],
      [
        'another header',
        sealed =>
          sealed.replace(
            /^[\w-]+/,
            Buffer.from('{"alg":"dir","enc":"A128GCM"}').toString('base64url')
          )
      ],
      ['an array around it', sealed => [sealed]],
      ['nothing', () => undefined]
    ]
    handled = 0
    for (const [what, change] of changes) {
      for (const kind of ['logins', 'tokenSets'] as const) {
        const browser = one.browser()
        const before = new Set(store[kind])
        await logIn(one, browser)
        const [id] = store[kind].filter(id => !before.has(id))
        store.rewrite(id!, record => ({ ...record, leAuth: change(record.leAuth) }))
        const there = await toOther(browser)
        for (const path of PATHS) {
          t.equal(
            (await there.script(other.url(path))).status,
            401,
            `${path}: ${kind} with ${what}`
          )
        }
        if (kind === 'logins') {
          t.equal(
            (await browser.script(one.url('/inside'))).status,
            401,
            'a process that knows the login refuses it too'
          )
        }
      }
    }
    t.equal(handled, 0, 'no handler ran')
  }
)
