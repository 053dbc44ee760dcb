import { inEveryOrder } from '../support/in-every-order.js'

for (const process of ['A', 'B']) {
  inEveryOrder(`a new login in ${process}, beside a refresh of the old one in A, and requests with both`, {}, async world => {
    await world.refresh('A')
    const newLogin = await world.logInAgain(process)
    world.visit('A')
    world.visit('A', 'new', newLogin)
  })
}

inEveryOrder('a new login whose store takes effect at once and answers later', { effect: 'at once' }, async world => {
  await world.refresh('A')
  const newLogin = await world.logInAgain('A')
  world.visit('A')
  world.visit('A', 'new', newLogin)
})

inEveryOrder('requests that write activity, one after the other, and a logout in another process', { touched: ['active'] }, async world => {
  world.visit('A', 'old', world.visit('A'))
  world.visit('B')
  await world.logout('B', false)
})
