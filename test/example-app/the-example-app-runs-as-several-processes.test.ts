import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import type { Answer, Browser } from '../support/browser.js'
import { startRedis, type RedisClient } from '../support/redis.js'
import { until } from '../support/shifted.js'
import { startFleet } from './support.js'

const HELLO = 'Hello, maya.osei'

/** How long after a login its tokens are refreshed, while they still live, in ms. */
const REFRESH_DUE = 28 * 60_000

function instanceOf ({ headers }: Answer): string {
  return String(headers['x-instance'])
}

/** Asks for a page until so many instances have answered, and gives back one answer of each. */
async function answersOf (ask: () => Promise<Answer>, instances: number): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>()
  for (let tries = 0; tries < 150 && answers.size < instances; tries += 1) {
    const answer = await ask()
    answers.set(instanceOf(answer), answer)
  }
  if (answers.size < instances) throw new Error(`only the instances ${[...answers.keys()]} answered`)
  return answers
}

/** The instance that answered the path. */
function servedBy ({ history }: Browser, path: string): string {
  return instanceOf(history.find(({ url }) => new URL(url).pathname === path)!)
}

t.test('three processes behind one port', async (t) => {
  const redis = await startRedis(t)
  if (redis === null) return
  const fleet = await startFleet(t, redis, 3)
  const { origin } = fleet
  const user = fleet.browser()

  await t.test('it says how many they are', async (t) => {
    t.match(fleet.output(), /3 processes respond in turn/)
    t.equal((await fleet.pids()).length, 3)
  })

  await t.test('a login begun on one ends on another', async (t) => {
    for (let tries = 0; tries < 20; tries += 1) {
      const browser = fleet.browser()
      t.match((await fleet.logIn(browser)).text, 'Maya Osei')
      if (servedBy(browser, '/login') !== servedBy(browser, '/callback')) return
    }
    t.fail('each login ended where it began')
  })

  await t.test('all of them know the user', async (t) => {
    await fleet.logIn(user)
    const answers = await answersOf(() => user.navigate(`${origin}/`), 3)
    t.same([...answers.keys()].sort(), ['1', '2', '3'])
    for (const [instance, { text }] of answers) t.match(text, HELLO, `instance ${instance}`)
  })

  await t.test('a search on one is offered by all', async (t) => {
    await user.navigate(`${origin}/agents?q=Dahl`)
    const answers = await answersOf(() => user.navigate(`${origin}/agents`), 3)
    for (const [instance, { text }] of answers) t.match(text, '>Dahl</a>', `instance ${instance}`)
  })

  await t.test('one that is killed is replaced, and nobody is logged out', async (t) => {
    process.kill((await fleet.pids())[0]!, 'SIGKILL')
    const [, dead, replacement] = await fleet.says(/Process (\d+) has ended \(SIGKILL\)\. Process (\d+) \(pid \d+\) takes its place/)
    const others = await answersOf(() => user.navigate(`${origin}/`), 2)
    t.notOk(others.has(dead!))
    const answers = await answersOf(async () => { await wait(300); return user.navigate(`${origin}/`) }, 3)
    t.ok(answers.has(replacement!), 'the new one answers')
    for (const [instance, { text }] of answers) t.match(text, HELLO, `instance ${instance}`)
  })

  await t.test('a logout on one is a logout on all', async (t) => {
    const late = await user.copy()
    t.match((await user.submit(`${origin}/logout`, {})).text, 'You are logged out of Northdesk')
    for (const browser of [user, late]) {
      const answers = await answersOf(() => browser.script(`${origin}/profile`), 3)
      for (const [instance, { status }] of answers) t.equal(status, 401, `instance ${instance}`)
    }
  })

  await t.test('told to end, they finish what they are doing: answers, and refreshes behind them', async (t) => {
    const client = await redis.client()
    await client.flushAll()
    const browser = fleet.browser()
    await fleet.logIn(browser)
    const { key, text } = await tokenSet(client)
    fleet.setAhead(REFRESH_DUE)
    // A refresh begins with a write, so it is still under way when its request has been answered. All in all Redis is silent
    // for less time than the app waits for it.
    await client.sendCommand(['CLIENT', 'PAUSE', '1500', 'WRITE'])
    t.match((await browser.navigate(`${origin}/profile`)).text, 'Your profile')
    // From now on requests wait for Redis as well.
    await client.sendCommand(['CLIENT', 'PAUSE', '1500', 'ALL'])
    const before = fleet.requests('/')
    const waiting = Promise.all([1, 2, 3].map(() => browser.script(`${origin}/`)))
    await until(() => fleet.requests('/') === before + 3)
    fleet.stop('SIGTERM')
    for (const { text } of await waiting) t.match(text, HELLO)
    t.equal(await fleet.exited, 0)
    t.not((await tokenSet(client)).text, text, 'the new tokens are stored')
    t.same((await client.keys('mutex:*')), [], 'the lock is released')
    t.equal(await client.exists(key), 1)
    await t.rejects(browser.navigate(`${origin}/`), 'nothing listens any more')
  })
})

/** The only token set in Redis. */
async function tokenSet (client: RedisClient): Promise<{ key: string, text: string | null }> {
  const [key] = (await client.keys('*')).filter(key => key.includes('le-auth:tokens:'))
  return { key: key!, text: await client.get(key!) }
}
