import type { Stage } from '../support/attack/attack.ts'
import { AGENT } from '../support/login.ts'

/** The app's origin in these tests. */
export const ORIGIN = 'http://localhost:3000'

/** A value of `returnTo`, for an app at ORIGIN with the routes /login, /callback and /logout. */
export interface ReturnPathCase {
  input: string
  /**
   * `allow`: the login redirects to the input. `reject`: it redirects to the default path, or does
   * not begin. If `why` begins with `[strict]`, the input is harmless: any path of the app is fine.
   */
  verdict: 'allow' | 'reject'
  why: string
}

type Group = [verdict: ReturnPathCase['verdict'], why: string, inputs: string[]]

const A = (length: number): string => 'a'.repeat(length)
const control = (code: number): string => String.fromCharCode(code)

const GROUPS: Group[] = [
  [
    'allow',
    'a plain path',
    [
      '/',
      '/page',
      '/page/',
      '/page/a',
      '/page/a/b/c',
      '/page/a.html',
      '/page/a.b.c',
      '/page/~user',
      '/page/a-b_c',
      "/page/!$&'()*+,;=",
      '/a@evil.example',
      '/page:8080',
      '/evil.example',
      '/www.evil.example/',
      '/javascript:alert(1)',
      '/data:text/html,x',
      '/https:evil.example',
      '/https://evil.example',
      '/page//double',
      '/page///triple',
      '/a//evil.example',
      '/loginpage',
      '/login-help',
      '/callbacks',
      '/logout.html',
      '/page/login',
      '/page/callback',
      '/0',
      '/-',
      '/_',
      '/$',
      '/[::1]',
      '/|',
      '/^'
    ]
  ],
  [
    'allow',
    'a query or a fragment, whatever it contains',
    [
      '/?a=b',
      '/page?',
      '/page?a=b&c=d',
      '/page?next=https://evil.example',
      '/page?next=//evil.example',
      '/page?next=%2F%2Fevil.example',
      '/page?a=/../..//b',
      '/page?returnTo=//evil.example',
      '/page?a=%0d%0aSet-Cookie:%20x=y',
      '/page?a[]=1&a[]=2',
      '/page?a=b;c=d',
      '/page?a=1?b=2',
      '/page?__proto__=x',
      '/?//evil.example',
      '/?@evil.example',
      '/#',
      '/#a',
      '/page#//evil.example',
      '/page#javascript:alert(1)',
      '/page?a#b?c#d',
      '/page#/login',
      '/page?/login',
      '/?/../login',
      '/#@evil.example',
      '/page?q=<b>"\'`',
      '/page#<b>"`'
    ]
  ],
  [
    'allow',
    'dot segments that stay inside',
    [
      '/./page',
      '/page/.',
      '/page/..',
      '/page/../other',
      '/../page',
      '/../../../page',
      '/a/b/../../page',
      '/page/./././x',
      '/...',
      '/.../page',
      '/.page',
      '/..page',
      '/page/...//x',
      '/%2e/page',
      '/%2E%2E/page',
      '/.%2e/page',
      '/page/%2e%2e/other',
      '/a/..%2f..%2fpage',
      '/%2e%2e%2fpage'
    ]
  ],
  [
    'allow',
    'percent-encoded once or twice: no browser decodes it in a path',
    [
      '/%2F%2Fevil.example',
      '/%2f/evil.example',
      '/%5Cevil.example',
      '/%5c%5cevil.example',
      '/%252F%252Fevil.example',
      '/%255cevil.example',
      '/%25252f',
      '/%00',
      '/%0d%0aSet-Cookie:%20x=y',
      '/%0aevil.example',
      '/%09/evil.example',
      '/%20/evil.example',
      '/%E2%80%A8',
      '/%E6%97%A5',
      '/%e6%97',
      '/%ff%fe',
      '/%ED%A0%80',
      '/%C0%AF/evil.example',
      '/%',
      '/%%',
      '/%zz',
      '/%2',
      '/%u002f',
      '/%40evil.example',
      '/%3A//evil.example',
      '/%68%74%74%70://evil.example',
      '/a%3Fb',
      '/a%23b'
    ]
  ],
  [
    'allow',
    'characters beyond ASCII, which are sent percent-encoded',
    [
      '/日本',
      '/日本?q=日本#日本',
      '/é',
      '/e\u0301',
      '/ünïcödé/straße',
      '/😀',
      '/👩‍👩‍👧',
      '/עברית',
      '/العربية',
      '/\u202egnp.exe',
      '/\u200b/evil.example',
      '/\ufeff/evil.example',
      '/\u2028',
      '/\u2029',
      '/\u00a0/x',
      '/\u3000/x',
      '/\ufffd',
      '/\ufffe',
      '/\u{10ffff}',
      '/a b',
      '/page/a b?c d#e f',
      '/ /evil.example',
      '/"quoted"',
      '/<script>alert(1)</script>',
      '/`',
      '/{}'
    ]
  ],
  [
    'allow',
    'a character that only looks like a slash, a backslash or a dot',
    [
      '/\uff0fevil.example',
      '/\uff0f\uff0fevil.example',
      '/\u2044evil.example',
      '/\u2215evil.example',
      '/\u29f8evil.example',
      '/\ufe68evil.example',
      '/\uff3cevil.example',
      '/\u2216evil.example',
      '/\u3002\u3002/x',
      '/\uff0e\uff0e/x',
      '/\u2025/x',
      '/\u2024\u2024//x',
      '/\uff20evil.example',
      '/\uff1aevil.example'
    ]
  ],
  [
    'reject',
    '[strict] a lone surrogate, whose bytes are not UTF-8',
    ['/\ud800', '/\udc00', '/\ud800/evil.example', '/a?\udfff', '/\udc00\ud800']
  ],
  [
    'allow',
    'the longest that is allowed',
    [
      `/${A(1535)}`,
      `/?${A(1534)}`,
      `/#${A(1534)}`,
      `/${'é'.repeat(511)}`,
      `/${'日'.repeat(341)}`,
      `/${'a/'.repeat(767)}`,
      `/${'../'.repeat(400)}page`
    ]
  ],
  [
    'allow',
    'the app’s own origin in front, which is removed',
    [
      '//localhost:3000/page',
      '//localhost:3000',
      '//LOCALHOST:3000/page',
      '///localhost:3000/page',
      '//localhost:03000/page',
      '//localhost:3000?a',
      '//localhost:3000#a'
    ]
  ],

  [
    'allow',
    'a whole URL of the app, as location.href has it',
    [
      'http://localhost:3000',
      'http://localhost:3000/',
      'http://localhost:3000/page',
      'http://localhost:3000/page?a=b#c',
      'http://localhost:3000/страница?q=я',
      'http://localhost:3000?a',
      'http://localhost:3000#a',
      'http://localhost:3000/@evil.example',
      'http://localhost:3000/?@evil.example',
      'http://localhost:3000#@evil.example',
      'http://localhost:3000/.evil.example'
    ]
  ],
  [
    'reject',
    'a URL that only begins with the app’s origin, or leads elsewhere from there',
    [
      'http://localhost:3000@evil.example',
      'http://localhost:3000@evil.example/page',
      'http://localhost:3000:x@evil.example',
      'http://localhost:3000.evil.example',
      'http://localhost:3000.evil.example/page',
      'http://localhost:30000/page',
      'http://localhost:3000:80/page',
      'http://localhost:3000%40evil.example',
      'http://localhost:3000%2f@evil.example',
      'http://localhost:3000\\@evil.example',
      'http://localhost:3000/\\evil.example',
      'http://localhost:3000//evil.example',
      'http://localhost:3000///evil.example',
      'http://localhost:3000/..//evil.example',
      'http://localhost:3000/%2e%2e//evil.example',
      'http://localhost:3000/\t/evil.example',
      'http://localhost:3000\t@evil.example',
      'http://localhost:3000\n.evil.example',
      'http://localhost:3000\u3002evil.example',
      'http://localhost:3000\uff20evil.example',
      'http://localhost:3000http://evil.example',
      'https://localhost:3000@evil.example'
    ]
  ],
  [
    'reject',
    '[strict] another spelling of the app’s origin',
    [
      'https://localhost:3000/page',
      'HTTP://localhost:3000/page',
      'http://LOCALHOST:3000/page',
      'http://localhost:03000/page',
      'http://localhost.:3000/page',
      'http://user@localhost:3000/page',
      'http://user:pass@localhost:3000/page',
      'http:localhost:3000/page',
      'http:/localhost:3000/page',
      ' http://localhost:3000/page',
      '\thttp://localhost:3000/page',
      'ht\ntp://localhost:3000/page'
    ]
  ],

  [
    'reject',
    'another host after two slashes',
    [
      '//evil.example',
      '//evil.example/',
      '//evil.example/page',
      '//evil.example?a',
      '//evil.example#a',
      '//evil.example:443/',
      '//evil.example:3000',
      '///evil.example',
      '////evil.example',
      '/////evil.example',
      `${'/'.repeat(300)}evil.example`,
      '//EVIL.EXAMPLE',
      '//evil',
      '//evil.example%2f',
      '//evil%2eexample',
      '//evil.example.',
      '//xn--80ak6aa92e.com',
      '//\u0435vil.example',
      '//ev\u0131l.example',
      '//\u24d4vil.example',
      '//evil\u3002example',
      '//localhost',
      '//localhost:3001',
      '//localhost:80',
      '//localhost:443/page',
      '//localhost.evil.example',
      '//evil.localhost:3000',
      '//localhost:3000.evil.example',
      '//app@evil.example',
      '//localhost:3000@evil.example',
      '//localhost%3a3000@evil.example',
      '//user:pass@evil.example/',
      '//@evil.example',
      '//127.0.0.1:3000',
      '//127.1',
      '//2130706433',
      '//0x7f.1',
      '//0177.0.0.1',
      '//[::1]',
      '//[::1]:3000/',
      '//[::ffff:127.0.0.1]',
      '//169.254.169.254/'
    ]
  ],
  [
    'reject',
    'a text that is not a URL',
    [
      '//',
      '///',
      '//[',
      '//[::',
      '//%5b',
      '//%',
      '//:80',
      '//:@',
      '//@',
      '//evil example',
      '//evil<example',
      '//localhost:99999',
      '//localhost:-1',
      '//a:b:c',
      '//?a',
      '//#a'
    ]
  ],
  [
    'reject',
    'a backslash, which browsers read as a slash',
    [
      '/\\evil.example',
      '/\\/evil.example',
      '\\/evil.example',
      '\\\\evil.example',
      '\\evil.example',
      '/\\\\evil.example',
      '//\\evil.example',
      '\\',
      '/\\',
      '/\\localhost:3000@evil.example',
      '//localhost:3000\\@evil.example',
      '/a\\..\\..\\\\evil.example',
      '/\t\\evil.example',
      '/..\\/evil.example',
      '/..\\\\evil.example'
    ]
  ],
  [
    'reject',
    'dot segments that leave two slashes in front',
    [
      '/.//evil.example',
      '/..//evil.example',
      '/../..//evil.example',
      '/a/..//evil.example',
      '/a/b/../..//evil.example',
      '/a/.././/evil.example',
      '/././/evil.example',
      '/%2e//evil.example',
      '/%2E%2E//evil.example',
      '/.%2e//evil.example',
      '/%2e./%2e%2e//evil.example',
      '/a/%2e%2e//evil.example',
      '/..///evil.example',
      '/.//',
      '/..//',
      '/.//localhost:3000/page'
    ]
  ],
  [
    'reject',
    'a scheme',
    [
      'http://evil.example',
      'https://evil.example/',
      'HTTPS://evil.example',
      'https:evil.example',
      'https:/evil.example',
      'https:///evil.example',
      'http:\\\\evil.example',
      'ftp://evil.example',
      'ws://evil.example',
      'file:///etc/passwd',
      'blob:http://localhost:3000/x',
      'javascript:alert(1)',
      'JavaScript:alert(1)',
      'java\tscript:alert(1)',
      'javascript://localhost:3000/%0aalert(1)',
      'javascript:%61lert(1)',
      ' javascript:alert(1)',
      'vbscript:x',
      'data:text/html,<script>alert(1)</script>',
      'data:text/html;base64,PHNjcmlwdD4=',
      'about:blank',
      'mailto:a@evil.example',
      'intent://evil.example#Intent;end',
      'view-source:http://evil.example',
      'x:',
      ':',
      '://evil.example',
      'http:',
      'https://',
      'http://[::1',
      'http://%5b',
      'http:///localhost:3000/page'
    ]
  ],
  [
    'reject',
    'a text that would extend the origin',
    [
      '@evil.example',
      '.evil.example',
      ':1@evil.example',
      ':80',
      '-evil.example',
      '%2eevil.example',
      '%40evil.example',
      '%2f%2fevil.example',
      '%5c%5cevil.example',
      'evil.example',
      'evil.example/page',
      'localhost:3000@evil.example'
    ]
  ],
  [
    'reject',
    'control characters, some of which browsers drop',
    [
      '/\t/evil.example',
      '/\n/evil.example',
      '/\r/evil.example',
      '/\r\n/evil.example',
      '\t//evil.example',
      '\n//evil.example',
      '\r\n//evil.example',
      '/\t\t/evil.example',
      '//\tevil.example',
      '/page\r\nSet-Cookie: a=b',
      '/page\r\n\r\n<script>',
      '/page\nLocation: //evil.example',
      '/\0',
      '/\0/evil.example',
      '\0/page',
      '/\x01',
      '/\b',
      '/\v/evil.example',
      '/\f/evil.example',
      '/\x1b[2J',
      '/\x1f',
      '/\x7f',
      '/page\x7f',
      '/.\t./\t/evil.example',
      '/.\n/\n/evil.example',
      'ht\ntp://evil.example'
    ]
  ],
  [
    'reject',
    '[strict] control characters beyond ASCII',
    [control(0x80), control(0x85), control(0x9b), control(0x9f)].map(
      character => `/page${character}`
    )
  ],
  [
    'reject',
    '[strict] a backslash that is only a character',
    ['/page\\', '/a\\b', '/page?a=\\b', '/page#\\b']
  ],
  [
    'reject',
    '[strict] a text that is not a path of the app as written',
    [
      '',
      'page',
      './page',
      '../page',
      '?a',
      '#a',
      '.',
      '..',
      ' /page',
      '\u00a0/page',
      '\u3000/page',
      '\ufeff/page',
      '%2Fpage',
      'http:/page',
      'http:page',
      '//user@localhost:3000/page',
      '//\u24dbocalhost:3000/page'
    ]
  ],
  [
    'reject',
    '[strict] a first character that only looks like a slash',
    [
      '\uff0fpage',
      '\uff0f\uff0fevil.example',
      '\u2044/evil.example',
      '\u2215\u2215evil.example',
      '\uff3c\uff3cevil.example'
    ]
  ],
  [
    'reject',
    '[strict] a text longer than a cookie should carry',
    [
      `/${A(1536)}`,
      `/${A(4096)}`,
      `/${A(9000)}`,
      `/${'日'.repeat(342)}`,
      `/${'é'.repeat(512)}`,
      `/${' '.repeat(512)}`,
      `/?${A(1536)}`,
      `/?${'é'.repeat(512)}`,
      `/#${A(1536)}`,
      `http://localhost:3000/${A(1536)}`
    ]
  ],
  [
    'reject',
    'a text that is too long and leads to another host',
    [
      `//evil.example/${A(2000)}`,
      `/${'../'.repeat(400)}/evil.example`,
      `https://evil.example/${A(3000)}`
    ]
  ],
  [
    'reject',
    'a route of the login, which would begin again',
    [
      '/login',
      '/login?',
      '/login?returnTo=/page',
      '/login#a',
      `/login?returnTo=/${A(1536)}`,
      'http://localhost:3000/login',
      'http://localhost:3000/callback?code=A&state=x',
      '/callback',
      '/callback?code=A&state=x',
      '/logout',
      '/logout?revoke=true',
      '/./login',
      '/page/../login',
      '/%2e/login',
      '/../callback',
      '//localhost:3000/login',
      '/%6Cogin',
      '/%6c%6f%67%69%6e',
      '/logi%6E?returnTo=/%6Cogin',
      '/%63allback',
      '/%63allback?code=A&state=x',
      '/log%6Fut'
    ]
  ]
]

