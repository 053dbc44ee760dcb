import cookie, { Signer } from '@fastify/cookie'
import session from '@fastify/session'
import type { FastifyInstance } from 'fastify'
import { attack } from '../support/attack/attack.ts'
import { whoIs } from '../support/checks.ts'
import { cookieHeader, cookieOf, loginCookie } from '../support/cookies.ts'
import { ADMIN, AGENT, enter, upToCallback } from '../support/login.ts'
import { TestStore } from '../support/stores.ts'

const APP_SECRET = 'a secret of the app itself, of more than 32 characters'

/** Routes that keep data in the session. */
function withCart(app: FastifyInstance): void {
  app.get('/fill', async ({ session }) => {
    Object.assign(session, { cart: ['a book'], role: 'admin', _csrf: 'planted' })
    return 'filled'
  })
  app.get('/session', async ({ session }) => ({
    keys: Object.keys(session)
      .filter(key => !['cookie', 'leAuth'].includes(key))
      .sort(),
    cart: Reflect.get(session, 'cart')
  }))
}

const FIXATION = 'CVE-2023-29019, CVE-2021-41246, CVE-2022-25896'

attack(
  'SF1',
  'a login gets a new session id, and the old one is worthless',
  FIXATION,
  async (t, stage) => {
    const browser = stage.browser()
    await browser.navigate(stage.url('/fill'))
    const before = await cookieHeader(stage, browser)
    const [oldId] = [...stage.store.records.keys()]
    await enter(stage, browser)

    t.equal(await stage.me(browser), AGENT.id)
    t.not(await cookieHeader(stage, browser), before)
    t.notOk(stage.store.records.has(oldId!), 'the old id is gone from the store')
    t.equal(await whoIs(stage, stage.browser(), before), null, 'the old cookie logs nobody in')
    t.equal(stage.store.logins.length, 1)
  },
  { after: withCart }
)

const appStore = new TestStore()
attack(
  'SF1',
  'a login in a browser with a planted login gets a new id, and the planted one is worthless',
  FIXATION,
  async (t, stage) => {
    const attacker = stage.browser()
    await enter(stage, attacker, ADMIN)
    const planted = await cookieHeader(stage, attacker)
    const victim = stage.browser()
    await victim.jar.setCookie(`${planted}; Path=/`, stage.origin)
    const response = await enter(stage, victim)

    t.equal(await stage.me(victim), AGENT.id)
    t.not(loginCookie(response), planted, 'the login has a cookie of its own')
    t.equal(await whoIs(stage, stage.browser(), planted), null, 'the planted cookie logs nobody in')
    t.equal(stage.store.logins.length, 1)
  }
)

attack(
  'SF1',
  'a login gets a new session id in the app’s own session plugin too',
  FIXATION,
  async (t, stage) => {
    const browser = stage.browser()
    await browser.navigate(stage.url('/'))
    const before = await cookieHeader(stage, browser)
    const [oldId] = [...appStore.records.keys()]
    t.ok(oldId, 'the plugin’s default settings store the session of every visitor')
    await enter(stage, browser)

    t.equal(await stage.me(browser), AGENT.id)
    t.notOk(appStore.records.has(oldId!))
    t.equal(await whoIs(stage, stage.browser(), before), null)
  },
  {
    options: { store: undefined },
    before: async app => {
      await app.register(cookie)
      await app.register(session, {
        secret: APP_SECRET,
        store: appStore,
        cookie: { secure: false }
      })
    }
  }
)

attack(
  'SF2',
  'a login keeps nothing that was put into the session before it',
  'CVE-2023-29020',
  async (t, stage) => {
    const browser = stage.browser()
    await browser.navigate(stage.url('/fill'))
    await enter(stage, browser)
    t.same((await browser.script(stage.url('/session'))).json(), { keys: [] })
  },
  { after: withCart }
)

attack(
  'SF2',
  'a login keeps only the session keys that the app lists',
  'CVE-2023-29020',
  async (t, stage) => {
    const browser = stage.browser()
    await browser.navigate(stage.url('/fill'))
    await enter(stage, browser)
    t.same((await browser.script(stage.url('/session'))).json(), {
      keys: ['cart'],
      cart: ['a book']
    })
  },
  { after: withCart, options: { session: { keep: ['cart'] } as never } }
)

/** Values that an attacker may put into a cookie. `id` is the store's key of a valid cookie. */
function chosenValues(id: string, signature: string | undefined): Record<string, string> {
  const foreign = new Signer('another secret, also of more than 32 characters')
  return {
    garbage: 'garbage',
    'an id of the attacker’s': 'chosen-by-the-attacker',
    'an id of the right form': 'chosen'.padEnd(43, 'x'),
    'the store’s key of a valid cookie': id,
    'the same, without what is around it': id.split(':').at(-1)!,
    'the same, signed with nothing': `${id}.`,
    'the same, signed with another secret': encodeURIComponent(foreign.sign(id)),
    'a chosen id with a valid signature': `chosen-by-the-attacker.${signature}`,
    empty: '',
    'only a signature': `.${signature}`,
    'not decodable': '%E0%A4%A',
    'the name of a property of every object': '__proto__',
    'eight kilobytes': 'a'.repeat(8192)
  }
}

