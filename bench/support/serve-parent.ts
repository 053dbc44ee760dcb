import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Listens, tells the parent process where, and answers its questions until the parent is gone. */
export async function serveParent (app: FastifyInstance, answers: Record<string, () => unknown>): Promise<void> {
  // The process must not outlive who measures it.
  process.on('disconnect', () => process.exit())
  process.on('message', question => { answer(answers[String(question)]) })
  await app.listen({ host: '127.0.0.1', port: 0 })
  process.send!({ url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}` })
}

async function answer (question: (() => unknown) | undefined): Promise<void> {
  try {
    process.send!(await question!() ?? {})
  } catch (error) {
    process.send!({ error: String(error) })
  }
}
