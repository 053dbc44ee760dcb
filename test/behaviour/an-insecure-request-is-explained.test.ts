import t from 'tap'
import { startApp } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'

type Headers = Record<string, string>

const PLAIN = /came over plain http, and no proxy .* Open the app at its https address/
const NOT_TRUSTED = /a proxy says that the browser used https, but Fastify does not trust/
const SILENT = /does not say that the browser used https\. Let it send X-Forwarded-Proto/
const SAYS_HTTP = /takes the last entry of X-Forwarded-Proto, and that is http\./
const SAYS_OTHER = /takes the last entry of X-Forwarded-Proto, and that is another word\./

const cases: Array<[what: string, trustProxy: boolean | string, headers: Headers, hint: RegExp]> = [
  ['no proxy', false, {}, PLAIN],
  ['no proxy, and trustProxy', true, {}, PLAIN],
  ['a proxy and no trustProxy', false, { 'x-forwarded-proto': 'https' }, NOT_TRUSTED],
  ['trustProxy for another proxy', '10.0.0.1', { 'x-forwarded-proto': 'https' }, NOT_TRUSTED],
  ['two proxies', true, { 'x-forwarded-proto': 'https, http' }, SAYS_HTTP],
  ['two proxies and no trustProxy', false, { 'x-forwarded-proto': 'https,http' }, SAYS_HTTP],
  ['a proxy that says http', true, { 'x-forwarded-proto': 'http' }, SAYS_HTTP],
  ['a proxy that says anything', true, { 'x-forwarded-proto': 'evil{word}' }, SAYS_OTHER],
  ['a proxy that says only who asks', true, { 'x-forwarded-for': '10.0.0.9' }, SILENT],
  ['a proxy with the header of RFC 7239', true, { forwarded: 'proto=https' }, SILENT],
  ['a proxy with the header of RFC 9110', false, { via: '1.1 evil' }, SILENT]
]

for (const [what, trustProxy, headers, hint] of cases) {
  t.test(`The log says what to do if /login is not requested over https: ${what}.`, async t => {
    const app = await startApp(t, { origin: 'https://app.example.com', fastify: { trustProxy } })
    const response = await app.browser().send(app.server + '/login', {
      headers: { accept: 'text/html', ...headers }
    })
    t.equal(`${response.status} ${errorCode(response)}`, '500 LE_AUTH_INSECURE_REQUEST')
    t.match(app.events().at(-1).hint, hint)
    t.equal(/trustProxy/.test(app.events().at(-1).hint), hint !== PLAIN, 'advice that helps')
    t.notMatch(response.text, /trustProxy|X-Forwarded|redirectUri/, 'visitors are not told')
    t.notMatch(app.logLines.join('') + response.text, 'evil', 'no header is repeated')
    t.same(response.setCookies, [])
  })
}
