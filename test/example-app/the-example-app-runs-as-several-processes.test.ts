import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import type { PageResponse, Browser } from '../support/browser.ts'
import { type RedisClient, startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'
import { startFleet } from './support.ts'

const HELLO = 'Hello, maya.osei'

/** How long after a login its tokens are due for a refresh, while they are still valid, in ms. */
const REFRESH_DUE = 28 * 60_000

function instanceOf({ headers }: PageResponse): string {
  return String(headers['x-instance'])
}

/** Requests a page until so many processes have responded, and returns one response of each. */
async function responsesOf(
  send: () => Promise<PageResponse>,
  instances: number
): Promise<Map<string, PageResponse>> {
  const responses = new Map<string, PageResponse>()
  for (let tries = 0; tries < 150 && responses.size < instances; tries += 1) {
    const response = await send()
    responses.set(instanceOf(response), response)
  }
  if (responses.size < instances) {
    throw new Error(`only the instances ${[...responses.keys()]} responded`)
  }
  return responses
}

/** The process that served the path. */
function servedBy({ history }: Browser, path: string): string {
  return instanceOf(history.find(({ url }) => new URL(url).pathname === path)!)
}

t.test('Three processes behind one port act as one app.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const fleet = await startFleet(t, redis, 3)
  const { origin } = fleet
  const user = fleet.browser()

  await t.test('The example app says how many processes there are.', async t => {
    t.match(fleet.output(), /3 processes respond in turn/)
    t.equal((await fleet.pids()).length, 3)
  })

  await t.test('A login that begins on one process can be finished on another.', async t => {
    for (let tries = 0; tries < 20; tries += 1) {
      const browser = fleet.browser()
      t.match((await fleet.logIn(browser)).text, 'Maya Osei')
      if (servedBy(browser, '/login') !== servedBy(browser, '/callback')) return
    }
    t.fail('each login ended where it began')
  })

  await t.test('All processes know the user.', async t => {
    await fleet.logIn(user)
    const responses = await responsesOf(() => user.navigate(`${origin}/`), 3)
    t.same([...responses.keys()].sort(), ['1', '2', '3'])
    for (const [instance, { text }] of responses) t.match(text, HELLO, `instance ${instance}`)
  })

  await t.test('A search on one process is offered by all.', async t => {
    await user.navigate(`${origin}/agents?q=Dahl`)
    const responses = await responsesOf(() => user.navigate(`${origin}/agents`), 3)
    for (const [instance, { text }] of responses) t.match(text, '>Dahl</a>', `instance ${instance}`)
  })

  await t.test('A process that is killed is replaced, and nobody is logged out.', async t => {
    process.kill((await fleet.pids())[0]!, 'SIGKILL')
    const [, dead, replacement] = await fleet.says(
      /Process (\d+) has ended \(SIGKILL\)\. Process (\d+) \(pid \d+\) takes its place/
    )
    const others = await responsesOf(() => user.navigate(`${origin}/`), 2)
    t.notOk(others.has(dead!))
    const responses = await responsesOf(async () => {
      await wait(300)
      return user.navigate(`${origin}/`)
    }, 3)
    t.ok(responses.has(replacement!), 'the new process responds')
    for (const [instance, { text }] of responses) t.match(text, HELLO, `instance ${instance}`)
  })

  await t.test('A logout on one process is a logout on all.', async t => {
    const late = await user.copy()
    t.match((await user.submit(`${origin}/logout`, {})).text, 'You are logged out of Northdesk')
    for (const browser of [user, late]) {
      const responses = await responsesOf(() => browser.script(`${origin}/profile`), 3)
      for (const [instance, { status }] of responses) t.equal(status, 401, `instance ${instance}`)
    }
  })

  await t.test(
    'Processes that are told to end first finish their responses and their background ' +
      'refreshes.',
    async t => {
      const client = await redis.client()
      await client.flushAll()
      const browser = fleet.browser()
      await fleet.logIn(browser)
      const { key, text } = await tokenSet(client)
      fleet.setAhead(REFRESH_DUE)
      // A refresh begins with a write, so it is still in progress
      // after the response to its request.
      // All in all, Redis is silent for less time than the app waits for it.
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
      t.same(await client.keys('mutex:*'), [], 'the lock is released')
      t.equal(await client.exists(key), 1)
      await t.rejects(browser.navigate(`${origin}/`), 'nothing listens any more')
    }
  )
})

/** The only token set in Redis. */
async function tokenSet(client: RedisClient): Promise<{ key: string; text: string | null }> {
  const [key] = (await client.keys('*')).filter(key => key.includes('le-auth:tokens:'))
  return { key: key!, text: await client.get(key!) }
}
