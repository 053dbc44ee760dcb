import { port } from './settings.mjs'

/** Adds the public page and listens. */
export async function serve(app) {
  app.get('/public', async () => ({ ok: true }))
  await app.listen({ port, host: '127.0.0.1' })
}
