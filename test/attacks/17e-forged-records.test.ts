import type { Test } from 'tap'
import { startApp, type TestApp } from '../support/app.ts'
import { attack, type Stage } from '../support/attack/attack.ts'
import { ADMIN, AGENT, logIn } from '../support/login.ts'
import type { TestStore } from '../support/stores.ts'

/** Two logins in one store, and the ids of their records by kind. */
interface Two {
  store: TestStore
  agent: Records
  admin: Records
  foreign: Map<string, string>
}
interface Records {
  login: string
  tokens: string
}

const copy = ({ store }: Two, from: string, to: string): void => {
  store.records.set(to, store.records.get(from)!)
}
const forged = (isAdmin: boolean): string =>
  JSON.stringify({
    accountId: '12345678',
    user: { id: ADMIN.id, isAdmin, claims: {} },
    loggedInAt: Date.now(),
    endsAt: Date.now() + 3_600_000
  })

/** What an attacker may do who can write to the store and has no `secret`. */
const WRITES: Record<string, (two: Two) => void> = {
  'the login of an administrator under the key of an agent': two =>
    copy(two, two.admin.login, two.agent.login),
  'all records of an administrator under the key of an agent': two => {
    copy(two, two.admin.login, two.agent.login)
    copy(two, two.admin.tokens, two.agent.tokens)
  },
  'tokens in the place of a login': two => copy(two, two.agent.tokens, two.agent.login),
  'a login that is written by hand': ({ store, agent }) =>
    store.rewrite(agent.login, record => ({ ...record, leAuth: forged(true) })),
  'a login as an object': ({ store, agent }) =>
    store.rewrite(agent.login, record => ({ ...record, leAuth: JSON.parse(forged(true)) })),
  'a login with a part of another login': ({ store, agent, admin }) => {
    const parts = (id: string): string[] => JSON.parse(store.records.get(id)!).leAuth.split('.')
    store.rewrite(agent.login, record => ({
      ...record,
      leAuth: [
        ...parts(agent.login).slice(0, 3),
        parts(admin.login)[3],
        parts(agent.login)[4]
      ].join('.')
    }))
  },
  'a login of another app with another secret': ({ store, agent, foreign }) => {
    store.records.set(agent.login, [...foreign].find(([id]) => id.includes(':login:'))![1])
  }
}

const idsOf = (store: TestStore, before: Set<string>): Records => ({
  login: store.logins.find(id => !before.has(id))!,
  tokens: store.tokenSets.find(id => !before.has(id))!
})

async function twoLogins(
  t: Test,
  stage: Stage
): Promise<Two & { agentBrowser: ReturnType<Stage['browser']> }> {
  const { store } = stage
  const [agentBrowser, adminBrowser] = [stage.browser(), stage.browser()]
  const ids: Records[] = []
  for (const [browser, person] of [
    [agentBrowser, AGENT],
    [adminBrowser, ADMIN]
  ] as const) {
    const before = new Set(store.records.keys())
    await logIn(stage, browser, person)
    ids.push(idsOf(store, before))
  }
  const known = new Map(store.records)
  const other = await fresh(t, stage, 'another secret, of more than 32 characters')
  await logIn(other, other.browser(), ADMIN)
  const foreign = new Map([...store.records].filter(([id]) => !known.has(id)))
  for (const id of foreign.keys()) store.records.delete(id)
  return { store, agent: ids[0]!, admin: ids[1]!, foreign, agentBrowser }
}

/** A process that has seen nothing yet. */
function fresh(t: Test, stage: Stage, secret?: string): Promise<TestApp> {
  return startApp(t, {
    sentinel: stage.sentinel,
    options: { store: stage.store, ...(secret !== undefined && { secret }) }
  })
}

for (const [what, write] of Object.entries(WRITES)) {
  attack(
    'GA7',
    `an attacker who writes to the store without the secret gets no rights by ${what}`,
    'CWE-345',
    async (t, stage) => {
      const two = await twoLogins(t, stage)
      write(two)
      const other = await fresh(t, stage)
      for (const [where, app, browser] of [
        ['in this process', stage, two.agentBrowser],
        ['in another process', other, await two.agentBrowser.copy({ [stage.origin]: other.server })]
      ] as const) {
        for (const path of ['/me', '/admin', '/users']) {
          t.equal((await browser.script(app.url(path))).status, 401, `${where}: ${path}`)
        }
        t.equal((await browser.script(app.url('/'))).text, 'hello stranger', where)
      }
    }
  )
}

attack(
  'GA7',
  'an attacker who swaps records in the store lets no user act with another user’s tokens',
  'CWE-345',
  async (t, stage) => {
    const two = await twoLogins(t, stage)
    const [agentTokens, adminTokens] = [
      two.store.records.get(two.agent.tokens)!,
      two.store.records.get(two.admin.tokens)!
    ]
    two.store.records.set(two.agent.tokens, adminTokens)
    two.store.records.set(two.admin.tokens, agentTokens)
    const other = await fresh(t, stage)
    const browser = await two.agentBrowser.copy({ [stage.origin]: other.server })
    const before = stage.calls('users') + stage.calls('refresh')
    for (const path of ['/users', '/token', '/admin']) {
      t.equal((await browser.script(other.url(path))).status, 401, path)
    }
    t.equal(stage.calls('users') + stage.calls('refresh'), before, 'no token was sent')
  }
)
