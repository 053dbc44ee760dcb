import t, { type Test } from 'tap'
import { MemoryRecords } from '../../lib/store/memory-records.ts'
import type { RecordKind } from '../../lib/store/records.ts'
import { FixedClock, HOUR, MINUTE } from '../support/clock.ts'

const KINDS: RecordKind[] = ['login', 'tokens', 'active', 'revoke']

interface Setting {
  records: MemoryRecords
  clock: FixedClock
  /** Stores all kinds of records of a login, for an hour. */
  add: (id: string) => Promise<void>
  /** A record of a login, read at once. */
  get: (kind: RecordKind, id: string) => string | null
  /** The kinds of records that a login has. */
  kinds: (id: string) => RecordKind[]
}

function setUp(t: Test, max = 10): Setting {
  const clock = new FixedClock()
  const records = new MemoryRecords(max, clock.now)
  const get: Setting['get'] = (kind, id) => {
    let found: string | null | undefined
    records.get(kind, id, (error, text) => {
      t.equal(error, null)
      found = text
    })
    if (found === undefined) throw new Error('not called back at once')
    return found
  }
  return {
    records,
    clock,
    get,
    kinds: id => KINDS.filter(kind => get(kind, id) !== null),
    add: async id => {
      for (const kind of KINDS) await records.set(kind, id, `${kind} of ${id}`, clock.now() + HOUR)
    }
  }
}

t.test('Records are separate for each kind and each login.', async t => {
  const { records, clock, add, get, kinds } = setUp(t)
  for (const id of ['a', 'b']) await add(id)
  for (const id of ['a', 'b']) for (const kind of KINDS) t.equal(get(kind, id), `${kind} of ${id}`)
  await records.set('tokens', 'a', 'newer', clock.now() + HOUR)
  t.equal(get('tokens', 'a'), 'newer')
  t.equal(get('tokens', 'b'), 'tokens of b')
  t.same(kinds('a'), KINDS, 'a write keeps the other records of a login')
  t.same(kinds('nobody'), [])
  t.same(kinds('__proto__'), [])
})

t.test('A destroyed record is gone, and all others stay.', async t => {
  const { records, add, kinds } = setUp(t)
  for (const id of ['a', 'b']) await add(id)
  for (let i = 0; i < 2; i += 1) await records.destroy('login', 'a')
  t.same(kinds('a'), ['tokens', 'active', 'revoke'])
  t.same(kinds('b'), KINDS)
  await records.destroy('login', 'nobody')
  for (const kind of KINDS) await records.destroy(kind, 'a')
  t.equal(records.size, 1, 'a login without records takes no space')
})

t.test(
  'Only as many logins as allowed are kept, and the least recently used one goes with all ' +
    'its records.',
  async t => {
    const { records, add, get, kinds } = setUp(t, 3)
    for (const id of ['a', 'b', 'c']) await add(id)
    get('login', 'a')
    await add('d')
    t.same(kinds('b'), [])
    for (const id of ['a', 'c', 'd']) t.same(kinds(id), KINDS, id)
    for (let i = 0; i < 1000; i += 1) await add(`x${i}`)
    t.equal(records.size, 3)
    t.same(kinds('x999'), KINDS)
  }
)

t.test('A write counts as a use of the login.', async t => {
  const { records, clock, add, kinds } = setUp(t, 2)
  for (const id of ['a', 'b']) await add(id)
  await records.set('active', 'a', 'now', clock.now() + HOUR)
  await add('c')
  t.same(kinds('a'), KINDS)
  t.same(kinds('b'), [])
})

t.test('Each record expires at its own time.', async t => {
  const { records, clock, get } = setUp(t)
  await records.set('login', 'a', 'for hours', clock.now() + 2 * HOUR)
  await records.set('revoke', 'a', 'for minutes', clock.now() + 10 * MINUTE)
  clock.advance(10 * MINUTE - 1)
  t.equal(get('revoke', 'a'), 'for minutes')
  clock.advance(1)
  t.equal(get('revoke', 'a'), null)
  t.equal(get('login', 'a'), 'for hours', 'the other records stay')
  clock.advance(2 * HOUR)
  t.equal(get('login', 'a'), null)
})

t.test('A record that has already expired is not kept.', async t => {
  const { records, clock, get } = setUp(t)
  await records.set('tokens', 'a', 'late', clock.now() - 1)
  t.equal(get('tokens', 'a'), null)
  t.equal(records.size, 0)
})

t.test('purge() removes expired logins that nothing reads.', async t => {
  const { records, clock, add, kinds } = setUp(t, 1000)
  for (let i = 0; i < 100; i += 1) await add(`x${i}`)
  await records.set('login', 'stays', 'for hours', clock.now() + 3 * HOUR)
  clock.advance(2 * HOUR)
  // lru-cache reads its clock once in a real millisecond.
  await new Promise(resolve => setTimeout(resolve, 5))
  t.equal(records.size, 101)
  records.purge()
  t.equal(records.size, 1)
  t.same(kinds('stays'), ['login'])
})
