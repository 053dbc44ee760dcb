import { attack } from '../support/attack/attack.ts'
import { AGENT, enter, upToCallback } from '../support/login.ts'
import { rawRequest } from '../support/raw-http.ts'
import { inAscii, inQuery, isSafe, RETURN_PATHS, whereLoginLeads } from './return-paths.ts'

/**
 * Where a login without a return path leads. It differs from "/", so that no test confuses them.
 */
const START = '/page/start'
const options = { returnTo: { afterLogin: START } }

const OF_DOTS_AND_SLASHES = /^\/[./%]|\/\.\.?\//
attack(
  'OR4',
  'the path that is checked is the path that is sent: dot segments and slashes ' +
    'are resolved before the check',
  'RFC 3986 §5.2.4',
  async (t, stage) => {
    const entries = RETURN_PATHS.filter(
      ({ input }) => OF_DOTS_AND_SLASHES.test(input) && input.length < 40
    )
    t.ok(entries.length > 80)
    for (const { input } of entries) {
      const location = await whereLoginLeads(stage, `returnTo=${inQuery(input)}`)
      t.ok(isSafe(location ?? undefined), `${inAscii(input)} led to ${location}`)
    }
    // A page that its own guard redirects to the login.
    for (const path of [
      '/..//evil.example',
      '/.//evil.example',
      '//evil.example/..//x',
      '/a/..//evil.example',
      '/%2e%2e//evil.example'
    ]) {
      const browser = stage.browser()
      const guarded = await rawRequest(stage, `/page${path}`, { headers: ['Accept: text/html'] })
      t.equal(guarded.status, 302, path)
      const response = await enter(stage, browser, AGENT, guarded.location)
      t.ok(isSafe(response.location), `/page${path} led to ${response.location}`)
    }
  },
  { options }
)

attack(
  'OR5',
  'input is never appended to the origin as it came',
  'CVE-2026-27191',
  async (t, stage) => {
    for (const input of [
      '@evil.example',
      '.evil.example',
      ':1@evil.example',
      ':@evil.example',
      '-evil.example',
      '%2eevil.example',
      '\\@evil.example',
      ':80'
    ]) {
      t.equal(await whereLoginLeads(stage, `returnTo=${inQuery(input)}`), START, input)
      t.equal(await whereLoginLeads(stage, `returnTo=${input}`), START, `${input}, not encoded`)
    }
  },
  { options }
)

attack(
  'OR7',
  'a return path that is doubled, or is not a text, is ignored',
  'RFC 6749 §3.1',
  async (t, stage) => {
    const queries = [
      'returnTo=/a&returnTo=//evil.example',
      'returnTo=//evil.example&returnTo=/a',
      'returnTo=/a&returnTo=/b',
      'returnTo=/a&returnTo=',
      'returnTo[]=/a',
      'returnTo[]=//evil.example',
      'returnTo[x]=/a',
      'returnTo[0]=/a&returnTo[1]=/b',
      'returnTo[__proto__]=/a',
      '__proto__[returnTo]=/a',
      '__proto__.returnTo=/a',
      'constructor[prototype][returnTo]=/a',
      'returnto=/a',
      'RETURNTO=/a',
      'returnTo',
      'returnTo=',
      'return%54o[]=/a',
      'returnTo%00=/a',
      'returnTo =/a',
      'returnTo;=/a',
      ''
    ]
    for (const query of queries) t.equal(await whereLoginLeads(stage, query), START, query)
    t.equal(
      await whereLoginLeads(stage, 'return%54o=/a'),
      '/a',
      'another spelling of the same name'
    )
  },
  { options }
)

attack(
  'OR9',
  'a return path in any writing system works, in a form that a header can carry',
  'RFC 3987 §3.1',
  async (t, stage) => {
    const entries = RETURN_PATHS.filter(
      ({ input, verdict }) => verdict === 'allow' && /[^\x21-\x7e]/.test(input)
    )
    t.ok(entries.length > 20)
    for (const { input } of entries) {
      const location = await whereLoginLeads(stage, `returnTo=${inQuery(input)}`)
      t.match(location, /^\/[\x21-\x7e]*$/, inAscii(input).slice(0, 40))
    }
    for (const input of ['/日本', '/é', '/page?q=日本', '/\ud83d\ude00']) {
      const bytes = Buffer.from(`/login?returnTo=${input}`).toString('latin1')
      t.equal(
        (await rawRequest(stage, bytes)).status,
        400,
        `${inAscii(input)}, as bytes: Node takes none`
      )
    }
  },
  { options }
)

attack(
  'OR10',
  'a return path that is not a URL begins a login like any other',
  'CVE-2022-31093, CVE-2026-73418',
  async (t, stage) => {
    const texts = [
      'http://%5b',
      '/%E0%A4%A',
      '/%E0%A4',
      '%',
      '%%',
      '/%',
      '//',
      '///',
      '%ED%A0%80',
      '/%ED%A0%80',
      '%C0%AF',
      '/%ff%fe%fd',
      'http://',
      'http:',
      'http://[',
      'http://[::',
      '//[',
      '/%00',
      '%00',
      '[',
      ']',
      '%5b%5d',
      '/%2',
      '&',
      '=',
      '?',
      '?returnTo',
      'http://a%00b',
      'http://a b',
      'http://:@/',
      '//:99999'
    ]
    for (const text of texts) {
      const location = await whereLoginLeads(stage, `returnTo=${text}`)
      t.ok(isSafe(location ?? undefined), `${text} led to ${location}`)
    }
    t.ok(await upToCallback(stage, stage.browser()), 'and the app lives')
  },
  { options }
)