export const RETURN_PATHS: ReturnPathCase[] = GROUPS.flatMap(([verdict, why, inputs]) =>
  inputs.map(input => ({ input, verdict, why }))
)

/** Percent-encodes a text as browsers do, but a lone surrogate as a careless program would. */
export function inQuery(text: string): string {
  return Array.from(text, character =>
    /^[\ud800-\udfff]$/.test(character)
      ? lone(character.charCodeAt(0))
      : encodeURIComponent(character)
  ).join('')
}

function lone(code: number): string {
  return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]
    .map(byte => `%${byte.toString(16).toUpperCase()}`)
    .join('')
}

/** Whether this Location keeps a browser on the app's origin, even if it is resolved twice. */
export function isSafe(location: string | undefined, ownOrigin = ORIGIN): boolean {
  if (location === undefined || !/^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(location)) return false
  const { origin, pathname } = new URL(location, `${ownOrigin}/callback`)
  return origin === ownOrigin && !pathname.startsWith('//')
}

/**
 * Logs in with this query for /login, and returns the redirect; `null` if the login did not begin.
 */
export async function whereLoginLeads(
  stage: Stage,
  query: string
): Promise<string | undefined | null> {
  const browser = stage.browser()
  const start = await browser.step(stage.url(`/login?${query}`))
  if (start.status === 400 || start.status === 431) return null
  const response = await browser.step(await stage.sentinel.signIn(start.location!, AGENT.loginName))
  return response.status === 303 ? response.location : `status ${response.status}`
}

/** The text in ASCII, so that no terminal or test report breaks. */
export function inAscii(text: string): string {
  return text.replace(
    /[^\x20-\x7e]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
}
