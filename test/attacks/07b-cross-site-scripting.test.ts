import { attack } from '../support/attack/attack.ts'
import { failsCleanly } from '../support/attack/callbacks.ts'
import type { PageResponse } from '../support/browser.ts'
import { errorCode } from '../support/checks.ts'
import { AGENT, pendingCallback } from '../support/login.ts'

const TEXTS = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'><svg/onload=alert(1)>",
  '</title><script>alert(1)</script>',
  'javascript:alert(1)',
  '+ADw-script+AD4-alert(1)+ADw-/script+AD4-',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '{{7*7}}<%= 7*7 %>',
  '--><script>alert(1)</script>',
  '\u202Egpj.exe',
  'line\r\nbreak {"level":60,"msg":"forged"}',
  '\u001b[2Jterminal',
  'x'.repeat(10_000)
]

/** Whether a refusal is a page that runs nothing, or JSON that no browser shows as a page. */
function isHarmless(response: PageResponse): boolean {
  const {
    'content-type': type,
    'content-security-policy': policy,
    'x-content-type-options': sniffing
  } = response.headers
  if (String(type).startsWith('application/json; charset=utf-8')) return true
  return (
    type === 'text/html; charset=utf-8' &&
    sniffing === 'nosniff' &&
    String(policy).startsWith("default-src 'none'") &&
    !String(policy).includes('script-src')
  )
}

attack(
  'XS1',
  'no text that a visitor puts into a callback or a login is shown or logged',
  'CVE-2021-32702, OWASP XSS',
  async (t, stage) => {
    for (const text of TEXTS) {
      const said = encodeURIComponent(text)
      const before = stage.logLines.length
      for (const [query, code] of [
        [`error=${said}&state=STATE`, /AUTHORIZATION_FAILED/],
        [`error=access_denied&error_description=${said}&state=STATE`, /DENIED/],
        [`error=access_denied&error_uri=${said}&state=STATE`, /DENIED/],
        [`error=${said}&state=x`, /INVALID/],
        [`error=access_denied&error_description=${said}&state=x`, /INVALID/],
        [`error=access_denied&error_uri=${said}&state=x`, /INVALID/],
        [`code=A&state=${said}`, /INVALID/],
        [`code=${said}&state=STATE`, /CALLBACK_INVALID( \(code_rejected\))?$/],
        [`code=A&state=STATE&iss=${said}`, /INVALID/],
        [`${said}=1&code=A&state=STATE`, /CALLBACK_INVALID( \(code_rejected\))?$/]
      ] as const) {
        for (const way of ['step', 'script'] as const) {
          // Each has its own unused state: a used one would be refused before the text is read.
          const browser = stage.browser()
          const { state } = await pendingCallback(stage, browser)
          const response = await browser[way](
            stage.url(`/callback?${query.replace('STATE', state)}`)
          )
          const what = `${query.slice(0, 60)} ${response.status}`
          t.ok([400, 403, 502].includes(response.status), what)
          t.match(errorCode(response), code, what)
          t.ok(isHarmless(response), `${what}: ${response.headers['content-type']}`)
          for (const form of [text, said, text.slice(0, 500)]) {
            t.notOk(response.text.includes(form), what)
          }
        }
      }
      for (const line of stage.logLines.slice(before)) {
        t.ok(line.length < 3000, 'a log line of sensible length')
        t.equal(line.indexOf('\n'), line.length - 1, 'each log line is one line')
        t.notOk(line.includes(text) || line.includes(said), 'the log does not repeat it')
      }
    }
    t.notOk(
      stage.logLines.some(line => JSON.parse(line).level === 60),
      'no forged line'
    )
  }
)

