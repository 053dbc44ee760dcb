import t, { type Test } from 'tap'
import { MemoryStore } from '../../lib/session/memory-store.js'
import { Clock, HOUR, MINUTE, SECOND } from '../support/clock.js'

/** A store with promises around it; `sweepSoon` lets the next look for expired records happen within a moment. */
function storeFor (t: Test, max: number, clock = new Clock()): { store: MemoryStore, get: (id: string) => any, set: (id: string, record: object) => void } {
  const store = new MemoryStore(max, clock.now)
  t.teardown(() => store.close())
  return {
    store,
    get (id) {
      let found: unknown = 'not called back'
      store.get(id, (error, record) => { found = error ?? record })
      return found
    },
    set (id, record) {
      let called = 0
      store.set(id, record as never, error => { t.equal(error ?? null, null); called += 1 })
      t.equal(called, 1, 'called back once')
    }
  }
}

const until = (time: number): object => ({ cookie: { expires: new Date(time) } })

t.test('it gives back what it got, and null for what it does not have', async t => {
  const { get, set } = storeFor(t, 10)
  set('a', { name: 'Ann', cookie: { expires: null } })
  t.same(get('a'), { name: 'Ann', cookie: { expires: null } })
  t.equal(get('b'), null)
  t.equal(get('__proto__'), null)
  t.equal(get('constructor'), null)
})

t.test('it answers at once, for a request that waits for nothing', async t => {
  const { store, set } = storeFor(t, 10)
  set('a', {})
  let done = false
  store.destroy('a', () => { done = true })
  t.ok(done)
})

t.test('it is bounded: the least recently used record goes first', async t => {
  const { store, get, set } = storeFor(t, 3)
  for (const id of ['a', 'b', 'c']) set(id, { id })
  get('a')
  set('d', { id: 'd' })
  t.equal(store.size, 3)
  t.equal(get('b'), null)
  t.same(['a', 'c', 'd'].map(id => get(id)?.id), ['a', 'c', 'd'])
  for (let i = 0; i < 1000; i += 1) store.set(`x${i}`, {} as never, () => {})
  t.equal(store.size, 3)
})

t.test('a record is gone when its time is over', async t => {
  const clock = new Clock()
  const { get, set } = storeFor(t, 10, clock)
  set('a', until(clock.now() + HOUR))
  clock.advance(HOUR - MINUTE)
  await moment()
  t.not(get('a'), null)
  clock.advance(MINUTE + SECOND)
  await moment()
  t.equal(get('a'), null)
})

t.test('a record that was over when it came is not kept', async t => {
  const clock = new Clock()
  const { get, set } = storeFor(t, 10, clock)
  set('a', until(clock.now() - HOUR))
  clock.advance(SECOND)
  await moment()
  t.equal(get('a'), null)
})

t.test('a later write sets a later end', async t => {
  const clock = new Clock()
  const { get, set } = storeFor(t, 10, clock)
  set('a', until(clock.now() + HOUR))
  clock.advance(HOUR - MINUTE)
  await moment()
  set('a', until(clock.now() + HOUR))
  clock.advance(HOUR - MINUTE)
  await moment()
  t.not(get('a'), null)
})

t.test('what nobody asks for any more does not stay in memory', async t => {
  const intervals = capturedIntervals(t)
  const clock = new Clock()
  const { store, set } = storeFor(t, 1000, clock)
  for (let i = 0; i < 100; i += 1) set(`x${i}`, until(clock.now() + HOUR))
  set('stays', until(clock.now() + 3 * HOUR))
  clock.advance(2 * HOUR)
  await moment()
  t.equal(store.size, 101)
  t.equal(intervals.length, 1)
  t.ok(intervals[0]!.ms <= 5 * MINUTE, 'looked for every few minutes')
  intervals[0]!.run()
  t.equal(store.size, 1)
})

t.test('it shares no object with anybody', async t => {
  const { get, set } = storeFor(t, 10)
  const record = { cart: ['pen'], request: { toJSON: () => 'text only' } }
  set('a', record)
  record.cart.push('added later')
  t.same(get('a').cart, ['pen'])
  get('a').cart.push('added to a copy')
  t.same(get('a'), { cart: ['pen'], request: 'text only' })
})

t.test('what is destroyed is gone; destroying it again is no error', async t => {
  const { store, get, set } = storeFor(t, 10)
  set('a', {})
  for (let i = 0; i < 2; i += 1) store.destroy('a', error => t.equal(error ?? null, null))
  t.equal(get('a'), null)
  t.equal(store.size, 0)
})

t.test('closed, it keeps nothing and no timer', async t => {
  const intervals = capturedIntervals(t)
  const { store, set } = storeFor(t, 10)
  set('a', {})
  t.equal(intervals.length, 1)
  t.notOk(intervals[0]!.timer.hasRef(), 'it never keeps a process alive')
  store.close()
  t.equal(store.size, 0)
  t.ok((intervals[0]!.timer as any)._destroyed, 'the timer is cleared')
})

/** Notes the intervals that are set from now on, so that a test need not wait for one. */
function capturedIntervals (t: Test): Array<{ run: () => void, ms: number, timer: NodeJS.Timeout }> {
  const intervals: Array<{ run: () => void, ms: number, timer: NodeJS.Timeout }> = []
  const real = globalThis.setInterval
  t.teardown(() => { globalThis.setInterval = real })
  globalThis.setInterval = ((run: () => void, ms: number) => {
    const timer = real(run, ms)
    intervals.push({ run, ms, timer })
    return timer
  }) as typeof setInterval
  return intervals
}

/** lru-cache reads its clock once a millisecond. */
function moment (): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 5))
}
