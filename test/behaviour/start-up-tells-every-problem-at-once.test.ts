import Fastify from 'fastify'
import t from 'tap'
import { Agent } from 'undici'
import leAuth, { LeAuthError, type LeAuthOptions } from '../../lib/index.js'
import { TestStore } from '../support/stores.js'

for (const name of ['LE_ACCOUNT_ID', 'LE_CLIENT_ID', 'LE_CLIENT_SECRET', 'LE_REDIRECT_URI', 'LE_AUTH_SECRET']) delete process.env[name]

const GOOD = {
  accountId: '12345678',
  clientId: '6f9a3c1e-5d42-4b7a-9e08-2c71d4a85b36',
  clientSecret: 'the-client-secret-of-this-test',
  redirectUri: 'https://app.example.com/callback',
  secret: 'a secret for tests, of more than 32 characters'
}
const LOCAL = { redirectUri: 'http://localhost:3000/callback' }

/** The error that an app starts with, `null` where it starts. */
async function startUp (options: object): Promise<LeAuthError | null> {
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
  ['no account', { accountId: undefined }, /^accountId is missing: set the option or LE_ACCOUNT_ID$/],
  ['empty account', { accountId: '' }, /^accountId is missing/],
  ...['../../x', '1?x=', '1#', '//evil.example', '1/../2', 'a b', 'ä', 'x'.repeat(65), '1\n', 12345678, {}, ['1'], true].map((accountId): Bad =>
    [`SD5 account ${JSON.stringify(accountId)}`, { accountId }, /^accountId must be a string of 1 to 64 letters, digits, - or _$/]),
  ['no client', { clientId: null }, /^clientId is missing: set the option or LE_CLIENT_ID$/],
  ['client with a space', { clientId: 'a b' }, /^clientId must be the installation id that LivePerson gave, without spaces$/],
  ['client a number', { clientId: 5 }, /^clientId must be/],
  ['client too long', { clientId: 'x'.repeat(256) }, /^clientId must be/],
  ['no client secret', { clientSecret: undefined }, /^clientSecret is missing: set the option or LE_CLIENT_SECRET$/],
  ['client secret with a line break', { clientSecret: 'do-not-print-me\n' }, /^clientSecret must be the secret that LivePerson gave, without spaces or line breaks$/],
  ['client secret an object', { clientSecret: { value: 'do-not-print-me' } }, /^clientSecret must be/],
  ['no redirect URI', { redirectUri: undefined }, /^redirectUri is missing: set the option or LE_REDIRECT_URI$/],
  ['redirect URI a path', { redirectUri: '/callback' }, /^redirectUri must be a whole address, such as https:\/\/app\.example\.com\/callback$/],
  ['redirect URI over http', { redirectUri: 'http://app.example.com/callback' }, /^redirectUri must be https, or http on localhost, 127\.0\.0\.1 or \[::1\]$/],
  ['redirect URI over http, nearly loopback', { redirectUri: 'http://127.0.0.1.evil.example/callback' }, /^redirectUri must be https/],
  ['redirect URI over ftp', { redirectUri: 'ftp://localhost/callback' }, /^redirectUri must be https/],
  ['redirect URI with a query', { redirectUri: 'https://app.example.com/callback?x=1' }, /^redirectUri must have no query, fragment, user or password/],
  ['redirect URI with a fragment', { redirectUri: 'https://app.example.com/callback#x' }, /^redirectUri must have no query/],
  ['redirect URI with a password', { redirectUri: 'https://user:do-not-print-me@app.example.com/callback' }, /^redirectUri must have no query/],
  ['redirect URI too long', { redirectUri: `https://app.example.com/${'x'.repeat(128)}` }, /^redirectUri must be at most 128 plain characters, as LivePerson registers it$/],
  ['redirect URI with a space', { redirectUri: 'https://app.example.com/call back' }, /^redirectUri must be at most 128 plain/],
  ['redirect URI a number', { redirectUri: 7 }, /^redirectUri must be at most/],
  ['redirect URI with a router parameter', { redirectUri: 'https://app.example.com/:callback' }, /^redirectUri |^routes\.callback /],
  ['redirect URI with a router wildcard', { redirectUri: 'https://app.example.com/*' }, /^redirectUri |^routes\.callback /],
  ['redirect URI with an escape, which no route would match', { redirectUri: 'https://app.example.com/call%20back' }, /^redirectUri |^routes\.callback /],
  ['no secret', { secret: undefined }, /^secret is missing: set the option or LE_AUTH_SECRET$/],
  ['no secrets', { secret: [] }, /^secret is missing/],
  ['short secret', { secret: 'do-not-print-me' }, /^secret must have 32 characters or more, this one has 15: make one with openssl rand -base64 32$/],
  ['second secret short', { secret: [GOOD.secret, 'do-not-print-me'] }, /^secret must have 32 characters or more, this one has 15/],
  ['secret a number', { secret: 12345678901234 }, /^secret must be a string, or an array of strings$/],
  ['second secret missing', { secret: [GOOD.secret, undefined] }, /^secret must be a string, or an array of strings$/],

  ['misspelt', { acountId: 'do-not-print-me' }, /^acountId is not an option of fastify-le-auth$/],
  ['misspelt in a group', { session: { cokieName: 'x' } }, /^session\.cokieName is not an option/],
  ['misspelt in a group in a group', { session: { cookie: { samesite: 'lax' } } }, /^session\.cookie\.samesite is not an option/],
  ['an attribute that is fixed', { session: { cookie: { httpOnly: false } } }, /^session\.cookie\.httpOnly is not an option/],
  ['misspelt route', { routes: { signin: '/x' } }, /^routes\.signin is not an option/],
  ['misspelt version', { apiVersion: { refresh: '1.0' } }, /^apiVersion\.refresh is not an option/],
  ['a name every object has', { session: { constructor: 1 } }, /^session\.constructor is not an option/],
  ...['routes', 'session', 'apiVersion'].map((group): Bad => [`${group} a text`, { [group]: 'x' }, new RegExp(`^${group} must be an object$`)]),
  ['cookie null', { session: { cookie: null } }, /^session\.cookie must be an object$/],

  ...['login', '//login', '/login?x', '/:login', '/login*', '/lo gin', '/lo%20gin', '', 5, 'https://evil.example/'].map((login): Bad =>
    [`routes.login ${login}`, { routes: { login } }, /^routes\.login must be a path of plain segments that begins with one slash, without query, fragment, "%", ":" or "\*"$/]),
  ['routes.callback', { routes: { callback: 'callback' } }, /^routes\.callback must be a path/],
  ['routes.logout', { routes: { logout: '/#' } }, /^routes\.logout must be a path/],
  ['routes twice the same', { routes: { login: '/in', logout: '/in' } }, /^routes must be three different paths/],
  ['login where the callback is', { routes: { login: '/callback' } }, /^routes must be three different paths/],

  ...['a b', 'a;b', '', 'x'.repeat(65), 5, 'ä'].map((cookieName): Bad =>
    [`cookie name ${cookieName}`, { session: { cookieName } }, /^session\.cookieName must be 1 to 64 letters, digits, -, _ or \., and not begin with __/]),
  ['cookie domain', { session: { cookie: { domain: 'a; Secure' } } }, /^session\.cookie\.domain must be a domain name, such as example\.com$/],
  ['a prefix, which Fastify would ignore', { prefix: '/auth' } as never, /^prefix is not an option of fastify-le-auth: register it inside a scope that has the prefix, or set routes$/],
  ['redirect URI without a path', { redirectUri: 'https://app.example.com' }, /^redirectUri must have a path of its own, such as \/callback$/],
  ['cookie domain of somebody else', { session: { cookie: { domain: 'other.example' } } }, /^session\.cookie\.domain must be \S+, the host of redirectUri, or a domain above it$/],
  ['strict', { session: { cookie: { sameSite: 'strict' } } }, /^session\.cookie\.sameSite must be "lax" or "none"$/],
  ['partitioned no boolean', { session: { cookie: { partitioned: 'yes' } } }, /^session\.cookie\.partitioned must be true or false$/],
  ['none over http', { ...LOCAL, session: { cookie: { sameSite: 'none' } } }, /^session\.cookie\.sameSite "none" and partitioned need an https redirectUri/],
  ['partitioned over http', { ...LOCAL, session: { cookie: { partitioned: true } } }, /^session\.cookie\.sameSite "none" and partitioned need/],
  ['a store that is none', { session: { store: new Map() } }, /^session\.store must be a store of the express-session kind$/],
  ['a store that cannot read', { session: { store: { set () {}, destroy () {} } } }, /^session\.store must be a store/],
  ['a store that cannot write', { session: { store: { get () {}, destroy () {} } } }, /^session\.store must be a store/],
  ...[0, -1, 1.5, NaN, Infinity, '5', null].flatMap((number): Bad[] => ['maxSessions', 'idleLifetime', 'absoluteLifetime'].map(name =>
    [`session.${name} ${number}`, { session: { [name]: number } }, new RegExp(`^session\\.${name} must be a (time in ms, a )?whole number from \\d+ to \\d+$`)])),
  ['idle lifetime in seconds by mistake', { session: { idleLifetime: 900 } }, /^session\.idleLifetime must be a time in ms, a whole number from 1000 /],
  ['a lifetime past the end of all dates', { session: { absoluteLifetime: Number.MAX_SAFE_INTEGER } }, /^session\.absoluteLifetime must be a time in ms/],
  ...[0, 60_001, '5', 1.5].map((httpTimeout): Bad => [`httpTimeout ${httpTimeout}`, { httpTimeout }, /^httpTimeout must be a time in ms, a whole number from 1 to 60000$/]),
  ...[-1, 1_800_001, '5', 1.5, null].map((refreshMargin): Bad => [`refreshMargin ${refreshMargin}`, { refreshMargin }, /^refreshMargin must be a time in ms, a whole number from 0 to 1800000$/]),
  ...[{}, { acquire: true }, () => {}, 'redis://app:do-not-print-me@redis'].map((refreshLock): Bad =>
    [`refreshLock ${typeof refreshLock}`, { refreshLock }, /^refreshLock must be an object with acquire\(id\), such as redisRefreshLock\(client\)$/]),

  ...['leAuth', 'cookie', 'sessionId', 'encryptedSessionId', '__proto__'].map((key): Bad =>
    [`keepOnLogin ${key}`, { keepOnLogin: ['cart', key] }, /^keepOnLogin must be an array of names of session keys of your own$/]),
  ['keepOnLogin a text', { keepOnLogin: 'cart' }, /^keepOnLogin must be an array/],
  ['keepOnLogin numbers', { keepOnLogin: [1] }, /^keepOnLogin must be an array/],
  ...['https://evil.example/', '//evil.example', 'x', 5, '/\\evil.example', `/${'x'.repeat(1024)}`].flatMap((path): Bad[] => [
    [`defaultReturnPath ${path}`, { defaultReturnPath: path }, /^defaultReturnPath must be a path of this app, such as "\/"$/],
    [`logoutReturnPath ${path}`, { logoutReturnPath: path }, /^logoutReturnPath must be a path of this app/]
  ]),
  ['authorizationMethod', { authorizationMethod: 'PUT' }, /^authorizationMethod must be "GET" or "POST"$/],
  ['pkce', { pkce: 'S256' }, /^pkce must be true or false$/],
  ['scope', { scope: 'a  b' }, /^scope must be words separated by one space \(RFC 6749 §3\.3\)$/],
  ['scope empty', { scope: '' }, /^scope must be words/],
  ['apiVersion.authorize', { apiVersion: { authorize: 1 } }, /^apiVersion\.authorize must be a version such as "1\.0"$/],
  ['apiVersion.token', { apiVersion: { token: '2.0&x=1' } }, /^apiVersion\.token must be a version such as "2\.0"$/],
  ['domainApi no origin', { domainApi: 'api.liveperson.net' }, /^domainApi must be an origin, such as https:\/\/api\.liveperson\.net$/],
  ['domainApi not to be read', { domainApi: 'https://[' }, /^domainApi must be an origin, such as/],
  ['domainApi over http', { domainApi: 'http://api.liveperson.net' }, /^domainApi must be https, or http on a loopback host$/],
  ['domainApi with a path', { domainApi: 'https://api.liveperson.net/x' }, /^domainApi must be an origin alone, without path, query or user$/],
  ['domainApi with a password', { domainApi: 'https://user:do-not-print-me@api.liveperson.net' }, /^domainApi must be an origin alone/],
  ...['https://va.sentinel.liveperson.net', 'evil.example', 'va.sentinel.liveperson.net:443', '127.0.0.1:8080', 'liveperson.net.evil.example', 5].map((sentinelDomain): Bad =>
    [`sentinelDomain ${sentinelDomain}`, { sentinelDomain }, /^sentinelDomain must be a bare host under liveperson\.net, liveperson\.com, lpcloud\.io or trustedDomains; /]),
  ...['com', 'https://example.com', 'Example.com', '.example.com', '*.example.com', 'example.com.', 'example.com:444', '', 5].map((domain): Bad =>
    [`trustedDomains ${domain}`, { trustedDomains: [domain] }, /^trustedDomains must be an array of domain names in lower case with a dot in them, such as example\.com$/]),
  ['trustedDomains a text', { trustedDomains: 'example.com' }, /^trustedDomains must be an array/],
  ['dispatcher', { dispatcher: {} }, /^dispatcher must be an undici Dispatcher$/],
  ...['now', 'onLogin', 'onLogout', 'onLoginError'].map((name): Bad => [name, { [name]: 'x' }, new RegExp(`^${name} must be a function$`)])
]