for (const name of ['le-auth', 'le-auth.session']) {
  attack(
    'SF3',
    `a client cannot choose the id in the cookie ${name}`,
    'OWASP Session Management Cheat Sheet',
    async (t, stage) => {
      const victim = stage.browser()
      await enter(stage, victim)
      await victim.script(stage.url('/fill'))
      const { id } = stage.store.calls
        .filter(
          ({ operation, kind }) =>
            operation === 'set' && kind === (name === 'le-auth' ? 'login' : 'session')
        )
        .at(-1)!
      const chosen = Object.entries(
        chosenValues(id, (await cookieOf(stage, victim, 'le-auth.session'))!.split('.').at(-1))
      )
      for (const [what, value] of chosen) {
        const browser = stage.browser()
        await browser.jar.setCookie(`${name}=${value}; Path=/`, stage.origin)
        t.equal(await stage.me(browser), null, `${what}: nobody is logged in`)
        t.same(
          (await browser.script(stage.url('/session'))).json(),
          { keys: [] },
          `${what}: the session is empty`
        )
        const responses = [await browser.script(stage.url('/fill')), await enter(stage, browser)]
        t.same(
          responses.map(({ status }) => status),
          [200, 303],
          `${what}: a login still works`
        )
        t.equal(await stage.me(browser), AGENT.id)
        t.notMatch(responses.flatMap(({ setCookies }) => setCookies).join(), 'chosen')
      }
      t.notOk(
        [...stage.store.records.keys()].some(
          id => /chosen|garbage/.test(id) || id === '' || id.length > 100
        ),
        'none of them was adopted'
      )
      t.equal(stage.store.logins.length, chosen.length + 1, 'each login has an id of its own')
      t.equal(await stage.me(victim), AGENT.id, 'the victim’s login is unchanged')
      t.same((await victim.script(stage.url('/session'))).json().cart, ['a book'])
    },
    { after: withCart }
  )
}

attack(
  'SF3',
  'a client cannot choose the id of a login with a cookie that is sent twice',
  'OWASP Session Management Cheat Sheet',
  async (t, stage) => {
    const victim = stage.browser()
    await enter(stage, victim)
    const knownId = stage.store.logins[0]!.split(':').at(-1)!
    const chosen = 'le-auth=chosen-by-the-attacker'
    const doubled = [
      `${chosen}; ${chosen}`,
      `le-auth=${knownId}; le-auth=${knownId}`,
      `${chosen}; le-auth=${knownId}`,
      `le-auth=; ${chosen}`,
      `${chosen}; ${await cookieHeader(stage, victim)}`
    ]
    for (const cookies of doubled) {
      t.equal(await whoIs(stage, stage.browser(), cookies), null, 'nobody is logged in')
      const browser = stage.browser()
      const callback = await upToCallback(stage, browser)
      const response = await stage.browser().send(callback, {
        headers: { cookie: `${cookies}; ${await cookieHeader(stage, browser)}` }
      })
      t.equal(response.status, 303, 'a login works all the same')
      t.equal(await whoIs(stage, stage.browser(), loginCookie(response)), AGENT.id)
      t.notMatch(response.setCookies.join(), /chosen-by-the-attacker/)
      t.notOk(response.setCookies.join().includes(knownId))
    }
    t.notOk(
      [...stage.store.records.keys()].some(id => id.includes('chosen')),
      'none of them was adopted'
    )
    t.equal(stage.store.logins.length, doubled.length + 1, 'each login has an id of its own')
    t.equal(await stage.me(victim), AGENT.id, 'the victim’s login is unchanged')
  }
)

attack(
  'SF4',
  'the next user of the same browser finds nothing of the user before',
  'OWASP Session Management Cheat Sheet',
  async (t, stage) => {
    const browser = stage.browser()
    await enter(stage, browser, AGENT)
    await browser.navigate(stage.url('/fill'))
    const first = await cookieHeader(stage, browser)
    const [firstLogin, firstTokens] = [stage.store.logins[0]!, stage.store.tokenSets[0]!]

    await enter(stage, browser, ADMIN)
    t.equal(await stage.me(browser), ADMIN.id)
    t.same((await browser.script(stage.url('/session'))).json(), { keys: [] })
    t.equal(await whoIs(stage, stage.browser(), first), null)
    t.notOk(stage.store.records.has(firstLogin), 'the first login is gone from the store')
    t.notOk(stage.store.records.has(firstTokens), 'its tokens are gone from the store')
    t.equal(stage.store.tokenSets.length, 1)
  },
  { after: withCart }
)

attack(
  'SF4',
  'listed session data of a visitor or of the same user survives a login, that ' +
    'of another user does not',
  'OWASP Session Management Cheat Sheet',
  async (t, stage) => {
    const browser = stage.browser()
    const cart = async (): Promise<unknown> =>
      (await browser.script(stage.url('/session'))).json().cart
    await browser.navigate(stage.url('/fill'))
    await enter(stage, browser, AGENT)
    t.same(await cart(), ['a book'], 'the visitor’s')
    await enter(stage, browser, AGENT)
    t.same(await cart(), ['a book'], 'the same user’s')
    await enter(stage, browser, ADMIN)
    t.equal(await cart(), undefined, 'not the other user’s')
  },
  { after: withCart, options: { session: { keep: ['cart'] } as never } }
)
