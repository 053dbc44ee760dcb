import { drive } from '../harness/drive.mjs'

const inMemory = ({ redis }) => redis !== true
const usesMemory = {
  server: { gc: true },
  rounds: ({ rounds }) => Math.min(3, rounds),
  baselines: []
}

export const abandonedLogins = {
  ...usesMemory,
  name: 'abandoned',
  title: settings => `${settings.abandoned} unfinished logins: what they leave`,
  columns: [
    { key: 'records', title: 'records in the store', digits: 0 },
    { key: 'bytes', title: 'bytes of heap for each', digits: 0 }
  ],
  appliesTo: inMemory,
  sample: (_contestant, server, settings) =>
    growth(server, 'abandoned', settings.abandonedFirst, settings.abandoned)
}

export const keptLogins = {
  ...usesMemory,
  name: 'memory',
  title: settings => `${settings.kept} whole logins in the memory store: what they hold`,
  columns: [
    { key: 'bytes', title: 'bytes of heap for each', digits: 0 },
    { key: 'records', title: 'records in the store', digits: 0 }
  ],
  ratioOf: 'bytes',
  baselines: ['bare-session-tokens'],
  appliesTo: contestant => inMemory(contestant) && contestant.login !== false,
  sample: (_contestant, server, settings) =>
    growth(server, 'whole', settings.keptFirst, settings.kept)
}

/** Memory after a full garbage collection, minus the memory after the first logins. */
async function growth(server, kind, first, count) {
  await drive({ server: server.url, kind, count: first })
  const before = await server.read('memory')
  await drive({ server: server.url, kind, count })
  const after = await server.read('memory')
  return {
    bytes: (after.held - before.held) / count,
    records: after.records === null ? NaN : after.records - before.records
  }
}
