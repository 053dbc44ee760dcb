import { inEveryOrder, LOGOUTS } from '../support/in-every-order.js'

for (const { logout, revoke, touched } of LOGOUTS) {
  for (const effect of ['when released', 'at once'] as const) {
    inEveryOrder(`a refresh, ${logout} and a request in one process; calls take effect ${effect}`, { effect, touched }, async world => {
      await world.refresh('A')
      await world.logout('A', revoke)
      world.visit('A')
    })

    inEveryOrder(`a refresh and a request in one process, ${logout} in another; calls take effect ${effect}`, { effect, touched }, async world => {
      await world.refresh('A')
      await world.logout('B', revoke)
      world.visit('A')
    })
  }

  inEveryOrder(`a refresh and ${logout} in one process, requests in one that has not heard of the login`, { touched, coldB: true }, async world => {
    await world.refresh('A')
    await world.logout('A', revoke)
    world.visit('B')
  })
}
