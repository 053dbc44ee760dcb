import { drive } from '../harness/drive.mjs'

/**
 * Driver and identity service share a core, so logins per second would measure them. The server's
 * processor time is measured instead.
 */
export const wholeLogins = {
  name: 'logins',
  title: 'Whole logins, 20 at once: /login, authorize, /callback',
  columns: [{ key: 'millis', title: "ms of the server's processor time for each", digits: 3 }],
  ratioOf: 'millis',
  baselines: ['bare-session', 'bare-session-redis'],
  appliesTo: ({ login }) => login !== false,
  rounds: ({ rounds }) => rounds,
  async sample(_contestant, server, { warmUp, seconds }) {
    await drive({ server: server.url, kind: 'whole', seconds: warmUp })
    const before = await server.read('time')
    const logins = await drive({ server: server.url, kind: 'whole', seconds })
    return { millis: ((await server.read('time')) - before) / 1000 / logins }
  }
}
