import cookie, { Signer } from '@fastify/cookie'
import session from '@fastify/session'
import type { FastifyInstance } from 'fastify'
import { ADMIN, AGENT } from '../support/app.js'
import type { Answer } from '../support/browser.js'
import { cookieHeader, enter, signedIn, whoIs } from '../support/enter.js'
import { attack, type Stage } from '../support/stage.js'
import { TestStore } from '../support/stores.js'

const APP_SECRET = 'a secret of the app itself, of more than 32 characters'

/** Routes with which an app keeps things in the session. */
function withCart (app: FastifyInstance): void {
  app.get('/fill', async ({ session }) => { Object.assign(session, { cart: ['a book'], role: 'admin', _csrf: 'planted' }); return 'filled' })
  app.get('/session', async ({ session }) => ({ keys: Object.keys(session).filter(key => key !== 'cookie').sort(), cart: Reflect.get(session, 'cart') }))
}

const FIXATION = 'CVE-2023-29019, CVE-2021-41246, CVE-2022-25896'

attack('SF1', 'a login gets a new session id, and the old one is worth nothing', FIXATION, async (t, stage) => {
  const browser = stage.browser()
  await browser.navigate(stage.url('/fill'))
  const before = await cookieHeader(stage, browser)
  const [oldId] = [...stage.store.records.keys()]
  await enter(stage, browser)

  t.equal(await stage.me(browser), AGENT.id)
  t.not(await cookieHeader(stage, browser), before)
  t.notOk(stage.store.records.has(oldId!), 'the old id is gone from the store')
  t.equal(await whoIs(stage, stage.browser(), before), null, 'the old cookie is nobody’s')
  t.equal(stage.store.logins.length, 1)
}, { after: withCart })

const appStore = new TestStore()
attack('SF1', 'it does so in the app’s own session plugin as well', FIXATION, async (t, stage) => {
  const browser = stage.browser()
  await browser.navigate(stage.url('/'))
  const before = await cookieHeader(stage, browser)
  const [oldId] = [...appStore.records.keys()]
  t.ok(oldId, 'its default settings store the session of every visitor')
  await enter(stage, browser)

  t.equal(await stage.me(browser), AGENT.id)
  t.notOk(appStore.records.has(oldId!))
  t.equal(await whoIs(stage, stage.browser(), before), null)
}, {
  options: { session: { store: undefined } },
  before: async app => {
    await app.register(cookie)
    await app.register(session, { secret: APP_SECRET, store: appStore, cookie: { secure: false } })
  }
})

attack('SF2', 'nothing that was put into the session before the login is in it afterwards', 'CVE-2023-29020', async (t, stage) => {
  const browser = stage.browser()
  await browser.navigate(stage.url('/fill'))
  await enter(stage, browser)
  t.same((await browser.script(stage.url('/session'))).json(), { keys: ['leAuth'] })
}, { after: withCart })

attack('SF2', 'only what the app lists is kept', 'CVE-2023-29020', async (t, stage) => {
  const browser = stage.browser()
  await browser.navigate(stage.url('/fill'))
  await enter(stage, browser)
  t.same((await browser.script(stage.url('/session'))).json(), { keys: ['cart', 'leAuth'], cart: ['a book'] })
}, { after: withCart, options: { keepOnLogin: ['cart'] as never } })

