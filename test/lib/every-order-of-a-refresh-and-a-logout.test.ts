import { inEveryOrder, LOGOUTS } from '../support/orders/in-every-order.ts'

for (const { logout, revoke, touched } of LOGOUTS) {
  for (const effect of ['when released', 'at once'] as const) {
    inEveryOrder(
      `Every order ends well: a refresh, ${logout} and a request in one process; ` +
        `calls take effect ${effect}.`,
      { effect, touched },
      async world => {
        await world.refresh('A')
        await world.logout('A', revoke)
        world.visit('A')
      }
    )

    inEveryOrder(
      `Every order ends well: a refresh and a request in one process, ${logout} in ` +
        `another; calls take effect ${effect}.`,
      { effect, touched },
      async world => {
        await world.refresh('A')
        await world.logout('B', revoke)
        world.visit('A')
      }
    )
  }

  inEveryOrder(
    `Every order ends well: a refresh and ${logout} in one process, requests in one ` +
      'that does not know the login.',
    { touched, coldB: true },
    async world => {
      await world.refresh('A')
      await world.logout('A', revoke)
      world.visit('B')
    }
  )
}
