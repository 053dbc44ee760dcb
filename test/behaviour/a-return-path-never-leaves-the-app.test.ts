import t from 'tap'
import { returnPath } from '../../lib/http/return-path.ts'
import { startApp } from '../support/app.ts'
import { logIn, upToCallback } from '../support/login.ts'

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
  'http://localhost:3000': '/',
  'http://localhost:3000/': '/',
  'http://localhost:3000/page/a?b=c#d': '/page/a?b=c#d',
  'http://localhost:3000?a': '/?a',
  'http://localhost:3000#a': '/#a',
  '/%D1%8F?q=%22%2F%D1%8F%ff%C2%85#%D1%8F': '/%D1%8F?q=%22%2F%D1%8F%ff%C2%85#%D1%8F',
  [`/${'a'.repeat(1535)}`]: `/${'a'.repeat(1535)}`
}

const REFUSED: unknown[] = [
  '',
  'page',
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r\nSet-Cookie: a=b',
  '/\u0000',
  '/\u007f',
  '/..//evil.example',
  '/.//evil.example',
  '/a/..//evil.example',
  '/%2e%2e//evil.example',
  'https://evil.example',
  'http://localhost:3000@evil.example/',
  'http://localhost:3000.evil.example/',
  'http://localhost:3000:80/',
  'http://localhost:3000//evil.example',
  'http://localhost:3000/..//evil.example',
  'http://localhost:3000\\@evil.example',
  'http://localhost:3000/\\evil.example',
  'http://localhost:3000/\t/evil.example',
  'http://user@localhost:3000/',
  'https://localhost:3000/',
  'HTTPS:/evil.example',
  'javascript:alert(1)',
  'data:text/html,x',
  '@evil.example',
  '.evil.example',
  ':1@evil.example',
  ' /page',
  '?a',
  '#a',
  `/${'a'.repeat(1536)}`,
  `/${'日'.repeat(400)}`,
  '//[',
  undefined,
  null,
  1,
  {},
  ['/a'],
  ['/a', '//evil.example']
]

t.test('A path of the app is kept, in a form that a header can carry.', async t => {
  for (const [input, output] of Object.entries(KEPT)) {
    t.equal(returnPath(input, ORIGIN), output, input.slice(0, 40))
  }
})

t.test('Only a path of the app is accepted as a return path.', async t => {
  for (const input of REFUSED) {
    t.equal(returnPath(input, ORIGIN), null, JSON.stringify(input)?.slice(0, 40))
  }
})

t.test('A login returns to the path that it began with.', async t => {
  const app = await startApp(t)
  for (const [input, output] of Object.entries(KEPT)) {
    const browser = app.browser()
    const callback = await upToCallback(
      app,
      browser,
      `/login?returnTo=${encodeURIComponent(input)}`
    )
    const response = await browser.step(callback)
    t.equal(response.status, 303)
    t.equal(response.location, output)
    t.equal(response.text, '')
  }
})

t.test('A login with a return path outside the app returns to the default path.', async t => {
  const app = await startApp(t, { options: { returnTo: { afterLogin: '/page/default' } } })
  const queries = REFUSED.filter(input => typeof input === 'string').map(
    input => `returnTo=${encodeURIComponent(input)}`
  )
  queries.push(
    'returnTo=/a&returnTo=//evil.example',
    'returnTo=//evil.example&returnTo=/a',
    'returnTo[]=/a',
    'returnTo[x]=/a',
    'returnTo=%',
    'returnTo=%ED%A0%80',
    'returnTo=http://%5b',
    '',
    '__proto__[returnTo]=/a',
    'returnTo=/login',
    'returnTo=/callback?x=1',
    'returnTo=/logout'
  )
  for (const query of queries) {
    const browser = app.browser()
    const response = await browser.step(await upToCallback(app, browser, `/login?${query}`))
    t.equal(response.location, '/page/default', query.slice(0, 60))
  }
})

t.test('A protected page passes on its own path and no other.', async t => {
  const app = await startApp(t, {
    after: scope => scope.get('/*', { onRequest: scope.requireAuth }, async () => 'anything')
  })
  for (const path of ['//evil.example/x', '/%5cevil.example', '/a//b?c=1']) {
    const response = await app.browser().step(app.url(path))
    t.equal(response.status, 302, path)
    t.match(response.location, /^\/login(\?returnTo=%2F[^%]|$|\?returnTo=%2F%)/, path)
  }
  const browser = app.browser()
  t.equal(
    (await logIn(app, browser, undefined, '/deep/page?x=%2F%2Fy')).url,
    app.url('/deep/page?x=%2F%2Fy')
  )
})
