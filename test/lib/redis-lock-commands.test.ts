import t from 'tap'
import { redisLock } from '../../lib/store/redis-lock.ts'
import { STORE_DEADLINE } from '../../lib/store/store-call.ts'
import { until } from '../support/wait.ts'

interface Parameters {
  keys: string[]
  arguments: string[]
}

/**
 * A fake client like that of `redis`, with one key. redis-lock.test.ts tests the real
 * clients, if there is a Redis.
 */
class OneKey {
  readonly commands: string[][] = []
  holder: string | null = null
  down = false
  silent = false

  get names(): string[] {
    return this.commands.map(([name]) => name!)
  }

  /** How many commands to renew a lease have come with the script itself. */
  get renewals(): number {
    return this.commands.filter(([, script]) => script!.includes('pexpire')).length
  }

  eval = (script: string, { keys, arguments: [holder, time] }: Parameters): Promise<unknown> =>
    this.send(['EVAL', script, keys[0]!, holder!, time!])

  evalSha = (sha1: string, { keys }: Parameters): Promise<unknown> =>
    this.send(['EVALSHA', sha1, keys[0]!])

  send = async (command: string[]): Promise<unknown> => {
    this.commands.push(command)
    if (this.silent) return new Promise(() => {})
    if (this.down) throw new Error('The client is closed')
    const [name, script, , holder] = command
    if (name === 'EVALSHA') throw new Error('NOSCRIPT No matching script')
    if (script!.includes("'NX'")) return this.#take(holder!)
    if (holder !== this.holder) return 0
    if (!script!.includes('pexpire')) this.holder = null
    return 1
  }

  #take(holder: string): string | null {
    if (this.holder !== null) return null
    this.holder = holder
    return 'OK'
  }
}

t.test(
  'The Redis lock takes its own key for each token set, with an expiry, and releases it.',
  async t => {
    const client = new OneKey()
    const lock = await redisLock(client, { lease: 5000 }).acquire('some-id')
    const [command, script, key, holder, lease] = client.commands[0]!
    t.same([command, key, lease], ['EVAL', 'mutex:some-id', '5000'])
    t.match(script, /'set', KEYS\[1\], ARGV\[1\], 'PX', ARGV\[2\], 'NX'/)
    t.equal(client.holder, holder)
    await lock.release()
    t.equal(client.holder, null)
    t.same(client.names, ['EVAL', 'EVALSHA', 'EVAL'])
  }
)

t.test('The Redis lock waits for its holder, and no longer than the option wait.', async t => {
  const client = new OneKey()
  const first = await redisLock(client).acquire('id')
  await t.rejects(redisLock(client, { wait: 120 }).acquire('id'))
  const second = redisLock(client).acquire('id')
  await first.release()
  await (await second).release()
  t.equal(client.holder, null)
})

t.test('The Redis lock calls a client of ioredis in its own way.', async t => {
  const client = new OneKey()
  const lock = await redisLock({
    call: (command, script, _count, ...parameters) => client.send([command, script!, ...parameters])
  }).acquire('id')
  await lock.release()
  t.equal(client.holder, null)
})

t.test(
  'If Redis goes down while the lock is held, nothing crashes, and the lease is renewed ' +
    'when Redis is back.',
  async t => {
    const client = new OneKey()
    const lock = await redisLock(client, { lease: 500 }).acquire('id')
    client.down = true
    await until(() => client.names.length > 2)
    client.down = false
    client.commands.length = 0
    await until(() => client.renewals > 0)
    client.down = true
    await lock.release()
    t.equal(client.names.at(-1), 'EVALSHA', 'a release was tried')
    await t.rejects(redisLock(client).acquire('id'))
    client.commands.length = 0
    await new Promise(resolve => setTimeout(resolve, 300))
    t.same(client.names, [], 'the lease is no longer renewed')
  }
)

t.test('A lease is renewed often enough for a slow Redis.', async t => {
  const client = new OneKey()
  const lock = await redisLock(client, { lease: 10_000 }).acquire('id')
  const begun = Date.now()
  await until(() => client.renewals > 0)
  t.ok(Date.now() - begun < 5000)
  await lock.release()
})

t.test('A lock that another holder has got meanwhile is no longer renewed.', async t => {
  const client = new OneKey()
  const lock = await redisLock(client, { lease: 500 }).acquire('id')
  client.holder = 'another'
  await until(() => client.renewals > 0)
  client.commands.length = 0
  await new Promise(resolve => setTimeout(resolve, 300))
  await lock.release()
  t.same(client.names, [])
  t.equal(client.holder, 'another')
})

t.test('A client that throws at once, or rejects with undefined, crashes nothing.', async t => {
  const nothing: unknown = undefined
  for (const fail of [
    () => {
      throw new Error('The client is closed')
    },
    async () => {
      throw nothing
    }
  ]) {
    const client = new OneKey()
    const lock = await redisLock(client, { lease: 100 }).acquire('id')
    let calls = 0
    client.send = () => {
      calls += 1
      return fail()
    }
    await until(() => calls > 1)
    await lock.release()
    await t.rejects(redisLock(client).acquire('id'))
  }
})

t.test(
  'If Redis falls silent on a connection that stays open, nothing waits for ever.',
  async t => {
    const client = new OneKey()
    const lock = await redisLock(client, { lease: 60_000 }).acquire('id')
    client.silent = true
    const begun = Date.now()
    await lock.release()
    t.ok(Date.now() - begun < STORE_DEADLINE, 'the release does not wait for ever either')
    await t.rejects(redisLock(client).acquire('other'))
  }
)

t.test('A lease that lasts longer than the silence of Redis is not lost.', async t => {
  const client = new OneKey()
  const lock = await redisLock(client).acquire('id')
  client.silent = true
  await until(() => client.names.length > 1)
  await new Promise(resolve => setTimeout(resolve, STORE_DEADLINE + 500))
  client.silent = false
  client.commands.length = 0
  await until(() => client.renewals > 0)
  await lock.release()
  t.equal(client.holder, null)
})

t.test('An invalid client or time is reported at once.', async t => {
  for (const client of [
    undefined,
    null,
    {},
    'redis://127.0.0.1',
    { sendCommand: async () => 'OK' },
    { eval: async () => 'OK' }
  ]) {
    t.throws(() => redisLock(client as never), {
      code: 'LE_AUTH_OPTIONS_INVALID',
      message: /a connected client of the package redis or ioredis/
    })
  }
  for (const time of [0, -1, 1.5, NaN, '5', null]) {
    for (const name of ['lease', 'wait']) {
      t.throws(() => redisLock(new OneKey(), { [name]: time }), {
        code: 'LE_AUTH_OPTIONS_INVALID',
        message: new RegExp(`${name} must be a time in ms`)
      })
    }
  }
})
