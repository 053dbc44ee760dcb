import t from 'tap'
import { Clock } from '../../lib/clock.ts'
import { storePromise } from '../../lib/store/store-call.ts'

class SimpleError extends Error {}
class StoreError extends Error {}

const clock = new Clock(Date.now, globalThis)

for (const [what, error, reason] of [
  ['a code', Object.assign(new Error('secret'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  ['no code', new StoreError('AT redis://secret'), 'StoreError'],
  ['a code of Redis', new SimpleError('NOAUTH Authentication required.'), 'NOAUTH'],
  ['no code of Redis', new SimpleError('secret of a script'), 'SimpleError']
] as const) {
  t.test(`The reason of a store's error with ${what} is ${reason}, and no secret.`, async t => {
    await t.rejects(
      storePromise(clock, done => done(error)),
      { code: 'LE_AUTH_STORE_UNAVAILABLE', reason }
    )
  })
}
