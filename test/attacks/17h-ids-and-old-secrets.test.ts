import t from 'tap'
import { SECRET } from '../support/app.ts'
import { attack } from '../support/attack/attack.ts'
import { failsCleanly } from '../support/attack/callbacks.ts'
import { errorCode } from '../support/checks.ts'
import { claimsWith, idToken, idTokenOf } from '../support/id-tokens.ts'
import { logIn, pendingCallback } from '../support/login.ts'
import { HOST, production } from '../support/production.ts'

const SUBJECTS: Record<string, string> = {
  'a carriage return': 'a\rb',
  'a line feed': 'a\nb',
  'a line of its own': 'a\r\nx-evil: 1',
  NUL: 'a\u0000b',
  'a tab': 'a\tb',
  escape: '\u001b[31mred',
  DEL: 'a\u007f',
  'a C1 control': 'a\u0085b',
  'a right-to-left override': 'a\u202egpj',
  'an embedding': '\u202aa\u202c',
  'an isolate': '\u2066a\u2069',
  'a right-to-left mark': 'a\u200f',
  'a zero-width space': 'a\u200bb',
  'a byte order mark': '\ufeffa',
  'a line separator': 'a\u2028b',
  'a paragraph separator': 'a\u2029b',
  'a soft hyphen': 'a\u00adb',
  'a tag': 'a\u{e0041}b',
  'a private character': 'a\ue000b',
  'a noncharacter': 'a\ufffeb'
}
/** JSON can contain these, UTF-8 cannot. */
const SURROGATES: Record<string, string> = {
  'a high surrogate alone': 'a\\ud800b',
  'a low surrogate alone': 'a\\udc00',
  'surrogates the wrong way round': '\\udc00\\ud800'
}

attack(
  'WF5',
  'an id_token whose user id would break a log line or a header is refused',
  'CWE-117, CWE-1007',
  async (t, stage) => {
    const tokens = [
      ...Object.entries(SUBJECTS).map(([what, sub]) => [what, idToken({ sub })] as const),
      ...Object.entries(SURROGATES).map(
        ([what, sub]) =>
          [what, idTokenOf(JSON.stringify(claimsWith({ sub: 'SUB' })).replace('SUB', sub))] as const
      )
    ]
    for (const [what, token] of tokens) {
      const browser = stage.browser()
      const { url } = await pendingCallback(stage, browser)
      stage.sentinel.next('token', { change: response => ({ ...response, id_token: token }) })
      const response = await failsCleanly(t, stage, browser, url, what)
      t.equal(`${response.status} ${errorCode(response)}`, '502 LE_AUTH_ID_TOKEN_INVALID', what)
    }
    const browser = stage.browser()
    stage.sentinel.next('token', {
      change: response => ({ ...response, id_token: idToken({ sub: 'Zoë Ω 日本 🙂' }) })
    })
    await logIn(stage, browser)
    t.equal(await stage.me(browser), 'Zoë Ω 日本 🙂', 'printable text is an id')
  }
)

const REPLAYS = [
  ['WF6', 'sealed with the current secret', SECRET],
  [
    'WF6',
    'sealed with an old secret that is still listed',
    ['a new secret, of more than 32 characters', SECRET]
  ]
] as const

for (const [id, what, secret] of REPLAYS) {
  t.test(
    `${id} a pending login that is ${what} and names a host that is not trusted now is refused before any connection [RFC 9700 §4.4]`,
    async t => {
      const options = { trustedDomains: ['evil.example'], sentinelDomain: 'sentinel.evil.example' }
      const before = await production(t, [HOST], options)
      const start = await before.browser.step(before.app.url('/login'))
      t.match(
        start.location,
        /^https:\/\/sentinel\.evil\.example\//,
        'the host was trusted when the login began'
      )
      const state = new URL(start.location!).searchParams.get('state')!

      const now = await production(t, [HOST], { secret: secret as string | string[] })
      const cookie = start.setCookies.map(line => line.split(';')[0]).join('; ')
      const response = await now.app
        .browser()
        .step(now.app.url(`/callback?code=A&state=${state}`), { headers: { cookie } })
      t.equal(`${response.status} ${errorCode(response)}`, '502 LE_AUTH_HOST_NOT_TRUSTED')
      t.same(now.network.requested, [], 'no host was called')
      t.notMatch(
        response.text + now.app.logLines.join(''),
        'evil.example',
        'the host is not named in the response or the log'
      )
      t.equal(
        (await now.app.browser().send(now.app.url('/me'), { headers: { cookie } })).status,
        401
      )
    }
  )
}
