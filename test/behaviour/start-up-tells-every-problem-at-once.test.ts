import Fastify from 'fastify'
import t from 'tap'
import { Agent } from 'undici'
import leAuth, { LeAuthError, type LeAuthOptions } from '../../lib/index.ts'
import { TestStore } from '../support/stores.ts'

for (const name of [
  'LE_ACCOUNT_ID',
  'LE_CLIENT_ID',
  'LE_CLIENT_SECRET',
  'LE_REDIRECT_URI',
  'LE_AUTH_SECRET'
]) {
  delete process.env[name]
}

const GOOD = {
  accountId: '12345678',
  clientId: '6f9a3c1e-5d42-4b7a-9e08-2c71d4a85b36',
  clientSecret: 'the-client-secret-of-this-test',
  redirectUri: 'https://app.example.com/callback',
  secret: 'a secret for tests, of more than 32 characters'
}
const LOCAL = { redirectUri: 'http://localhost:3000/callback' }

/** The error of an app that cannot start, or `null` if it starts. */
async function startUp(options: object): Promise<LeAuthError | null> {
  const app = Fastify()
  try {
    await app.register(leAuth, options as LeAuthOptions)
    await app.ready()
    return null
  } catch (error) {
    return error as LeAuthError
  } finally {
    await app.close()
  }
}

type Bad = [what: string, options: object, problem: RegExp]