attack('SF3', 'no session id comes from outside', 'OWASP Session Management Cheat Sheet', async (t, stage) => {
  const victim = stage.browser()
  await enter(stage, victim)
  const [knownId] = stage.store.logins
  const signature = (await cookieHeader(stage, victim)).split('.').at(-1)
  const foreign = new Signer('another secret, also of more than 32 characters')
  const chosen = {
    garbage: 'garbage',
    'an id of the attacker’s': 'chosen-by-the-attacker',
    'a living id, unsigned': knownId!,
    'a living id, signed with nothing': `${knownId}.`,
    'a living id, signed with another secret': encodeURIComponent(foreign.sign(knownId!)),
    'a chosen id with a living signature': `chosen-by-the-attacker.${signature}`,
    'the id of a token set': encodeURIComponent(foreign.sign(stage.store.tokenSets[0]!)),
    empty: '',
    'only a signature': `.${signature}`,
    'not decodable': '%E0%A4%A',
    'a name that every object has': '__proto__',
    'eight kilobytes': 'a'.repeat(8192)
  }
  for (const [what, value] of Object.entries(chosen)) {
    const browser = stage.browser()
    await browser.jar.setCookie(`le-auth=${value}; Path=/`, stage.origin)
    t.equal(await stage.me(browser), null, `${what}: nobody is logged in`)
    const answer = await enter(stage, browser)
    t.equal(answer.status, 303, `${what}: a login works all the same`)
    t.equal(await stage.me(browser), AGENT.id)
    t.notMatch(answer.setCookies.join(), 'chosen-by-the-attacker')
  }
  const ids = [...stage.store.records.keys()]
  t.notOk(ids.some(id => id.includes('chosen') || id.includes('garbage') || id === '' || id.length > 100), 'none of them was adopted')
  t.equal(stage.store.logins.length, Object.keys(chosen).length + 1, 'each login has a session of its own')
  t.equal(await stage.me(victim), AGENT.id, 'and the one that was aimed at is as it was')
})

attack('SF3', 'nor from a cookie that is there twice', 'OWASP Session Management Cheat Sheet', async (t, stage) => {
  const victim = stage.browser()
  await enter(stage, victim)
  const [knownId] = stage.store.logins
  const chosen = 'le-auth=chosen-by-the-attacker'
  const doubled = [`${chosen}; ${chosen}`, `le-auth=${knownId}; le-auth=${knownId}`, `${chosen}; le-auth=${knownId}`, `le-auth=; ${chosen}`, `${chosen}; ${await cookieHeader(stage, victim)}`]
  for (const cookies of doubled) {
    t.equal(await whoIs(stage, stage.browser(), cookies), null, `${cookies}: nobody is logged in`)
    const browser = stage.browser()
    const callback = await signedIn(stage, browser)
    const answer = await stage.browser().send(callback, { headers: { cookie: `${cookies}; ${await cookieHeader(stage, browser)}` } })
    t.equal(answer.status, 303, `${cookies}: a login works all the same`)
    t.equal(await whoIs(stage, stage.browser(), sessionCookie(answer)), AGENT.id)
    t.notMatch(answer.setCookies.join(), /chosen-by-the-attacker/)
    t.notOk(answer.setCookies.join().includes(knownId!))
  }
  t.notOk([...stage.store.records.keys()].some(id => id.includes('chosen')), 'none of them was adopted')
  t.equal(stage.store.logins.length, doubled.length + 1, 'each login has a session of its own')
  t.equal(await stage.me(victim), AGENT.id, 'and the one that was aimed at is as it was')
})

/** The session cookie that an answer sets. */
function sessionCookie ({ setCookies }: Answer): string {
  return setCookies.filter(line => line.startsWith('le-auth=')).at(-1)!.split(';')[0]!
}

attack('SF4', 'the next user of the same browser finds nothing of the one before', 'OWASP Session Management Cheat Sheet', async (t, stage) => {
  const browser = stage.browser()
  await enter(stage, browser, AGENT)
  await browser.navigate(stage.url('/fill'))
  const first = await cookieHeader(stage, browser)
  const [firstSession, firstTokens] = [stage.store.logins[0]!, stage.store.tokenSets[0]!]

  await enter(stage, browser, ADMIN)
  t.equal(await stage.me(browser), ADMIN.id)
  t.same((await browser.script(stage.url('/session'))).json(), { keys: ['leAuth'] })
  t.equal(await whoIs(stage, stage.browser(), first), null)
  t.notOk(stage.store.records.has(firstSession), 'the first session is gone')
  t.notOk(stage.store.records.has(firstTokens), 'and so are its tokens')
  t.equal(stage.store.tokenSets.length, 1)
}, { after: withCart })

attack('SF4', 'what is kept at a login is kept for the visitor and the same user, never for another user', 'OWASP Session Management Cheat Sheet', async (t, stage) => {
  const browser = stage.browser()
  const cart = async (): Promise<unknown> => (await browser.script(stage.url('/session'))).json().cart
  await browser.navigate(stage.url('/fill'))
  await enter(stage, browser, AGENT)
  t.same(await cart(), ['a book'], 'the visitor’s')
  await enter(stage, browser, AGENT)
  t.same(await cart(), ['a book'], 'the same user’s')
  await enter(stage, browser, ADMIN)
  t.equal(await cart(), undefined, 'not the other user’s')
}, { after: withCart, options: { keepOnLogin: ['cart'] as never } })

