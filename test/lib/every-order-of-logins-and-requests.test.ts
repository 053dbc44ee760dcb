import { inEveryOrder } from '../support/orders/in-every-order.ts'

for (const process of ['A', 'B']) {
  inEveryOrder(
    `Every order ends well: a new login in ${process}, a refresh of the old one in A, ` +
      'and requests with both.',
    {},
    async world => {
      await world.refresh('A')
      const newLogin = await world.logInAgain(process)
      world.visit('A')
      world.visit('A', 'new', newLogin)
    }
  )
}

inEveryOrder(
  'Every order ends well: a new login whose store takes effect at once and responds later.',
  { effect: 'at once' },
  async world => {
    await world.refresh('A')
    const newLogin = await world.logInAgain('A')
    world.visit('A')
    world.visit('A', 'new', newLogin)
  }
)

inEveryOrder(
  'Every order ends well: requests that write activity one by one, and a logout in ' +
    'another process.',
  { touched: ['active'] },
  async world => {
    world.visit('A', 'old', world.visit('A'))
    world.visit('B')
    await world.logout('B', false)
  }
)
