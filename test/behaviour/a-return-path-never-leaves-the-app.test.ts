import t from 'tap'
import { returnPath } from '../../lib/http/return-path.js'
import { logIn, startApp, upToCallback } from '../support/app.js'

const ORIGIN = 'http://localhost:3000'

const KEPT: Record<string, string> = {
  '/': '/',
  '/page/a': '/page/a',
  '/page/a?b=c&d=//e#f': '/page/a?b=c&d=//e#f',
  '/page/../other': '/other',
  '/日本': '/%E6%97%A5%E6%9C%AC',
  '/a b': '/a%20b',
  '/%2F%2Fevil.example': '/%2F%2Fevil.example',
  '/a@evil.example': '/a@evil.example',
  '/javascript:alert(1)': '/javascript:alert(1)',
  [`/${'a'.repeat(1023)}`]: `/${'a'.repeat(1023)}`
}

const REFUSED: unknown[] = [
  '', 'page', '//evil.example', '///evil.example', '/\\evil.example', '\\\\evil.example', '/\t/evil.example', '/\n/evil.example',
  '/\r\nSet-Cookie: a=b', '/\u0000', '/\u007f', '/..//evil.example', '/.//evil.example', '/a/..//evil.example', '/%2e%2e//evil.example',
  'https://evil.example', 'http://localhost:3000', 'http://localhost:3000/', 'HTTPS:/evil.example', 'javascript:alert(1)', 'data:text/html,x',
  '@evil.example', '.evil.example', ':1@evil.example', ' /page', '?a', '#a', `/${'a'.repeat(1024)}`, `/${'日'.repeat(400)}`, '//[',
  undefined, null, 1, {}, ['/a'], ['/a', '//evil.example']
]

t.test('a path of the app is kept, in the form a header can carry', async t => {
  for (const [input, output] of Object.entries(KEPT)) t.equal(returnPath(input, ORIGIN), output, input.slice(0, 40))
})

t.test('anything else is no return path', async t => {
  for (const input of REFUSED) t.equal(returnPath(input, ORIGIN), null, JSON.stringify(input)?.slice(0, 40))
})

t.test('a login ends at the path it was begun with', async t => {
  const app = await startApp(t)
  for (const [input, output] of Object.entries(KEPT)) {
    const browser = app.browser()
    const callback = await upToCallback(app, browser, `/login?returnTo=${encodeURIComponent(input)}`)
    const answer = await browser.step(callback)
    t.equal(answer.status, 303)
    t.equal(answer.location, output)
    t.equal(answer.text, '')
  }
})

t.test('a login with a path that leads elsewhere ends at the default path', async t => {
  const app = await startApp(t, { options: { defaultReturnPath: '/page/default' } })
  const queries = REFUSED.filter(input => typeof input === 'string').map(input => `returnTo=${encodeURIComponent(input)}`)
  queries.push('returnTo=/a&returnTo=//evil.example', 'returnTo=//evil.example&returnTo=/a', 'returnTo[]=/a', 'returnTo[x]=/a',
    'returnTo=%', 'returnTo=%ED%A0%80', 'returnTo=http://%5b', '', '__proto__[returnTo]=/a', 'returnTo=/login', 'returnTo=/callback?x=1', 'returnTo=/logout')
  for (const query of queries) {
    const browser = app.browser()
    const answer = await browser.step(await upToCallback(app, browser, `/login?${query}`))
    t.equal(answer.location, '/page/default', query.slice(0, 60))
  }
})

t.test('a protected page hands on its own path, and no other', async t => {
  const app = await startApp(t, {
    after: scope => scope.get('/*', { onRequest: scope.requireAuth }, async () => 'anything')
  })
  for (const path of ['//evil.example/x', '/%5cevil.example', '/a//b?c=1']) {
    const answer = await app.browser().step(app.url(path))
    t.equal(answer.status, 302, path)
    t.match(answer.location, /^\/login(\?returnTo=%2F[^%]|$|\?returnTo=%2F%)/, path)
  }
  const browser = app.browser()
  t.equal((await logIn(app, browser, undefined, '/deep/page?x=%2F%2Fy')).url, app.url('/deep/page?x=%2F%2Fy'))
})
