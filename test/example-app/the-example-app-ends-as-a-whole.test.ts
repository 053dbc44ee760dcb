import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'
import { startFleet, type Fleet } from './support.ts'

t.test('Ctrl-C, which a terminal sends to all processes, ends them well.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const fleet = await startFleet(t, redis, 2)
  const pids = await fleet.pids()
  const browser = fleet.browser()
  await fleet.logIn(browser)
  // The requests have to wait for Redis, so they are in flight when the signals come.
  await (await redis.client()).sendCommand(['CLIENT', 'PAUSE', '2500', 'ALL'])
  const before = fleet.requests('/')
  const waiting = Promise.all([1, 2].map(() => browser.script(`${fleet.origin}/`)))
  await until(() => fleet.requests('/') === before + 2)
  for (const pid of pids) process.kill(pid, 'SIGINT')
  fleet.stop('SIGINT')
  for (const { text } of await waiting) t.match(text, 'Hello, maya.osei')
  t.equal(await fleet.exited, 0)
  t.notMatch(fleet.output(), /takes its place|second SIGINT/)
  for (const pid of pids) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})

t.test('The example app gives up and says so if its processes end again and again.', async t => {
  const redis = await startRedis(t)
  if (redis === null) return
  const fleet = await startFleet(t, redis, 2)
  const killed = new Set(await fleet.pids())
  for (const pid of killed) process.kill(pid, 'SIGKILL')
  for (let seen = 0; seen < 5; seen += 1) {
    const [pid] = await Promise.race([newProcess(fleet, killed), fleet.exited.then(() => [])])
    if (pid === undefined) break
    killed.add(pid)
    process.kill(pid, 'SIGKILL')
  }
  t.equal(await fleet.exited, 1)
  t.match(fleet.output(), 'Northdesk gives up. Its processes ended 7 times within a minute')
})

/** Waits for a process that has replaced another one and is not among these. */
async function newProcess(fleet: Fleet, known: Set<number>): Promise<number[]> {
  for (let tries = 0; tries < 200; tries += 1) {
    const fresh = [...fleet.output().matchAll(/pid (\d+)\) takes its place/g)]
      .map(([, pid]) => Number(pid))
      .find(pid => !known.has(pid))
    if (fresh !== undefined) return [fresh]
    await wait(50)
  }
  throw new Error(`no other process came:\n${fleet.output()}`)
}
