import { drive } from '../harness/drive.mjs'

/** Driver and identity service share a core, so logins per second would tell about them: processor time of the server counts. */
export const wholeLogins = {
  name: 'logins',
  title: 'Whole logins, 20 at once: /login, authorize, /callback',
  columns: [{ key: 'millis', title: 'ms of the server\'s processor time for each', digits: 3 }],
  ratioOf: 'millis',
  baselines: ['bare-session', 'bare-session-redis'],
  suits: ({ login }) => login !== false,
  rounds: ({ rounds }) => rounds,
  async sample (_contestant, server, { warmUp, seconds }) {
    await drive({ server: server.url, kind: 'whole', seconds: warmUp })
    const before = await server.ask('time')
    const logins = await drive({ server: server.url, kind: 'whole', seconds })
    return { millis: (await server.ask('time') - before) / 1000 / logins }
  }
}