const bad: Bad[] = [
  [
    'no account',
    { accountId: undefined },
    /^accountId is missing: set the option or LE_ACCOUNT_ID$/
  ],
  ['empty account', { accountId: '' }, /^accountId is missing/],
  ...[
    '../../x',
    '1?x=',
    '1#',
    '//evil.example',
    '1/../2',
    'a b',
    'ä',
    'x'.repeat(65),
    '1\n',
    12345678,
    {},
    ['1'],
    true
  ].map((accountId): Bad => [
    `SD5 account ${JSON.stringify(accountId)}`,
    { accountId },
    /^accountId must be a string of 1 to 64 letters, digits, - or _$/
  ]),
  ['no client', { clientId: null }, /^clientId is missing: set the option or LE_CLIENT_ID$/],
  [
    'client with a space',
    { clientId: 'a b' },
    /^clientId must be the installation id that LivePerson issued, without spaces$/
  ],
  ['a number as the client', { clientId: 5 }, /^clientId must be/],
  ['client too long', { clientId: 'x'.repeat(256) }, /^clientId must be/],
  [
    'no client secret',
    { clientSecret: undefined },
    /^clientSecret is missing: set the option or LE_CLIENT_SECRET$/
  ],
  [
    'client secret with a line break',
    { clientSecret: 'do-not-print-me\n' },
    /^clientSecret must be the secret that LivePerson issued, without spaces or line breaks$/
  ],
  [
    'an object as the client secret',
    { clientSecret: { value: 'do-not-print-me' } },
    /^clientSecret must be/
  ],
  [
    'no redirect URI',
    { redirectUri: undefined },
    /^redirectUri is missing: set the option or LE_REDIRECT_URI$/
  ],
  [
    'a path as the redirect URI',
    { redirectUri: '/callback' },
    /^redirectUri must be a full URL, such as https:\/\/app\.example\.com\/callback$/
  ],
  [
    'redirect URI over http',
    { redirectUri: 'http://app.example.com/callback' },
    /^redirectUri must be https, or http on localhost, 127\.0\.0\.1 or \[::1\]$/
  ],
  [
    'redirect URI over http, nearly loopback',
    { redirectUri: 'http://127.0.0.1.evil.example/callback' },
    /^redirectUri must be https/
  ],
  [
    'redirect URI over ftp',
    { redirectUri: 'ftp://localhost/callback' },
    /^redirectUri must be https/
  ],
  [
    'redirect URI with a query',
    { redirectUri: 'https://app.example.com/callback?x=1' },
    /^redirectUri must have no query, fragment, user or password/
  ],
  [
    'redirect URI with a fragment',
    { redirectUri: 'https://app.example.com/callback#x' },
    /^redirectUri must have no query/
  ],
  [
    'redirect URI with a password',
    { redirectUri: 'https://user:do-not-print-me@app.example.com/callback' },
    /^redirectUri must have no query/
  ],
  [
    'redirect URI too long',
    { redirectUri: `https://app.example.com/${'x'.repeat(128)}` },
    /^redirectUri must be at most 128 ASCII characters without spaces, the limit at LivePerson$/
  ],
  [
    'redirect URI with a space',
    { redirectUri: 'https://app.example.com/call back' },
    /^redirectUri must be at most 128 ASCII/
  ],
  ['a number as the redirect URI', { redirectUri: 7 }, /^redirectUri must be at most/],
  [
    'redirect URI with a router parameter',
    { redirectUri: 'https://app.example.com/:callback' },
    /^redirectUri |^routes\.callback /
  ],
  [
    'redirect URI with a router wildcard',
    { redirectUri: 'https://app.example.com/*' },
    /^redirectUri |^routes\.callback /
  ],
  [
    'redirect URI with an escape, which no route would match',
    { redirectUri: 'https://app.example.com/call%20back' },
    /^redirectUri |^routes\.callback /
  ],
  ['no secret', { secret: undefined }, /^secret is missing: set the option or LE_AUTH_SECRET$/],
  ['no secrets', { secret: [] }, /^secret is missing/],
  [
    'short secret',
    { secret: 'do-not-print-me' },
    /^secret must have 32 characters or more, but one has 15. Make a new secret with openssl rand -base64 32$/
  ],
  [
    'second secret short',
    { secret: [GOOD.secret, 'do-not-print-me'] },
    /^secret must have 32 characters or more, but one has 15/
  ],
  [
    'a number as the secret',
    { secret: 12345678901234 },
    /^secret must be a string, or an array of strings$/
  ],
  [
    'second secret missing',
    { secret: [GOOD.secret, undefined] },
    /^secret must be a string, or an array of strings$/
  ],

  ['misspelt', { acountId: 'do-not-print-me' }, /^acountId is not an option of fastify-le-auth$/],
  ['misspelt in a group', { session: { cokieName: 'x' } }, /^session\.cokieName is not an option/],
  [
    'misspelt in a group in a group',
    { cookie: { samesite: 'lax' } },
    /^cookie\.samesite is not an option/
  ],
  [
    'an attribute that is fixed',
    { cookie: { httpOnly: false } },
    /^cookie\.httpOnly is not an option/
  ],
  ['misspelt route', { routes: { signin: '/x' } }, /^routes\.signin is not an option/],
  ['misspelt version', { apiVersion: { refresh: '1.0' } }, /^apiVersion\.refresh is not an option/],
  ['a name that every object has', { constructor: 1 }, /^constructor is not an option/],
  [
    'a name every object has, in a group',
    { session: { constructor: 1 } },
    /^session\.constructor is not an option/
  ],
  ...['routes', 'session', 'cookie', 'returnTo', 'apiVersion'].map((group): Bad => [
    `${group} a text`,
    { [group]: 'x' },
    new RegExp(`^${group} must be an object$`)
  ]),
  ['cookie null', { cookie: null }, /^cookie must be an object$/],

  ...[
    'login',
    '//login',
    '/login?x',
    '/:login',
    '/login*',
    '/lo gin',
    '/lo%20gin',
    '',
    5,
    'https://evil.example/'
  ].map((login): Bad => [
    `routes.login ${login}`,
    { routes: { login } },
    /^routes\.login must be a path of plain segments that begins with one slash, without query, fragment, "%", ":" or "\*"$/
  ]),
  ['routes.callback', { routes: { callback: 'callback' } }, /^routes\.callback must be a path/],
  ['routes.logout', { routes: { logout: '/#' } }, /^routes\.logout must be a path/],
  [
    'two equal routes',
    { routes: { login: '/in', logout: '/in' } },
    /^routes must be three different paths/
  ],
  [
    'one path for the login and the callback',
    { routes: { login: '/callback' } },
    /^routes must be three different paths/
  ],

  ...['a b', 'a;b', '', 'x'.repeat(65), 5, 'ä'].map((cookieName): Bad => [
    `cookie name ${cookieName}`,
    { cookie: { name: cookieName } },
    /^cookie\.name must be 1 to 64 letters, digits, -, _ or \., and must not begin with __/
  ]),
  [
    'cookie domain',
    { cookie: { domain: 'a; Secure' } },
    /^cookie\.domain must be a domain name, such as example\.com$/
  ],
  [
    'a prefix, which Fastify would ignore',
    { prefix: '/auth' } as never,
    /^prefix is not an option of fastify-le-auth: register it inside a scope that has the prefix, or set routes$/
  ],
  [
    'redirect URI without a path',
    { redirectUri: 'https://app.example.com' },
    /^redirectUri must have a path of its own, such as \/callback$/
  ],
  [
    'a cookie domain of another site',
    { cookie: { domain: 'other.example' } },
    /^cookie\.domain must be \S+, the host of redirectUri, or a domain above it$/
  ],
  ['strict', { cookie: { sameSite: 'strict' } }, /^cookie\.sameSite must be "lax" or "none"$/],
  [
    'partitioned no boolean',
    { cookie: { partitioned: 'yes' } },
    /^cookie\.partitioned must be true or false$/
  ],
  [
    'none over http',
    { ...LOCAL, cookie: { sameSite: 'none' } },
    /^cookie\.sameSite "none" and cookie\.partitioned need an https redirectUri/
  ],
  [
    'partitioned over http',
    { ...LOCAL, cookie: { partitioned: true } },
    /^cookie\.sameSite "none" and cookie\.partitioned need/
  ],
  [
    'a store that is none',
    { store: new Map() },
    /^store must be a store made for express-session$/
  ],
  ['a store that cannot read', { store: { set() {}, destroy() {} } }, /^store must be a store/],
  ['a store that cannot write', { store: { get() {}, destroy() {} } }, /^store must be a store/],
  ...[0, -1, 1.5, NaN, Infinity, '5', null].flatMap((number): Bad[] =>
    ['maxLogins', 'idleLifetime', 'absoluteLifetime'].map(name => [
      `${name} ${number}`,
      { [name]: number },
      new RegExp(`^${name} must be a (time in ms: a )?whole number from \\d+ to \\d+$`)
    ])
  ),
  [
    'idle lifetime in seconds by mistake',
    { idleLifetime: 900 },
    /^idleLifetime must be a time in ms: a whole number from 1000 /
  ],
  [
    'a lifetime past the end of all dates',
    { absoluteLifetime: Number.MAX_SAFE_INTEGER },
    /^absoluteLifetime must be a time in ms/
  ],
  ...[0, 60_001, '5', 1.5].map((httpTimeout): Bad => [
    `httpTimeout ${httpTimeout}`,
    { httpTimeout },
    /^httpTimeout must be a time in ms: a whole number from 1 to 60000$/
  ]),
  ...[-1, 1_800_001, '5', 1.5, null].map((refreshLeeway): Bad => [
    `refreshLeeway ${refreshLeeway}`,
    { refreshLeeway },
    /^refreshLeeway must be a time in ms: a whole number from 0 to 1800000$/
  ]),
  ...[{}, { acquire: true }, () => {}, 'redis://app:do-not-print-me@redis'].map((lock): Bad => [
    `lock ${typeof lock}`,
    { lock },
    /^lock must be an object with acquire\(id\), such as redisLock\(client\)$/
  ]),

  ...['leAuth', 'cookie', 'sessionId', 'encryptedSessionId', '__proto__'].map((key): Bad => [
    `session.keep ${key}`,
    { session: { keep: ['cart', key] } },
    /^session\.keep must be an array of names of session keys of your own$/
  ]),
  ['session.keep a text', { session: { keep: 'cart' } }, /^session\.keep must be an array/],
  ['session.keep numbers', { session: { keep: [1] } }, /^session\.keep must be an array/],
  ...[
    'https://evil.example/',
    '//evil.example',
    'x',
    5,
    '/\\evil.example',
    `/${'x'.repeat(1536)}`,
    `/?${'x'.repeat(1536)}`
  ].flatMap((path): Bad[] => [
    [
      `returnTo.afterLogin ${path}`,
      { returnTo: { afterLogin: path } },
      /^returnTo\.afterLogin must be a path of this app, such as "\/", of at most 1,536 bytes$/
    ],
    [
      `returnTo.afterLogout ${path}`,
      { returnTo: { afterLogout: path } },
      /^returnTo\.afterLogout must be a path of this app/
    ]
  ]),
  [
    'authorizationMethod',
    { authorizationMethod: 'PUT' },
    /^authorizationMethod must be "GET" or "POST"$/
  ],
  ['pkce', { pkce: 'S256' }, /^pkce must be true or false$/],
  ['backgroundWork', { backgroundWork: 0 }, /^backgroundWork must be true or false$/],
  ...[true, false, 'RS256', 'Required'].map((idTokenSignature): Bad => [
    'signature of the id_token',
    { idTokenSignature },
    /^idTokenSignature must be "not-checked" or "required"$/
  ]),
  ['scope', { scope: 'a  b' }, /^scope must be words separated by one space \(RFC 6749 §3\.3\)$/],
  ['scope empty', { scope: '' }, /^scope must be words/],
  [
    'apiVersion.authorize',
    { apiVersion: { authorize: 1 } },
    /^apiVersion\.authorize must be a version such as "1\.0"$/
  ],
  [
    'apiVersion.token',
    { apiVersion: { token: '2.0&x=1' } },
    /^apiVersion\.token must be a version such as "1\.0"$/
  ],
  [
    'domainApi that is not an origin',
    { domainApi: 'api.liveperson.net' },
    /^domainApi must be an origin, such as https:\/\/api\.liveperson\.net$/
  ],
  ['a malformed domainApi', { domainApi: 'https://[' }, /^domainApi must be an origin, such as/],
  [
    'domainApi over http',
    { domainApi: 'http://api.liveperson.net' },
    /^domainApi must be https, or http on a loopback host$/
  ],
  [
    'domainApi with a path',
    { domainApi: 'https://api.liveperson.net/x' },
    /^domainApi must be an origin alone, without path, query or user$/
  ],
  [
    'domainApi with a password',
    { domainApi: 'https://user:do-not-print-me@api.liveperson.net' },
    /^domainApi must be an origin alone/
  ],
  ...[
    'https://va.sentinel.liveperson.net',
    'evil.example',
    'va.sentinel.liveperson.net:443',
    '127.0.0.1:8080',
    'liveperson.net.evil.example',
    'xn--k.liveperson.net',
    5
  ].map((sentinelDomain): Bad => [
    `sentinelDomain ${sentinelDomain}`,
    { sentinelDomain },
    /^sentinelDomain must be a host name alone, under liveperson\.net, liveperson\.com, lpcloud\.io or trustedDomains\. A loopback /
  ]),
  ...[
    'com',
    'https://example.com',
    'Example.com',
    '.example.com',
    '*.example.com',
    'example.com.',
    'example.com:444',
    'xn--k.com',
    '0x7f.1',
    '',
    5
  ].map((domain): Bad => [
    `trustedDomains ${domain}`,
    { trustedDomains: [domain] },
    /^trustedDomains must be an array of domain names in lower case with a dot in them, such as example\.com$/
  ]),
  [
    'a string as trustedDomains',
    { trustedDomains: 'example.com' },
    /^trustedDomains must be an array/
  ],
  ['dispatcher', { dispatcher: {} }, /^dispatcher must be an undici Dispatcher$/],
  ...['now', 'onLogin', 'onLogout', 'onLoginError'].map((name): Bad => [
    name,
    { [name]: 'x' },
    new RegExp(`^${name} must be a function$`)
  ])
]

