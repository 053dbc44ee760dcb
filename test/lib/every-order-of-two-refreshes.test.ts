import { inEveryOrder, LOGOUTS } from '../support/orders/in-every-order.ts'

for (const lock of [false, true]) {
  const withLock = lock ? 'with' : 'without'

  for (const { logout, revoke, touched } of LOGOUTS) {
    inEveryOrder(
      `Every order ends well: two refreshes in two processes ${withLock} a lock, and ` +
        `${logout}.`,
      { touched, coldB: true, lock },
      async world => {
        await world.refresh('A')
        world.visitAndRefresh('B')
        await world.logout('A', revoke)
      }
    )
  }

  inEveryOrder(
    `Every order ends well: two refreshes in two processes ${withLock} a lock, a ` +
      'plain logout and a request.',
    { lock },
    async world => {
      await world.refresh('A')
      await world.refresh('B')
      await world.logout('A', false)
      world.visit('B')
    }
  )

  inEveryOrder(
    `Every order ends well: two refreshes in two processes ${withLock} a lock, ` +
      'a request, and no logout.',
    { lock, hurries: 2 },
    async world => {
      await world.refresh('A')
      await world.refresh('B')
      world.visit('B')
    }
  )

  inEveryOrder(
    `Every order ends well: a refresh ${withLock} a lock, and a refresh of what a new ` +
      'process finds later.',
    { lock, hurries: 2, coldB: true },
    async world => {
      await world.refresh('A')
      world.visitAndRefresh('B')
      world.visit('A')
    }
  )
}
