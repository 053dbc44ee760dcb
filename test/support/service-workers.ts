import type { FastifyInstance } from 'fastify'
import type { Page } from 'playwright-core'

/** What service workers do with the requests of links and forms. */
export const WORKERS = {
  'passes requests on': 'onfetch = event => event.respondWith(fetch(event.request))',
  'adds a header to requests': `onfetch = event => {
    const headers = new Headers(event.request.headers)
    headers.set('x-worker', '1')
    event.respondWith(fetch(new Request(event.request, { headers })))
  }`,
  'preloads pages': `
    onactivate = event => event.waitUntil(registration.navigationPreload.enable())
    onfetch = event =>
      event.respondWith(event.preloadResponse.then(response => response ?? fetch(event.request)))`
}

export type WorkerKind = keyof typeof WORKERS

/** Adds the route of a service worker. */
export function serveWorker(app: FastifyInstance, kind: WorkerKind): void {
  app.get('/worker.js', async (_request, reply) =>
    reply.type('text/javascript').send(WORKERS[kind])
  )
}

/** Opens a page of the app, and waits until the worker gets the page's requests. */
export async function startWorker(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.evaluate(
    "navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready)"
  )
  await page.reload()
  await page.waitForFunction('navigator.serviceWorker.controller !== null')
}