for (const [what, options, problem] of bad) {
  t.test(`Start-up is refused: ${what}.`, async t => {
    const error = await startUp({ ...GOOD, ...options })
    t.ok(error instanceof LeAuthError)
    t.equal(error?.code, 'LE_AUTH_OPTIONS_INVALID')
    const [intro, ...problems] = String(error?.message).split('\n')
    t.equal(intro, 'fastify-le-auth cannot start:')
    t.equal(problems.length, 1, 'exactly one problem')
    t.match(problems[0]?.slice(2), problem)
    const told = `${error?.message} ${error?.stack} ${JSON.stringify(error)}`
    for (const secret of ['do-not-print-me', '12345678901234', GOOD.secret, GOOD.clientSecret]) {
      t.notOk(told.includes(secret), 'no secret is shown')
    }
  })
}

t.test('Start-up without any option lists all that is missing.', async t => {
  const error = await startUp({})
  t.equal(error?.code, 'LE_AUTH_OPTIONS_INVALID')
  t.equal(
    error?.message,
    `fastify-le-auth cannot start:
- redirectUri is missing: set the option or LE_REDIRECT_URI
- accountId is missing: set the option or LE_ACCOUNT_ID
- clientId is missing: set the option or LE_CLIENT_ID
- clientSecret is missing: set the option or LE_CLIENT_SECRET
- secret is missing: set the option or LE_AUTH_SECRET`
  )
})

