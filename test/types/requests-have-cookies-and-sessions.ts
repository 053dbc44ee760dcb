import Fastify from 'fastify'
import leAuth, { requireAuth } from 'fastify-le-auth'

declare module 'fastify' {
  interface Session {
    lastSearch?: string
  }
}

const app = Fastify()
await app.register(leAuth, {})
app.get('/search', { preHandler: requireAuth }, async (request, reply) => {
  const theme: string | undefined = request.cookies['theme']
  request.session.lastSearch = theme ?? ''
  await request.session.save()
  reply.setCookie('theme', 'dark', { path: '/' })
  return request.session.get('lastSearch')
})
