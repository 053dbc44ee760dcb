import { attack } from '../support/attack/attack.ts'
import { cookieHeader } from '../support/cookies.ts'
import { AGENT, enter, upToCallback } from '../support/login.ts'
import { rawRequest } from '../support/raw-http.ts'
import { inQuery, isSafe, ORIGIN, RETURN_PATHS } from './return-paths.ts'

const PERSON = ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document']

const REQUEST_TARGETS = [
  '//evil.example/x',
  '///evil.example',
  '/%5cevil.example',
  '/%5Cevil.example/..',
  '/..//evil.example',
  '/.//evil.example',
  '/a/..//evil.example',
  '/%2e%2e//evil.example',
  '/%2f/evil.example',
  '/%2F%2Fevil.example',
  '//evil.example/%2e%2e',
  '/%09/evil.example',
  '/%0d%0aSet-Cookie:x=y',
  '/%00',
  '/@evil.example',
  '//@evil.example',
  '//localhost:3000@evil.example',
  '//user:pass@evil.example:443/?a#b',
  '/page?next=//evil.example',
  '/x?//evil.example',
  '/x#//evil.example',
  '//[::1]',
  '//['
]

attack(
  'OR2',
  'a guarded page sends its own path to the login, never another host',
  'CVE-2022-24794',
  async (t, stage) => {
    for (const target of REQUEST_TARGETS) {
      const guarded = await rawRequest(stage, target, { headers: PERSON })
      t.equal(guarded.status, 302, target)
      t.match(guarded.location, /^\/login(\?returnTo=%2F[\w.~!'()*%-]*)?$/, target)
      t.ok(
        isSafe(new URL(guarded.location!, ORIGIN).searchParams.get('returnTo') ?? '/'),
        `${target}, before the login checks it`
      )
      const response = await enter(stage, stage.browser(), AGENT, guarded.location)
      t.ok(
        response.status === 303 && isSafe(response.location),
        `${target} led to ${response.location}`
      )
    }
  },
  {
    after: app => {
      app.get('/*', { onRequest: app.requireAuth }, async () => 'anything')
    }
  }
)

const RAW_TARGETS = [
  '/\\evil.example',
  '/\\/evil.example',
  '\\evil.example',
  '\\\\evil.example',
  'http://evil.example/x',
  'http://evil.example',
  'http://evil.example//x',
  'https://evil.example/x',
  'http://evil.example\\@localhost:3000/',
  'http://localhost:3000//evil.example',
  'javascript:alert(1)',
  'evil.example',
  '@evil.example',
  '*',
  '/\x01',
  '/\x7f',
  '/\x80\x81',
  '/\xe6\x97\xa5',
  '/a"b<c>',
  '/\t/evil.example',
  '/ /evil.example',
  '?a',
  '#a',
  ''
]

attack(
  'OR3',
  'a guarded page sends no other host to the login for bytes that no browser sends',
  'RFC 9112 §3.2',
  async (t, stage) => {
    let guardedTargets = 0
    for (const target of RAW_TARGETS) {
      const guarded = await rawRequest(stage, target, { headers: PERSON })
      const what = `${JSON.stringify(target).replace(/[^\x20-\x7e]/g, '?')}, responded ${guarded.status} ${guarded.location}`
      t.equal(guarded.responses, 1, what)
      t.ok(guarded.status < 500, what)
      if (guarded.status !== 302) continue
      guardedTargets += 1
      t.match(guarded.location, /^\/login(\?returnTo=%2F[\w.~!'()*%-]*)?$/, what)
      const response = await enter(stage, stage.browser(), AGENT, guarded.location)
      t.ok(
        response.status === 303 && isSafe(response.location),
        `${what}, led to ${response.location}`
      )
    }
    t.ok(guardedTargets >= 7, `${guardedTargets} of them reach the guard; Node refuses the others`)
  },
  {
    after: app => {
      app.get('/*', { onRequest: app.requireAuth }, async () => 'anything')
    }
  }
)

const BEHIND_PREFIX = 'https://app.example.com'
attack(
  'OR3',
  'a guarded page behind a proxy that strips a prefix sends no other host to the login',
  'RFC 9112 §3.2',
  async (t, stage) => {
    let guardedTargets = 0
    for (const target of [...REQUEST_TARGETS, ...RAW_TARGETS]) {
      const guarded = await rawRequest(stage, target, {
        headers: [...PERSON, 'Host: app.example.com', 'X-Forwarded-Proto: https']
      })
      const what = `${JSON.stringify(target).replace(/[^\x20-\x7e]/g, '?')}, responded ${guarded.status} ${guarded.location}`
      t.ok(guarded.status < 500, what)
      if (guarded.status !== 302) continue
      guardedTargets += 1
      t.match(guarded.location, /^\/app1\/login(\?returnTo=%2F[\w.~!'()*%-]*)?$/, what)
      const returnTo = new URL(guarded.location!, BEHIND_PREFIX).searchParams.get('returnTo') ?? '/'
      t.ok(isSafe(returnTo, BEHIND_PREFIX), what)
    }
    t.ok(guardedTargets >= 30, `${guardedTargets} of them reach the guard`)
  },
  {
    origin: BEHIND_PREFIX,
    callback: '/app1/callback',
    options: { routes: { callback: '/callback' } },
    after: app => {
      app.get('/*', { onRequest: app.requireAuth }, async () => 'anything')
    }
  }
)

attack(
  'OR6',
  'a login fails if its return path was changed in transit',
  'RFC 9700 §4.7.1',
  async (t, stage) => {
    const browser = stage.browser()
    const callback = await upToCallback(stage, browser, '/login?returnTo=/page/own', AGENT)
    const [name, value] = (await cookieHeader(stage, browser)).split('=') as [string, string]
    const other = stage.browser()
    await upToCallback(stage, other, '/login?returnTo=/page/other', AGENT)
    const otherValue = (await cookieHeader(stage, other)).split('=')[1]!

    const unsigned = {
      returnPath: '//evil.example',
      accountId: '12345678',
      sentinelOrigin: stage.sentinel.url,
      startedAt: Date.now()
    }
    const forged = [
      ...Array.from({ length: 24 }, (_, index) =>
        flipped(value, Math.floor((index * value.length) / 24))
      ),
      flipped(value, value.length - 1),
      value.slice(0, -1),
      `${value}A`,
      value.split('').reverse().join(''),
      otherValue,
      '',
      'null',
      '{}',
      JSON.stringify(unsigned),
      encodeURIComponent(JSON.stringify(unsigned)),
      Buffer.from(JSON.stringify(unsigned)).toString('base64url'),
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(unsigned)).toString('base64url')}.`
    ]
    for (const one of forged) {
      const response = await stage
        .browser()
        .send(callback, { headers: { cookie: `${name}=${one}`, accept: 'text/html' } })
      t.equal(response.status, 400, one.slice(0, 40))
      t.equal(response.location, undefined)
      t.notMatch(response.text, 'evil.example')
    }
    t.equal(stage.exchanges(), 0)
    const response = await browser.step(callback)
    t.equal(
      `${response.status} ${response.location}`,
      '303 /page/own',
      'the unchanged one still works'
    )
  }
)

/** The same text with one bit changed, possibly a bit that base64url does not use. */
function flipped(text: string, index: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const position = alphabet.indexOf(text[index]!)
  const changed = position === -1 ? 'A' : alphabet[position ^ 0b100000]!
  return text.slice(0, index) + changed + text.slice(index + 1)
}

attack(
  'OR8',
  'a logout redirects to its own fixed path, whatever the request says',
  'CVE-2019-3877, CVE-2022-23527',
  async (t, stage) => {
    const visitor = stage.browser()
    const headers = { accept: 'text/html', 'sec-fetch-site': 'same-origin' }
    const send = (query: string, form?: Record<string, string>) =>
      visitor.send(stage.url(`/logout${query}`), {
        method: 'POST',
        headers,
        ...(form !== undefined && { form })
      })
    const wrong = new Set<string>()
    for (const { input } of RETURN_PATHS) {
      const query = ['returnTo', 'post_logout_redirect_uri', 'redirect']
        .map(name => `${name}=${inQuery(input)}`)
        .join('&')
      const response = await send(`?${query}`)
      const isLong = query.length > 12_000
      if (
        !(response.status === 303 && response.location === '/') &&
        !(isLong && [400, 414, 431].includes(response.status))
      ) {
        wrong.add(
          `${response.status} ${response.location} for ${JSON.stringify(input).slice(0, 40)}`
        )
      }
    }
    t.same([...wrong], [])

    const browser = stage.browser()
    for (const parameter of [
      'returnTo',
      'post_logout_redirect_uri',
      'redirect',
      'redirect_uri',
      'next',
      'url',
      'state',
      'logoutReturnPath'
    ]) {
      await enter(stage, browser)
      const response = await browser.step(stage.url(`/logout?${parameter}=//evil.example`), {
        method: 'POST',
        form: { [parameter]: 'https://evil.example' },
        from: stage.url('/')
      })
      t.equal(`${response.status} ${response.location}`, '303 /', parameter)
      t.equal(await stage.me(browser), null)
    }
  }
)
