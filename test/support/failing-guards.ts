import type { FastifyInstance, RouteShorthandOptions } from 'fastify'
import type { Test } from 'tap'
import type { Setting, TestApp } from './app.ts'
import type { Browser, PageResponse } from './browser.ts'
import { MINUTE } from './clock.ts'
import { loggedIn } from './logged-in.ts'
import { TestStore } from './stores.ts'

/** What a guard may fail for. */
export type Failure = 'login' | 'admin' | 'store' | 'refresh'

/** An app whose guards fail on demand. */
export interface FailingGuards {
  app: TestApp
  /** Opens a page whose guard fails. */
  open: (failure: Failure) => Promise<PageResponse>
  /** Requests it as a script does. */
  script: (failure: Failure) => Promise<PageResponse>
  /** Sends a form to it. */
  submit: (failure: Failure) => Promise<PageResponse>
}

interface GuardSetting extends Setting {
  /** Options of the guarded routes. */
  route?: (app: FastifyInstance) => RouteShorthandOptions
}

/** Starts an app with guarded routes, and a user who is no administrator. */
export async function failingGuards(
  t: Test,
  { route = () => ({}), ...setting }: GuardSetting = {}
): Promise<FailingGuards> {
  const store = new TestStore()
  const after = async (app: FastifyInstance): Promise<void> => {
    await setting.after?.(app)
    await app.register(async scope => guardedRoutes(scope, route))
  }
  const options = { store, ...setting.options }
  const { app, browser, clock } = await loggedIn(t, {}, options, { ...setting, after })
  const fail = async (
    failure: Failure,
    ask: (browser: Browser, url: string) => Promise<PageResponse>
  ): Promise<PageResponse> => {
    const url = app.url(failure === 'admin' ? '/guarded/admin?a=1' : '/guarded?a=1')
    if (failure === 'login') return ask(app.browser(), url)
    if (failure === 'store') store.trouble = () => 'error'
    if (failure === 'refresh') {
      clock.advance(61 * MINUTE)
      app.sentinel.next('refresh', { status: 503 })
    }
    const response = await ask(browser, url)
    store.trouble = () => undefined
    return response
  }
  return {
    app,
    open: failure => fail(failure, (browser, url) => browser.step(url)),
    script: failure => fail(failure, (browser, url) => browser.script(url)),
    submit: failure =>
      fail(failure, (browser, url) => browser.step(url, { method: 'POST', form: {}, from: url }))
  }
}

function guardedRoutes(
  app: FastifyInstance,
  route: (app: FastifyInstance) => RouteShorthandOptions
): void {
  const method = ['GET', 'POST']
  const handler = async (): Promise<string> => 'inside'
  const options = { ...route(app), method, handler }
  app.route({ ...options, url: '/guarded', onRequest: app.requireAuth })
  app.route({ ...options, url: '/guarded/admin', onRequest: app.requireAdmin })
}