for (const [what, options, problem] of bad) {
  t.test(what, async t => {
    const error = await startUp({ ...GOOD, ...options })
    t.ok(error instanceof LeAuthError)
    t.equal(error?.code, 'LE_AUTH_OPTIONS_INVALID')
    const [intro, ...problems] = String(error?.message).split('\n')
    t.equal(intro, 'fastify-le-auth cannot start:')
    t.equal(problems.length, 1, 'one problem')
    t.match(problems[0]?.slice(2), problem)
    const told = `${error?.message} ${error?.stack} ${JSON.stringify(error)}`
    for (const secret of ['do-not-print-me', '12345678901234', GOOD.secret, GOOD.clientSecret]) t.notOk(told.includes(secret), 'no secret')
  })
}

t.test('whoever sets nothing is told all that is missing', async t => {
  const error = await startUp({})
  t.equal(error?.code, 'LE_AUTH_OPTIONS_INVALID')
  t.equal(error?.message, `fastify-le-auth cannot start:
- redirectUri is missing: set the option or LE_REDIRECT_URI
- accountId is missing: set the option or LE_ACCOUNT_ID
- clientId is missing: set the option or LE_CLIENT_ID
- clientSecret is missing: set the option or LE_CLIENT_SECRET
- secret is missing: set the option or LE_AUTH_SECRET`)
})

