import fc from 'fast-check'
import { attack, type Stage } from '../support/attack/attack.ts'
import { cookieHeader } from '../support/cookies.ts'
import { AGENT, enter } from '../support/login.ts'
import { type RawResponse, rawRequest } from '../support/raw-http.ts'
import { inQuery, isSafe } from './return-paths.ts'

const RUNS = 100

/** Parts of attacks on return paths, for any combination. */
const PART = fc.constantFrom(
  '/',
  '//',
  '\\',
  '.',
  '..',
  '/..',
  '/.//',
  '/..//',
  '%2e',
  '%2f',
  '%5c',
  '%',
  '@',
  ':',
  '?',
  '#',
  '&',
  '=',
  '[',
  ']',
  ' ',
  '\t',
  '\r',
  '\n',
  '\0',
  '\x7f',
  '\x85',
  '\u2028',
  '\uff0f',
  '\u3002',
  '\ud800',
  '\udc00',
  '日',
  '😀',
  'evil.example',
  'localhost:3000',
  'localhost',
  '3000',
  'http:',
  'https://',
  'javascript:',
  'login',
  'callback',
  'Set-Cookie:',
  'a'
)
const TEXT = fc.oneof(
  fc.array(PART, { maxLength: 12 }).map(parts => parts.join('')),
  fc.array(PART, { maxLength: 12 }).map(parts => `/${parts.join('')}`),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }).map(text => `/${text}`),
  fc.string({ unit: 'grapheme', maxLength: 1200 }).map(text => `/${text}`)
)
const ENCODED_BYTES = fc
  .tuple(fc.constantFrom('', '/', '%2F', '//', '/page/'), fc.uint8Array({ maxLength: 60 }))
  .map(
    ([start, bytes]) =>
      start + Array.from(bytes, byte => `%${byte.toString(16).padStart(2, '0')}`).join('')
  )

async function staysInside(stage: Stage, encoded: string): Promise<void> {
  const browser = stage.browser()
  const response = await enter(stage, browser, AGENT, `/login?returnTo=${encoded}`)
  if (response.status !== 303) throw new Error(`status ${response.status}`)
  if (!isSafe(response.location)) throw new Error(`Location ${response.location}`)
}

attack(
  'OR1',
  'a login leads to a page of the app, whatever text is the return path',
  'RFC 9700 §4.11',
  async (t, stage) => {
    await fc.assert(
      fc.asyncProperty(TEXT, async text => staysInside(stage, inQuery(text))),
      { numRuns: 2 * RUNS }
    )
    t.ok(stage.store.logins.length > RUNS)
  }
)

attack(
  'OR10',
  'a login leads to a page of the app, whatever bytes are the return path',
  'RFC 9700 §4.11',
  async (t, stage) => {
    await fc.assert(
      fc.asyncProperty(ENCODED_BYTES, async bytes => staysInside(stage, bytes)),
      { numRuns: RUNS }
    )
    t.ok(stage.store.logins.length > RUNS / 2)
  }
)

const NAME = fc.oneof(
  fc.constantFrom(
    'state',
    'code',
    'error',
    'error_description',
    'iss',
    'client_id',
    'client_secret',
    'redirect_uri',
    'response_type',
    'response_mode',
    'response',
    'scope',
    'nonce',
    'prompt',
    'v',
    'code_challenge',
    'code_challenge_method',
    'code_verifier',
    'access_token',
    'id_token',
    'returnTo',
    'returnTo[]',
    'revoke',
    'accountId',
    '__proto__',
    '__proto__[x]',
    'constructor',
    'hasOwnProperty',
    '_method',
    'session',
    'user'
  ),
  fc.string({ unit: 'binary', maxLength: 12 }).map(inQuery)
)
const VALUE = fc.oneof(
  TEXT.map(text => inQuery(text).slice(0, 2000)),
  ENCODED_BYTES,
  fc.constantFrom(
    '',
    'true',
    'x',
    'A'.repeat(43),
    '3562186410',
    '12345678',
    'none',
    '{}',
    '%00',
    '%0d%0aSet-Cookie:%20a=b',
    'a'.repeat(5000)
  )
)
const PAIRS = fc
  .array(
    fc.tuple(NAME, VALUE).map(([name, value]) => `${name}=${value}`),
    { maxLength: 8 }
  )
  .map(pairs => pairs.join('&').slice(0, 9000))
/** Any bytes that a request line can hold, and some that it cannot. */
const BYTES = fc
  .array(fc.integer({ min: 0x20, max: 0xff }), { maxLength: 80 })
  .map(codes => String.fromCharCode(...codes))
const QUERY = fc.oneof({ weight: 4, arbitrary: PAIRS }, { weight: 1, arbitrary: BYTES })

const OWN_PARAMETERS = [
  'client_id',
  'code_challenge',
  'code_challenge_method',
  'redirect_uri',
  'response_type',
  'state',
  'v'
]

