import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import { startApp, type TestApp } from '../support/app.ts'
import { isFreeOf } from '../support/checks.ts'
import { logIn, pendingCallback } from '../support/login.ts'

type RewriteUrl = NonNullable<FastifyServerOptions['rewriteUrl']>

const strip = (url: string): string => url.replace(/^\/app1(?=\/|\?|$)/, '') || '/'

const REWRITES: Record<string, RewriteUrl> = {
  'removes a prefix': ({ url }) => strip(url!),
  'removes a prefix from some URLs': ({ url }) => (url!.startsWith('/app1/') ? strip(url!) : url!),
  'removes a prefix, and renames a page': ({ url }) => strip(url!).replace('/old/', '/page/')
}

async function rewritingApp(
  t: Test,
  rewriteUrl: RewriteUrl,
  before: (app: FastifyInstance) => unknown = () => {}
): Promise<TestApp> {
  return startApp(t, {
    callback: '/app1/callback',
    options: { routes: { callback: '/callback' } },
    fastify: { rewriteUrl },
    before
  })
}

for (const [what, rewriteUrl] of Object.entries(REWRITES)) {
  t.test(
    `A login leads back to the URL that the browser has opened: rewriteUrl ${what}.`,
    async t => {
      const app = await rewritingApp(t, rewriteUrl)
      for (const path of ['/app1/page/a?b=c', '/app1/old/a', '/app1/page/app1/x', '/app1/page/']) {
        const guarded = await app.browser().step(app.url(path))
        if (guarded.status === 404) continue
        t.equal(guarded.location, `/app1/login?returnTo=${encodeURIComponent(path)}`)
        const page = await logIn(app, app.browser(), undefined, path)
        t.equal(`${page.status} ${page.url}`, `200 ${app.url(path)}`)
      }
      const user = app.browser()
      t.equal((await logIn(app, user, undefined, '/app1/login')).url, app.url('/app1/'))
      const { status, text } = await user.step(app.url('/app1/admin?a=1'))
      t.equal(status, 403)
      t.match(text, 'href="/app1/login?returnTo=%2Fapp1%2Fadmin%3Fa%3D1"')
    }
  )
}

t.test('A login leads back to the URL before a prefix was added by rewriteUrl.', async t => {
  const app = await startApp(t, {
    fastify: {
      rewriteUrl: ({ url }) => (url!.startsWith('/v2/') ? url!.replace('/v2/', '/page/v2/') : url!)
    }
  })
  const guarded = await app.browser().step(app.url('/v2/a?b=c'))
  t.equal(guarded.location, '/login?returnTo=%2Fv2%2Fa%3Fb%3Dc')
  t.equal((await logIn(app, app.browser(), undefined, '/v2/a?b=c')).text, 'page /page/v2/a?b=c')
})

t.test('A prefix that a proxy has removed is added, whatever notes the URL before.', async t => {
  const app = await startApp(t, {
    callback: '/app1/callback',
    options: { routes: { callback: '/callback' } },
    // As @fastify/middie and @fastify/express do for each request.
    fastify: {
      rewriteUrl: request => Object.assign(request, { originalUrl: request.url }).url!
    }
  })
  for (const path of ['/page/a', '/page/app1/a']) {
    const { location } = await app.browser().step(app.url(path))
    t.equal(location, `/app1/login?returnTo=${encodeURIComponent(`/app1${path}`)}`)
  }
})

for (const early of [true, false]) {
  t.test(
    'Nothing of a code and a state stays in the URL that rewriteUrl has changed' +
      `${early ? ', even if a hook has read it before' : ''}.`,
    async t => {
      const urls: string[] = []
      const app = await rewritingApp(t, REWRITES['removes a prefix']!, app => {
        app.addHook('onRequest', async request => {
          if (early) urls.push(request.originalUrl)
        })
        app.addHook('onResponse', async request => {
          const { originalUrl, raw, url } = request
          urls.push(originalUrl, url, raw.url!, (raw as { originalUrl?: string }).originalUrl!)
          request.log.info({ originalUrl, raw: raw.url }, 'responded')
        })
      })
      const browser = app.browser()
      const { url, code, state } = await pendingCallback(app, browser)
      for (const [method, slash, status] of [
        ['POST', '', 405],
        ['GET', '/', 404],
        ['GET', '', 303]
      ] as const) {
        const response = await browser.step(url.replace('?', `${slash}?`), { method })
        t.equal(response.status, status)
        const [before, after] = [`/app1/callback${slash}`, `/callback${slash}`]
        t.same(urls.slice(-4), [before, after, after, before])
        const seen = urls.slice(-4).join() + app.logLines.join()
        isFreeOf(t, seen, [code, state], 'no code and no state')
      }
    }
  )
}