attack(
  'XS1',
  'a return path is shown only in the link “Try again”',
  'CVE-2021-32702, OWASP XSS',
  async (t, stage) => {
    for (const text of TEXTS) {
      const browser = stage.browser()
      const state = await stage.login(browser, `?returnTo=${encodeURIComponent(`/page/${text}`)}`)
      const { status, text: page } = await stage.callback(
        browser,
        `error=access_denied&state=${state}`
      )
      t.equal(status, 403)
      const [, href] = /<a class="button" href="([^"]*)">Try again<\/a>/.exec(page)!
      t.match(
        href,
        /^\/login(\?returnTo=%2F([\w.!~*()%-]|&#39;)*)?$/,
        'no character in it ends an attribute'
      )
      t.equal(page.split('<a ').length, 2)
      t.notMatch(page, /<script|<img|<svg/)
    }
  }
)

attack(
  'XS2',
  'no text from an error of the token endpoint is shown',
  'CVE-2021-32702, RFC 6749 §5.2',
  async (t, stage) => {
    for (const text of TEXTS) {
      for (const fault of [
        {
          status: 400,
          body: JSON.stringify({
            error: 'invalid_request',
            error_description: text,
            error_uri: text
          })
        },
        { status: 400, body: JSON.stringify({ error: text }) },
        { status: 502, body: text, headers: { 'content-type': 'text/html' } }
      ]) {
        stage.sentinel.next('token', fault)
        const browser = stage.browser()
        const { url } = await pendingCallback(stage, browser)
        const response = await failsCleanly(t, stage, browser, url, text.slice(0, 30))
        t.ok(isHarmless(response))
        for (const form of [text, encodeURIComponent(text), text.slice(0, 500)]) {
          t.notOk(response.text.includes(form), text.slice(0, 30))
        }
        t.notOk(
          stage.logLines.some(
            line => line.includes(text) || line.includes(JSON.stringify(text).slice(1, -1))
          ),
          'the log does not repeat it'
        )
      }
    }
  }
)

const SCRIPTS = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  ' javascript:alert(1)',
  '\tjavascript:alert(1)',
  'java\nscript:alert(1)',
  'javascript&colon;alert(1)',
  'javascript://localhost:3000/%0aalert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  'blob:http://localhost:3000/x',
  'file:///etc/passwd',
  'view-source:x',
  'about:blank',
  'feed:javascript:alert(1)',
  '/\tjavascript:alert(1)',
  '\u0001javascript:alert(1)',
  'JAVASCRIPT:alert(1)//http://localhost:3000/'
]

attack(
  'XS3',
  'a URL that runs a script is never a return path',
  'CVE-2026-22029',
  async (t, stage) => {
    for (const script of SCRIPTS) {
      const browser = stage.browser()
      const state = await stage.login(browser, `?returnTo=${encodeURIComponent(script)}`)
      const { location } = await stage.callback(
        browser,
        `code=${await codeFor(browser, state)}&state=${state}`
      )
      t.equal(location, '/', JSON.stringify(script))
    }

    async function codeFor(
      browser: ReturnType<typeof stage.browser>,
      state: string
    ): Promise<string> {
      const authorize = browser.history.find(response =>
        response.location?.includes(state)
      )!.location!
      return new URL(await stage.sentinel.signIn(authorize, 'maya.osei')).searchParams.get('code')!
    }
  }
)

attack(
  'XS3',
  'a URL that runs a script is never a return path of a login by POST',
  'CVE-2026-22029',
  async (t, stage) => {
    for (const script of SCRIPTS) {
      const browser = stage.browser()
      const { text } = await browser.step(
        stage.url(`/login?returnTo=${encodeURIComponent(script)}`)
      )
      const authorize = /<form method="post" action="([^"]+)"/
        .exec(text)![1]!
        .replaceAll('&#38;', '&')
      t.equal(
        (await browser.step(await stage.sentinel.signIn(authorize, AGENT.loginName))).location,
        '/',
        JSON.stringify(script)
      )
    }
  },
  {
    // The page that leads to Sentinel contains the state.
    mayShow: /^\/login/,
    options: { authorizationMethod: 'POST' }
  }
)