/** One response, below 500, and no header but the plugin's. */
function assertTame(what: string, { status, responses, head }: RawResponse): void {
  if (responses !== 1 || status === 0 || status >= 500) {
    throw new Error(`${what}: ${responses} responses, status ${status}`)
  }
  if (/^(?:(?:a|x|evil)\s*:|set-cookie:\s*a=)/im.test(head.slice(head.indexOf('\n') + 1))) {
    throw new Error(`${what}: a header of the request’s own`)
  }
}

function assertOwnAuthorization(stage: Stage, location: string): void {
  const url = new URL(location)
  const expected = {
    client_id: stage.sentinel.accounts[0]!.applications[0]!.clientId,
    redirect_uri: stage.redirectUri,
    response_type: 'code',
    code_challenge_method: 'S256',
    v: '1.0'
  }
  const names = [...url.searchParams.keys()].sort()
  if (url.origin !== stage.sentinel.url || names.join() !== OWN_PARAMETERS.join()) {
    throw new Error(`authorization request ${url.origin} ${names.join()}`)
  }
  for (const [name, value] of Object.entries(expected)) {
    if (url.searchParams.get(name) !== value) throw new Error(`${name} is not the app’s`)
  }
}

attack(
  'LC10',
  '/login sends Sentinel the same parameters and writes nothing, whatever the query',
  'CVE-2025-67716',
  async (t, stage) => {
    await fc.assert(
      fc.asyncProperty(QUERY, fc.boolean(), async (query, isPost) => {
        const body = isPost ? { form: query } : {}
        const response = await rawRequest(stage, `/login?${query}`, {
          method: isPost ? 'POST' : 'GET',
          headers: ['Accept: text/html'],
          ...body
        })
        assertTame(`/login?${query}`, response)
        const statuses = isPost ? [403, 400, 413] : [302, 400]
        if (!statuses.includes(response.status)) {
          throw new Error(`status ${response.status}`)
        }
        if (response.location !== undefined) assertOwnAuthorization(stage, response.location)
      }),
      { numRuns: 2 * RUNS }
    )
    t.same(stage.store.calls, [])
    t.equal(Object.hasOwn(Object.prototype, 'x'), false)
  }
)

attack(
  'LC5',
  'a callback that belongs to no login changes nothing, whatever the query',
  'RFC 6749 §10.12',
  async (t, stage) => {
    const browser = stage.browser()
    await enter(stage, browser)
    await stage.login(browser)
    const before = [...stage.store.records.entries()]
    const cookie = `Cookie: ${await cookieHeader(stage, browser)}`
    await fc.assert(
      fc.asyncProperty(QUERY, fc.boolean(), async (query, isPost) => {
        const body = isPost ? { form: query } : {}
        const response = await rawRequest(stage, `/callback?${query}`, {
          method: isPost ? 'POST' : 'GET',
          headers: ['Accept: text/html', cookie],
          ...body
        })
        assertTame(`/callback?${query}`, response)
        if (
          ![400, 405].includes(response.status) ||
          response.location !== undefined ||
          response.setCookies.length > 0
        ) {
          throw new Error(`status ${response.status}, Location ${response.location}`)
        }
      }),
      { numRuns: 2 * RUNS }
    )
    t.same([...stage.store.records.entries()], before)
    t.equal(stage.exchanges(), 1)
    t.equal(await stage.me(browser), AGENT.id)
  }
)

attack(
  'LO1',
  'a logout that another site sends changes nothing, whatever the query or the body',
  'RFC 9700 §4.7',
  async (t, stage) => {
    const browser = stage.browser()
    await enter(stage, browser)
    const before = [...stage.store.records.entries()]
    const cookie = `Cookie: ${await cookieHeader(stage, browser)}`
    await fc.assert(
      fc.asyncProperty(QUERY, QUERY, fc.boolean(), async (query, body, isPost) => {
        const form = isPost ? { form: body } : {}
        const response = await rawRequest(stage, `/logout?${query}`, {
          method: isPost ? 'POST' : 'GET',
          headers: [cookie, 'Sec-Fetch-Site: cross-site'],
          ...form
        })
        assertTame(`/logout?${query}`, response)
        if (![400, 403, 405].includes(response.status) || response.setCookies.length > 0) {
          throw new Error(`status ${response.status}`)
        }
      }),
      { numRuns: RUNS }
    )
    await fc.assert(
      fc.asyncProperty(QUERY, QUERY, async (query, body) => {
        const response = await rawRequest(stage, `/logout?${query}`, {
          method: 'POST',
          headers: ['Sec-Fetch-Site: same-origin', 'Accept: text/html'],
          form: body
        })
        assertTame(`a visitor’s /logout?${query}`, response)
        if (response.status === 303 ? response.location !== '/' : response.status !== 400) {
          throw new Error(`status ${response.status}, Location ${response.location}`)
        }
      }),
      { numRuns: RUNS }
    )
    t.same([...stage.store.records.entries()], before)
    t.equal(stage.calls('revoke'), 0)
    t.equal(await stage.me(browser), AGENT.id)
  }
)
