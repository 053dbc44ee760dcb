import t from 'tap'
import { Turns } from '../../lib/http/turns.ts'

const never = (): AbortSignal => new AbortController().signal

t.test('The first calls get a turn at once, and the others in their order.', async t => {
  const turns = new Turns(2)
  t.same(await Promise.all([turns.take(never()), turns.take(never())]), [true, true])
  const order: string[] = []
  const third = turns.take(never()).then(() => order.push('third'))
  const fourth = turns.take(never()).then(() => order.push('fourth'))
  await Promise.resolve()
  t.same(order, [])
  turns.release()
  await third
  t.same(order, ['third'])
  turns.release()
  await fourth
  t.same(order, ['third', 'fourth'])
})

t.test('A call that gives up gets no turn, and takes none from another.', async t => {
  const turns = new Turns(1)
  await turns.take(never())
  const controller = new AbortController()
  const impatient = turns.take(controller.signal)
  const patient = turns.take(never())
  controller.abort()
  t.equal(await impatient, false)
  turns.release()
  t.equal(await patient, true)
  turns.release()
  t.equal(await turns.take(never()), true, 'the turn is free again')
})

t.test('No more than a thousand calls wait.', async t => {
  const turns = new Turns(1)
  await turns.take(never())
  const waiting = Array.from({ length: 1000 }, () => turns.take(never()))
  t.equal(await turns.take(never()), false)
  turns.release()
  t.equal(await waiting[0], true)
  turns.take(never())
  t.equal(await turns.take(never()), false)
})