attack('SF5', 'of two session cookies one counts, and there is no mixture', 'RFC 6265 §5.4', async (t, stage) => {
  const issued = accessTokensOf(stage)
  const [attacker, victim] = [stage.browser(), stage.browser()]
  await enter(stage, attacker, ADMIN)
  await enter(stage, victim, AGENT)
  const [theirs, own] = [await cookieHeader(stage, attacker), await cookieHeader(stage, victim)]
  for (const [cookie, id, isAdmin, token] of [[`${theirs}; ${own}`, ADMIN.id, true, issued[0]], [`${own}; ${theirs}`, AGENT.id, false, issued[1]]] as const) {
    const stranger = stage.browser()
    const me = await stranger.send(stage.url('/me'), { headers: { cookie } })
    t.match(me.json(), { id, isAdmin }, 'the first one')
    const users = (await stranger.send(stage.url('/users'), { headers: { cookie } })).json()
    t.equal(users.status, 200)
    t.ok(lastBearer(stage) === token, 'with that person’s own token')
  }
})

attack('SF5', 'neither is there one when a login ends', 'RFC 6265 §5.4', async (t, stage) => {
  const issued = accessTokensOf(stage)
  for (const isTheirsFirst of [true, false]) {
    const [attacker, victim] = [stage.browser(), stage.browser()]
    await enter(stage, attacker, ADMIN)
    await enter(stage, victim, AGENT)
    const [theirs, own] = [await cookieHeader(stage, attacker), await cookieHeader(stage, victim)]
    const callback = await signedIn(stage, victim, AGENT)
    const pending = await cookieHeader(stage, victim)
    const answer = await stage.browser().send(callback, { headers: { cookie: isTheirsFirst ? `${theirs}; ${pending}` : `${pending}; ${theirs}` } })
    t.equal(answer.status, 303)

    const fresh = sessionCookie(answer)
    t.equal(await whoIs(stage, stage.browser(), fresh), AGENT.id, 'the login is that of the state, in a session of its own')
    await stage.browser().send(stage.url('/users'), { headers: { cookie: fresh } })
    t.ok(lastBearer(stage) === issued.at(-1), 'with the token of that login')
    const [read, other, stillThere] = isTheirsFirst ? [theirs, own, AGENT.id] : [own, theirs, ADMIN.id]
    t.equal(await whoIs(stage, stage.browser(), read), null, 'the session that was read is the one that was replaced')
    t.equal(await whoIs(stage, stage.browser(), other), stillThere, 'and no other')
  }
})

/** The access tokens that Sentinel gives from now on, oldest first. */
function accessTokensOf (stage: Stage): string[] {
  const tokens: string[] = []
  stage.sentinel.always('token', { change: answer => { tokens.push(answer['access_token'] as string); return answer } })
  return tokens
}

/** The token that LivePerson's users API was asked with last. */
function lastBearer (stage: Stage): string | undefined {
  return stage.sentinel.requests.filter(({ endpoint }) => endpoint === 'users').at(-1)?.headers.authorization?.replace('Bearer ', '')
}

attack('SF5', 'of two login cookies of one state, only that of this state and browser opens', 'RFC 6265 §5.4', async (t, stage) => {
  const [attacker, victim] = [stage.browser(), stage.browser()]
  const theirState = await stage.login(attacker)
  const [, theirValue] = (await cookieHeader(stage, attacker)).split(`${theirState}=`)
  const callback = await signedIn(stage, victim)
  const own = await cookieHeader(stage, victim)
  const swapped = `${own.split('=')[0]}=${theirValue}`

  const refused = await stage.browser().send(callback, { headers: { cookie: `${swapped}; ${own}` } })
  t.equal(refused.status, 400)
  t.same(refused.setCookies.filter(line => line.startsWith('le-auth=')), [])
  t.equal(stage.exchanges(), 0)
  t.equal((await stage.browser().send(callback, { headers: { cookie: `${own}; ${swapped}` } })).status, 303)
})
