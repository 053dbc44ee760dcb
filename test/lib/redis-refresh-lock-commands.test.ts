import t from 'tap'
import { redisRefreshLock } from '../../lib/store/redis-refresh-lock.js'
import { STORE_DEADLINE } from '../../lib/store/store-call.js'
import { until } from '../support/shifted.js'

/** A client as `redis` has it, over one key; the real ones are tried in redis-refresh-lock.test.ts, where there is a Redis. */
class OneKey {
  readonly commands: string[][] = []
  holder: string | null = null
  down = false
  silent = false

  get names (): string[] {
    return this.commands.map(([name]) => name!)
  }

  /** How often it was asked to renew a lease, by the script itself. */
  get renewals (): number {
    return this.commands.filter(([, script]) => script!.includes('pexpire')).length
  }

  sendCommand = async (command: string[]): Promise<unknown> => {
    this.commands.push(command)
    if (this.silent) return new Promise(() => {})
    if (this.down) throw new Error('The client is closed')
    if (command[0] === 'SET') return this.#take(command[2]!)
    if (command[0] === 'EVALSHA') throw new Error('NOSCRIPT No matching script')
    if (command[4] !== this.holder) return 0
    if (!command[1]!.includes('pexpire')) this.holder = null
    return 1
  }

  #take (holder: string): string | null {
    if (this.holder !== null) return null
    this.holder = holder
    return 'OK'
  }
}

t.test('it takes a key of its own for each token set, with an end, and gives it back', async t => {
  const client = new OneKey()
  const lock = await redisRefreshLock(client, { lease: 5000 }).acquire('some-id')
  const [command, key, holder, ...options] = client.commands[0]!
  t.same([command, key, options], ['SET', 'mutex:some-id', ['PX', '5000', 'NX']])
  t.equal(client.holder, holder)
  await lock.release()
  t.equal(client.holder, null)
  t.same(client.names, ['SET', 'EVALSHA', 'EVAL'])
})

t.test('it waits for the one who has it, and no longer than it was told', async t => {
  const client = new OneKey()
  const first = await redisRefreshLock(client).acquire('id')
  await t.rejects(redisRefreshLock(client, { wait: 120 }).acquire('id'))
  const second = redisRefreshLock(client).acquire('id')
  await first.release()
  await (await second).release()
  t.equal(client.holder, null)
})

t.test('a client of ioredis is called in its own way', async t => {
  const client = new OneKey()
  const lock = await redisRefreshLock({ call: (command, ...parameters) => client.sendCommand([command, ...parameters]) }).acquire('id')
  await lock.release()
  t.equal(client.holder, null)
})

t.test('Redis going away while the lock is held is no crash, and its lease is renewed when it is back', async t => {
  const client = new OneKey()
  const lock = await redisRefreshLock(client, { lease: 500 }).acquire('id')
  client.down = true
  await until(() => client.names.length > 2)
  client.down = false
  client.commands.length = 0
  await until(() => client.renewals > 0)
  client.down = true
  await lock.release()
  t.equal(client.names.at(-1), 'EVALSHA', 'it was to be given back')
  await t.rejects(redisRefreshLock(client).acquire('id'))
  client.commands.length = 0
  await new Promise(resolve => setTimeout(resolve, 300))
  t.same(client.names, [], 'and is renewed no longer')
})

t.test('a lease is renewed often enough for a Redis that takes its time', async t => {
  const client = new OneKey()
  const lock = await redisRefreshLock(client, { lease: 10_000 }).acquire('id')
  const begun = Date.now()
  await until(() => client.renewals > 0)
  t.ok(Date.now() - begun < 5000)
  await lock.release()
})

t.test('a lock that another one has got meanwhile is renewed no longer', async t => {
  const client = new OneKey()
  const lock = await redisRefreshLock(client, { lease: 500 }).acquire('id')
  client.holder = 'another'
  await until(() => client.renewals > 0)
  client.commands.length = 0
  await new Promise(resolve => setTimeout(resolve, 300))
  await lock.release()
  t.same(client.names, [])
  t.equal(client.holder, 'another')
})

t.test('nor is a client that throws at once, or fails with nothing to tell', async t => {
  const nothing: unknown = undefined
  for (const fail of [() => { throw new Error('The client is closed') }, async () => { throw nothing }]) {
    const client = new OneKey()
    const lock = await redisRefreshLock(client, { lease: 100 }).acquire('id')
    let calls = 0
    client.sendCommand = () => { calls += 1; return fail() }
    await until(() => calls > 1)
    await lock.release()
    await t.rejects(redisRefreshLock(client).acquire('id'))
  }
})

t.test('Redis falling silent on a connection that stays open keeps nobody waiting for ever', async t => {
  const client = new OneKey()
  const lock = await redisRefreshLock(client, { lease: 60_000 }).acquire('id')
  client.silent = true
  const begun = Date.now()
  await lock.release()
  t.ok(Date.now() - begun < STORE_DEADLINE, 'least of all whoever gives it back')
  await t.rejects(redisRefreshLock(client).acquire('other'))
})

t.test('nor is a lease lost that lasts longer than the silence', async t => {
  const client = new OneKey()
  const lock = await redisRefreshLock(client).acquire('id')
  client.silent = true
  await until(() => client.names.length > 1)
  await new Promise(resolve => setTimeout(resolve, STORE_DEADLINE + 500))
  client.silent = false
  client.commands.length = 0
  await until(() => client.renewals > 0)
  await lock.release()
  t.equal(client.holder, null)
})

t.test('what is no client, or no time, is told at once', async t => {
  for (const client of [undefined, null, {}, 'redis://127.0.0.1']) t.throws(() => redisRefreshLock(client as never), { code: 'LE_AUTH_OPTIONS_INVALID', message: /a connected client of the package redis or ioredis/ })
  for (const time of [0, -1, 1.5, NaN, '5', null]) {
    for (const name of ['lease', 'wait']) t.throws(() => redisRefreshLock(new OneKey(), { [name]: time }), { code: 'LE_AUTH_OPTIONS_INVALID', message: new RegExp(`${name} must be a time in ms`) })
  }
})
