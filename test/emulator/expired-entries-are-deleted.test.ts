import t from 'tap'
import { ExpiringMap } from '../../lib/emulator/expiring-map.ts'
import { Clock } from './support.ts'

t.test('the expiring map deletes entries after they have expired', async t => {
  const clock = new Clock()
  const map = new ExpiringMap<number>(clock.now)
  for (let i = 0; i < 1000; i++) map.set(`key ${i}`, i, 1000)
  clock.pass(500)
  map.set('later', 1, 1000)
  map.extend('key 7', 1000)
  clock.pass(500)
  t.equal(map.get('key 6'), undefined)
  t.equal(map.get('key 7'), 7)
  map.extend('key 6', 1000)
  t.equal(map.get('key 6'), undefined, 'extend does not revive an expired value')
  map.set('new', 2, 1000)
  t.equal(map.size, 3)
  map.deleteWhere(value => value === 7)
  t.equal(map.get('key 7'), undefined)
  t.equal(map.get('later'), 1)
})