t.test('all problems are told in one error, none hides another', async t => {
  const error = await startUp({
    accountId: '../x',
    clientId: '',
    clientSecret: 'two words',
    redirectUri: 'http://app.example.com/callback',
    secret: ['short', 'shorter'],
    routes: { login: 'login', nothing: '' },
    session: { cookieName: 'a b', idleLifetime: 1, cookie: { sameSite: 'strict', secure: false } },
    keepOnLogin: ['leAuth'],
    pkce: 1,
    domainApi: 'ftp://x',
    trustedDomains: ['net'],
    sentinelDomain: 'evil.example',
    httpTimeout: 0,
    onLogin: {},
    typo: true
  })
  const problems = error!.message.split('\n').slice(1)
  for (const name of ['accountId', 'clientId', 'clientSecret', 'redirectUri', 'secret', 'routes.login', 'routes.nothing', 'session.cookieName', 'session.idleLifetime',
    'session.cookie.sameSite', 'session.cookie.secure', 'keepOnLogin', 'pkce', 'domainApi', 'trustedDomains', 'sentinelDomain', 'httpTimeout', 'onLogin', 'typo']) {
    t.ok(problems.some(problem => problem.startsWith(`- ${name} `)), name)
  }
  t.equal(problems.filter(problem => problem.startsWith('- secret ')).length, 2, 'both secrets')
  t.notMatch(error!.message, /two words|shorter'/)
})

t.test('a redirect URI outside the scope\'s prefix is told, with both ways out', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  const error: any = await app.register(async scope => { await scope.register(leAuth, GOOD) }, { prefix: '/app' }).then(() => null, error => error)
  t.equal(error.code, 'LE_AUTH_OPTIONS_INVALID')
  t.match(error.message, /^- redirectUri has the path \/callback, outside the prefix \/app .*register it without the prefix, or say with routes\.callback/m)
})

