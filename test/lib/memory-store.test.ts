import t, { type Test } from 'tap'
import { MemoryStore } from '../../lib/store/memory-store.ts'
import { FixedClock, HOUR, MINUTE, SECOND } from '../support/clock.ts'

/** A store, with a get and a set that return at once. */
function storeFor(
  t: Test,
  max: number,
  clock = new FixedClock()
): { store: MemoryStore; get: (id: string) => any; set: (id: string, record: object) => void } {
  const store = new MemoryStore(max, clock.now)
  return {
    store,
    get(id) {
      let found: unknown = 'not called back'
      store.get(id, (error, record) => {
        found = error ?? record
      })
      return found
    },
    set(id, record) {
      let called = 0
      store.set(id, record as never, error => {
        t.equal(error ?? null, null)
        called += 1
      })
      t.equal(called, 1, 'called back once')
    }
  }
}

const until = (time: number): object => ({ cookie: { expires: new Date(time) } })

t.test('The memory store returns what it was given, and null for what it does not have.', t => {
  const { get, set } = storeFor(t, 10)
  set('a', { name: 'Ann', cookie: { expires: null } })
  t.same(get('a'), { name: 'Ann', cookie: { expires: null } })
  t.equal(get('b'), null)
  t.equal(get('__proto__'), null)
  t.equal(get('constructor'), null)
  t.end()
})

t.test('The memory store calls back at once, for a request that waits for nothing.', t => {
  const { store, set } = storeFor(t, 10)
  set('a', {})
  let done = false
  store.destroy('a', () => {
    done = true
  })
  t.ok(done)
  t.end()
})

t.test('The memory store is bounded: the least recently used record goes first.', t => {
  const { store, get, set } = storeFor(t, 3)
  for (const id of ['a', 'b', 'c']) set(id, { id })
  get('a')
  set('d', { id: 'd' })
  t.equal(store.size, 3)
  t.equal(get('b'), null)
  t.same(
    ['a', 'c', 'd'].map(id => get(id)?.id),
    ['a', 'c', 'd']
  )
  for (let i = 0; i < 1000; i += 1) store.set(`x${i}`, {} as never, () => {})
  t.equal(store.size, 3)
  t.end()
})

t.test('A record is gone when it has expired.', async t => {
  const clock = new FixedClock()
  const { get, set } = storeFor(t, 10, clock)
  set('a', until(clock.now() + HOUR))
  await passes(clock, HOUR - MINUTE)
  t.not(get('a'), null)
  await passes(clock, MINUTE + SECOND)
  t.equal(get('a'), null)
})

t.test('A record that has already expired is not kept.', async t => {
  const clock = new FixedClock()
  const { get, set } = storeFor(t, 10, clock)
  set('a', until(clock.now() - HOUR))
  await passes(clock, SECOND)
  t.equal(get('a'), null)
})

t.test('A later write sets a later expiry.', async t => {
  const clock = new FixedClock()
  const { get, set } = storeFor(t, 10, clock)
  set('a', until(clock.now() + HOUR))
  await passes(clock, HOUR - MINUTE)
  set('a', until(clock.now() + HOUR))
  await passes(clock, HOUR - MINUTE)
  t.not(get('a'), null)
})

t.test('purge() removes expired records that nothing reads.', async t => {
  const clock = new FixedClock()
  const { store, set } = storeFor(t, 1000, clock)
  for (let i = 0; i < 100; i += 1) set(`x${i}`, until(clock.now() + HOUR))
  for (let i = 0; i < 100; i += 1) set(`u${i}`, { leAuth: 'a login', ...until(clock.now() + HOUR) })
  set('stays', until(clock.now() + 3 * HOUR))
  await passes(clock, 2 * HOUR)
  t.equal(store.size, 201)
  store.purge()
  t.equal(store.size, 1)
})

t.test('Sessions of visitors push out sessions of visitors, and no session of a user.', t => {
  const { store, get, set } = storeFor(t, 3)
  for (const id of ['a', 'b', 'c']) set(id, { id, leAuth: 'a login' })
  for (let i = 0; i < 1000; i += 1) store.set(`x${i}`, {}, () => {})
  t.same(
    ['a', 'b', 'c'].map(id => get(id)?.id),
    ['a', 'b', 'c']
  )
  t.equal(store.size, 6)
  set('d', { id: 'd', leAuth: 'a login' })
  t.same(
    ['a', 'b', 'c', 'd'].map(id => get(id)?.id),
    [undefined, 'b', 'c', 'd'],
    'users push out the least recently used user'
  )
  t.not(get('x999'), null, 'users push out no visitor')
  t.end()
})

t.test('The memory store shares no object with its callers.', t => {
  const { get, set } = storeFor(t, 10)
  const record = { cart: ['pen'], request: { toJSON: () => 'text only' } }
  set('a', record)
  record.cart.push('added later')
  t.same(get('a').cart, ['pen'])
  get('a').cart.push('added to a copy')
  t.same(get('a'), { cart: ['pen'], request: 'text only' })
  t.end()
})

t.test('A destroyed record is gone, and destroying it again is no error.', t => {
  const { store, get, set } = storeFor(t, 10)
  set('a', {})
  for (let i = 0; i < 2; i += 1) store.destroy('a', error => t.equal(error ?? null, null))
  t.equal(get('a'), null)
  t.equal(store.size, 0)
  t.end()
})

/** Lets time pass. lru-cache reads its clock once in a real millisecond. */
async function passes(clock: FixedClock, ms: number): Promise<void> {
  clock.advance(ms)
  await new Promise(resolve => setTimeout(resolve, 5))
}
