export const startUp = {
  name: 'start',
  title: 'From `node server.mjs` to the first response',
  columns: [{ key: 'millis', title: 'ms', digits: 0 }],
  ratioOf: 'millis',
  baselines: ['bare-fastify'],
  server: { probe: false },
  rounds: ({ starts }) => starts,
  sample: async (_contestant, { readyAfter }) => ({ millis: readyAfter })
}