const good: Array<[what: string, options: object]> = [
  ['the five', {}],
  ...['a', 'le87654321', 'A-b_9', 'x'.repeat(64)].map((accountId): [string, object] => [`account ${accountId}`, { accountId }]),
  ...['http://localhost:3000/callback', 'http://127.0.0.1:3000/callback', 'http://[::1]:3000/callback', 'https://app.example.com/a/b/callback', 'https://app.example.com:8443/cb']
    .map((redirectUri): [string, object] => [redirectUri, { redirectUri }]),
  ['a secret of 32', { secret: 'x'.repeat(32) }],
  ['secrets that rotate', { secret: ['x'.repeat(32), 'y'.repeat(99)] }],
  ['a callback at the root, behind a proxy', { routes: { callback: '/' } }],
  ['routes', { routes: { login: '/auth/in', callback: '/auth/back', logout: '/auth/out' } }],
  ['the session', {
    session: {
      cookieName: 'my.app_1-x', cookie: { domain: 'example.com', sameSite: 'none', partitioned: true }, store: new TestStore(), maxSessions: 1, idleLifetime: 1000, absoluteLifetime: 1000
    }
  }],
  ['a domain with a dot before it', { session: { cookie: { domain: '.example.com', sameSite: 'lax' } } }],
  ['long lifetimes', { session: { idleLifetime: 400 * 24 * 60 * 60 * 1000, absoluteLifetime: 400 * 24 * 60 * 60 * 1000 } }],
  ['a margin and a lock', { refreshMargin: 0, refreshLock: { acquire: async () => ({ release: async () => {} }) } }],
  ['keepOnLogin', { keepOnLogin: ['cart', 'locale'] }],
  ['return paths', { defaultReturnPath: '/home?tab=1#top', logoutReturnPath: '/bye' }],
  ['POST', { authorizationMethod: 'POST' }],
  ['no PKCE', { pkce: false }],
  ['a scope', { scope: 'one two:three' }],
  ['versions', { apiVersion: { authorize: '1.0', token: '2.0' } }],
  ['a Domain API', { domainApi: 'https://api.example.com' }],
  ['a Domain API with a slash', { domainApi: 'https://api.liveperson.net/' }],
  ['a Domain API on this machine', { domainApi: 'http://127.0.0.1:8080' }],
  ['a Sentinel', { sentinelDomain: 'va.sentinel.liveperson.net' }],
  ['a Sentinel in a trusted domain', { trustedDomains: ['example.com'], sentinelDomain: 'sentinel.example.com' }],
  ['a Sentinel on this machine', { domainApi: 'http://localhost:1', sentinelDomain: '127.0.0.1:8080' }],
  ['time', { httpTimeout: 60_000, now: Date.now }],
  ['hooks', { onLogin () {}, onLogout: async () => {}, onLoginError () {} }],
  ['undefined everywhere', Object.fromEntries(`routes session keepOnLogin defaultReturnPath logoutReturnPath authorizationMethod pkce scope apiVersion domainApi sentinelDomain
    trustedDomains httpTimeout dispatcher now onLogin onLogout onLoginError`.split(/\s+/).map(name => [name, undefined]))],
  ['what Fastify passes on', { logLevel: 'warn' }]
]

t.test('good values are taken', async t => {
  for (const [what, options] of good) t.equal((await startUp({ ...GOOD, ...options }))?.message, undefined, what)
})

t.test('an app\'s own dispatcher is taken, and stays open when the app closes', async t => {
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.close())
  t.equal(await startUp({ ...GOOD, dispatcher }), null)
  t.equal(dispatcher.closed, false)
  t.equal(dispatcher.destroyed, false)
})