t.test('All problems are reported in one error, and none hides another.', async t => {
  const error = await startUp({
    accountId: '../x',
    clientId: '',
    clientSecret: 'two words',
    redirectUri: 'http://app.example.com/callback',
    secret: ['short', 'shorter'],
    routes: { login: 'login', nothing: '' },
    cookie: { name: 'a b', sameSite: 'strict', secure: false },
    idleLifetime: 1,
    session: { keep: ['leAuth'] },
    pkce: 1,
    domainApi: 'ftp://x',
    trustedDomains: ['net'],
    sentinelDomain: 'evil.example',
    httpTimeout: 0,
    onLogin: {},
    typo: true
  })
  const problems = error!.message.split('\n').slice(1)
  for (const name of [
    'accountId',
    'clientId',
    'clientSecret',
    'redirectUri',
    'secret',
    'routes.login',
    'routes.nothing',
    'cookie.name',
    'idleLifetime',
    'cookie.sameSite',
    'cookie.secure',
    'session.keep',
    'pkce',
    'domainApi',
    'trustedDomains',
    'sentinelDomain',
    'httpTimeout',
    'onLogin',
    'typo'
  ]) {
    t.ok(
      problems.some(problem => problem.startsWith(`- ${name} `)),
      name
    )
  }
  t.equal(
    problems.filter(problem => problem.startsWith('- secret ')).length,
    2,
    'one problem for each secret'
  )
  t.notMatch(error!.message, /two words|shorter'/)
})

t.test(
  'A redirect URI outside the prefix of the scope is refused, with both ways to fix it.',
  async t => {
    const app = Fastify()
    t.teardown(() => app.close())
    const error: any = await app
      .register(
        async scope => {
          await scope.register(leAuth, GOOD)
        },
        { prefix: '/app' }
      )
      .then(
        () => null,
        error => error
      )
    t.equal(error.code, 'LE_AUTH_OPTIONS_INVALID')
    t.match(
      error.message,
      /^- redirectUri has the path \/callback, outside the prefix \/app .*Register it without the prefix. Or, if a proxy changes the path, set routes\.callback/m
    )
  }
)

const good: Array<[what: string, options: object]> = [
  ['the five required options', {}],
  ...['a', 'le87654321', 'A-b_9', 'x'.repeat(64)].map((accountId): [string, object] => [
    `account ${accountId}`,
    { accountId }
  ]),
  ...[
    'http://localhost:3000/callback',
    'http://127.0.0.1:3000/callback',
    'http://[::1]:3000/callback',
    'https://app.example.com/a/b/callback',
    'https://app.example.com:8443/cb'
  ].map((redirectUri): [string, object] => [redirectUri, { redirectUri }]),
  ['a secret of 32 characters', { secret: 'x'.repeat(32) }],
  ['secrets that rotate', { secret: ['x'.repeat(32), 'y'.repeat(99)] }],
  ['a callback at the root, behind a proxy', { routes: { callback: '/' } }],
  ['routes', { routes: { login: '/auth/in', callback: '/auth/back', logout: '/auth/out' } }],
  [
    'the cookie, the store and the lifetimes',
    {
      cookie: { name: 'my.app_1-x', domain: 'example.com', sameSite: 'none', partitioned: true },
      store: new TestStore(),
      maxLogins: 1,
      idleLifetime: 1000,
      absoluteLifetime: 1000
    }
  ],
  ['a domain with a dot before it', { cookie: { domain: '.example.com', sameSite: 'lax' } }],
  [
    'long lifetimes',
    { idleLifetime: 400 * 24 * 60 * 60 * 1000, absoluteLifetime: 400 * 24 * 60 * 60 * 1000 }
  ],
  [
    'a leeway and a lock',
    { refreshLeeway: 0, lock: { acquire: async () => ({ release: async () => {} }) } }
  ],
  ['session.keep', { session: { keep: ['cart', 'locale'] } }],
  ['return paths', { returnTo: { afterLogin: '/home?tab=1#top', afterLogout: '/bye' } }],
  ['POST', { authorizationMethod: 'POST' }],
  ['no PKCE', { pkce: false }],
  ['signatures', { idTokenSignature: 'required' }],
  ['a scope', { scope: 'one two:three' }],
  ['versions', { apiVersion: { authorize: '1.0', token: '2.0' } }],
  ['a Domain API', { domainApi: 'https://api.example.com' }],
  ['a Domain API with a slash', { domainApi: 'https://api.liveperson.net/' }],
  ['a Domain API on this machine', { domainApi: 'http://127.0.0.1:8080' }],
  ['a Sentinel', { sentinelDomain: 'va.sentinel.liveperson.net' }],
  [
    'a Sentinel in a trusted domain',
    { trustedDomains: ['example.com'], sentinelDomain: 'sentinel.example.com' }
  ],
  [
    'a Sentinel on this machine',
    { domainApi: 'http://localhost:1', sentinelDomain: '127.0.0.1:8080' }
  ],
  ['time', { httpTimeout: 60_000, now: Date.now }],
  ['hooks', { onLogin() {}, onLogout: async () => {}, onLoginError() {} }],
  [
    'undefined everywhere',
    Object.fromEntries(
      `routes session returnTo cookie store lock refreshLeeway backgroundWork authorizationMethod pkce scope apiVersion idTokenSignature domainApi sentinelDomain
    trustedDomains httpTimeout dispatcher now onLogin onLogout onLoginError`
        .split(/\s+/)
        .map(name => [name, undefined])
    )
  ],
  ['what Fastify passes on', { logLevel: 'warn' }]
]

t.test('Valid options are accepted.', async t => {
  for (const [what, options] of good) {
    t.equal((await startUp({ ...GOOD, ...options }))?.message, undefined, what)
  }
})

t.test('A dispatcher of the app is accepted, and stays open when the app closes.', async t => {
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.close())
  t.equal(await startUp({ ...GOOD, dispatcher }), null)
  t.equal(dispatcher.closed, false)
  t.equal(dispatcher.destroyed, false)
})
