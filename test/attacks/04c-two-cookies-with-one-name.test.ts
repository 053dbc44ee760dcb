import type { FastifyInstance } from 'fastify'
import { attack, type Stage } from '../support/attack/attack.ts'
import { whoIs } from '../support/checks.ts'
import { cookieHeader, cookieOf, loginCookie } from '../support/cookies.ts'
import { ADMIN, AGENT, enter, upToCallback } from '../support/login.ts'

attack(
  'SF5',
  'only the first of two login cookies counts, and they are never mixed',
  'RFC 6265 §5.4',
  async (t, stage) => {
    const issued = accessTokensOf(stage)
    const [attacker, victim] = [stage.browser(), stage.browser()]
    await enter(stage, attacker, ADMIN)
    await enter(stage, victim, AGENT)
    const [theirs, own] = [await cookieHeader(stage, attacker), await cookieHeader(stage, victim)]
    for (const [cookie, id, isAdmin, token] of [
      [`${theirs}; ${own}`, ADMIN.id, true, issued[0]],
      [`${own}; ${theirs}`, AGENT.id, false, issued[1]]
    ] as const) {
      const browser = stage.browser()
      const me = await browser.send(stage.url('/me'), { headers: { cookie } })
      t.match(me.json(), { id, isAdmin }, 'the first cookie counts')
      const users = (await browser.send(stage.url('/users'), { headers: { cookie } })).json()
      t.equal(users.status, 200)
      t.ok(lastBearer(stage) === token, 'with the token of that user')
    }
  }
)

attack(
  'SF5',
  'two login cookies are not mixed when a new login finishes',
  'RFC 6265 §5.4',
  async (t, stage) => {
    const issued = accessTokensOf(stage)
    for (const isTheirsFirst of [true, false]) {
      const [attacker, victim] = [stage.browser(), stage.browser()]
      await enter(stage, attacker, ADMIN)
      await enter(stage, victim, AGENT)
      const [theirs, own] = [await cookieHeader(stage, attacker), await cookieHeader(stage, victim)]
      const callback = await upToCallback(stage, victim, '/login', AGENT)
      const pending = await cookieHeader(stage, victim)
      const response = await stage.browser().send(callback, {
        headers: { cookie: isTheirsFirst ? `${theirs}; ${pending}` : `${pending}; ${theirs}` }
      })
      t.equal(response.status, 303)

      const fresh = loginCookie(response)
      t.equal(
        await whoIs(stage, stage.browser(), fresh),
        AGENT.id,
        'the login is that of the state, with its own cookie'
      )
      await stage.browser().send(stage.url('/users'), { headers: { cookie: fresh } })
      t.ok(lastBearer(stage) === issued.at(-1), 'with the token of that login')
      const [read, other, remaining] = isTheirsFirst
        ? [theirs, own, AGENT.id]
        : [own, theirs, ADMIN.id]
      t.equal(
        await whoIs(stage, stage.browser(), read),
        null,
        'the login that was read was replaced'
      )
      t.equal(await whoIs(stage, stage.browser(), other), remaining, 'no other login was replaced')
    }
  }
)

/** The access tokens that Sentinel issues from now on, oldest first. */
function accessTokensOf(stage: Stage): string[] {
  const tokens: string[] = []
  stage.sentinel.always('token', {
    change: response => {
      tokens.push(response['access_token'] as string)
      return response
    }
  })
  return tokens
}

/** The token of the last request to LivePerson's users API. */
function lastBearer(stage: Stage): string | undefined {
  return stage.sentinel.requests
    .filter(({ endpoint }) => endpoint === 'users')
    .at(-1)
    ?.headers.authorization?.replace('Bearer ', '')
}

attack(
  'SF5',
  'only the cookie of this state and browser opens a pending login that has two cookies',
  'RFC 6265 §5.4',
  async (t, stage) => {
    const [attacker, victim] = [stage.browser(), stage.browser()]
    const theirState = await stage.login(attacker)
    const [, theirValue] = (await cookieHeader(stage, attacker)).split(`${theirState}=`)
    const callback = await upToCallback(stage, victim)
    const own = await cookieHeader(stage, victim)
    const swapped = `${own.split('=')[0]}=${theirValue}`

    const refused = await stage
      .browser()
      .send(callback, { headers: { cookie: `${swapped}; ${own}` } })
    t.equal(refused.status, 400)
    t.same(
      refused.setCookies.filter(line => line.startsWith('le-auth=')),
      []
    )
    t.equal(stage.exchanges(), 0)
    t.equal(
      (await stage.browser().send(callback, { headers: { cookie: `${own}; ${swapped}` } })).status,
      303
    )
  }
)

/** A route that notes its user in the session, and one that shows the note. */
function notes(app: FastifyInstance): void {
  app.get('/note', async ({ session, leAuth }) => {
    Object.assign(session, { note: `of ${leAuth?.user.id ?? 'a visitor'}` })
    return 'noted'
  })
  app.get('/noted', async ({ session, leAuth }) => ({
    who: leAuth?.user.id ?? null,
    note: Reflect.get(session, 'note') ?? null
  }))
}

attack(
  'SF5',
  'one user’s login and another user’s session are never mixed',
  'RFC 6265 §5.4',
  async (t, stage) => {
    const browsers = [stage.browser(), stage.browser(), stage.browser()] as const
    const [first, second] = browsers
    await enter(stage, first, ADMIN)
    await enter(stage, second, AGENT)
    for (const browser of browsers) await browser.script(stage.url('/note'))
    const cookiesOf = async (browser: typeof first): Promise<string[]> =>
      Promise.all(
        ['le-auth', 'le-auth.session'].map(
          async name => `${name}=${await cookieOf(stage, browser, name)}`
        )
      )
    const [[adminLogin, adminSession], [agentLogin, agentSession], [, visitorSession]] =
      (await Promise.all(browsers.map(cookiesOf))) as [string[], string[], string[]]
    const seen = async (...cookies: Array<string | undefined>): Promise<unknown> => {
      const { json } = await stage
        .browser()
        .send(stage.url('/noted'), { headers: { cookie: cookies.join('; ') } })
      return json()
    }
    t.same(
      await seen(adminLogin, adminSession),
      { who: ADMIN.id, note: `of ${ADMIN.id}` },
      'a login has its own session'
    )
    t.same(await seen(visitorSession), { who: null, note: 'of a visitor' })
    t.same(
      await seen(adminLogin, agentSession),
      { who: ADMIN.id, note: null },
      'another user’s session'
    )
    t.same(await seen(agentLogin, adminSession), { who: AGENT.id, note: null })
    t.same(
      await seen(agentLogin, visitorSession),
      { who: AGENT.id, note: null },
      'a visitor’s session'
    )
    t.same(
      await seen(agentSession),
      { who: null, note: null },
      'a user’s session without its login'
    )
    t.same(
      await seen(agentLogin, agentSession),
      { who: AGENT.id, note: `of ${AGENT.id}` },
      'both are unchanged'
    )
  },
  { after: notes }
)
