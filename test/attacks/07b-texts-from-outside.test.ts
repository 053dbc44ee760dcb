import { SECRET } from '../support/app.js'
import type { Answer } from '../support/browser.js'
import { failsCleanly, pendingCallback } from '../support/fail-clean.js'
import { attack } from '../support/stage.js'

const TEXTS = [
  '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '\'><svg/onload=alert(1)>', '</title><script>alert(1)</script>', 'javascript:alert(1)',
  '+ADw-script+AD4-alert(1)+ADw-/script+AD4-', '&lt;script&gt;alert(1)&lt;/script&gt;', '{{7*7}}<%= 7*7 %>', '--><script>alert(1)</script>', '\u202Egpj.exe',
  'line\r\nbreak {"level":60,"msg":"forged"}', '\u001b[2Jterminal', 'x'.repeat(10_000)
]

/** What the plugin may say when it refuses: a page that runs nothing, or JSON that no browser takes for a page. */
function isHarmless (answer: Answer): boolean {
  const { 'content-type': type, 'content-security-policy': policy, 'x-content-type-options': sniffing } = answer.headers
  if (String(type).startsWith('application/json; charset=utf-8')) return true
  return type === 'text/html; charset=utf-8' && sniffing === 'nosniff' && String(policy).startsWith("default-src 'none'") && !String(policy).includes('script-src')
}

attack('XS1', 'nothing that a visitor puts into a callback or a login is shown or logged', 'CVE-2021-32702, OWASP XSS', async (t, stage) => {
  for (const text of TEXTS) {
    const said = encodeURIComponent(text)
    const browser = stage.browser()
    const { state } = await pendingCallback(stage, browser)
    const before = stage.logLines.length
    for (const query of [
      `error=${said}&state=${state}`,
      `error=${said}&state=x`, `error=access_denied&error_description=${said}&state=x`, `error=access_denied&error_uri=${said}&state=x`,
      `error=access_denied&error_description=${said}&state=${(await pendingCallback(stage, browser)).state}`,
      `error=access_denied&error_uri=${said}&state=${(await pendingCallback(stage, browser)).state}`,
      `code=A&state=${said}`, `code=${said}&state=${state}`, `code=A&state=${state}&iss=${said}`, `${said}=1&code=A&state=${state}`
    ]) {
      for (const answer of [await browser.step(stage.url(`/callback?${query}`)), await browser.script(stage.url(`/callback?${query}`))]) {
        const what = `${query.slice(0, 60)} ${answer.status}`
        t.ok([400, 403, 502].includes(answer.status), what)
        t.ok(isHarmless(answer), `${what}: ${answer.headers['content-type']}`)
        for (const form of [text, said, text.slice(0, 500)]) t.notOk(answer.text.includes(form), what)
      }
    }
    for (const line of stage.logLines.slice(before)) {
      t.ok(line.length < 3000, 'a log line of sensible length')
      t.equal(line.indexOf('\n'), line.length - 1, 'one line is one line')
      t.notOk(line.includes(text) || line.includes(said), 'the log does not repeat it')
    }
  }
  t.notOk(stage.logLines.some(line => JSON.parse(line).level === 60), 'no forged line')
})

attack('XS1', 'a return path goes into “Try again” and no further', 'CVE-2021-32702, OWASP XSS', async (t, stage) => {
  for (const text of TEXTS) {
    const browser = stage.browser()
    const state = await stage.login(browser, `?returnTo=${encodeURIComponent(`/page/${text}`)}`)
    const { status, text: page } = await stage.callback(browser, `error=access_denied&state=${state}`)
    t.equal(status, 403)
    const [, href] = /<a class="button" href="([^"]*)">Try again<\/a>/.exec(page)!
    t.match(href, /^\/login(\?returnTo=%2F([\w.!~*()%-]|&#39;)*)?$/, 'nothing in it that could end an attribute')
    t.equal(page.split('<a ').length, 2)
    t.notMatch(page, /<script|<img|<svg/)
  }
})

attack('XS2', 'nothing that the token endpoint says of an error is shown', 'CVE-2021-32702, RFC 6749 §5.2', async (t, stage) => {
  for (const text of TEXTS) {
    for (const fault of [
      { status: 400, body: JSON.stringify({ error: 'invalid_request', error_description: text, error_uri: text }) },
      { status: 400, body: JSON.stringify({ error: text }) },
      { status: 502, body: text, headers: { 'content-type': 'text/html' } }
    ]) {
      stage.sentinel.next('token', fault)
      const browser = stage.browser()
      const { url } = await pendingCallback(stage, browser)
      const answer = await failsCleanly(t, stage, browser, url, text.slice(0, 30))
      t.ok(isHarmless(answer))
      for (const form of [text, encodeURIComponent(text), text.slice(0, 500)]) t.notOk(answer.text.includes(form), text.slice(0, 30))
      t.notOk(stage.logLines.some(line => line.includes(text) || line.includes(JSON.stringify(text).slice(1, -1))), 'nor logged')
    }
  }
})

const SCRIPTS = [
  'javascript:alert(1)', 'JaVaScRiPt:alert(1)', ' javascript:alert(1)', '\tjavascript:alert(1)', 'java\nscript:alert(1)', 'javascript&colon;alert(1)', 'javascript://localhost:3000/%0aalert(1)',
  'data:text/html,<script>alert(1)</script>', 'vbscript:msgbox(1)', 'blob:http://localhost:3000/x', 'file:///etc/passwd', 'view-source:x', 'about:blank', 'feed:javascript:alert(1)',
  '/\tjavascript:alert(1)', '\u0001javascript:alert(1)', 'JAVASCRIPT:alert(1)//http://localhost:3000/'
]

attack('XS3', 'a script’s address is no return path', 'CVE-2026-22029', async (t, stage) => {
  for (const script of SCRIPTS) {
    const browser = stage.browser()
    const state = await stage.login(browser, `?returnTo=${encodeURIComponent(script)}`)
    const { location } = await stage.callback(browser, `code=${await codeFor(browser, state)}&state=${state}`)
    t.equal(location, '/', JSON.stringify(script))
  }

  async function codeFor (browser: ReturnType<typeof stage.browser>, state: string): Promise<string> {
    const authorize = browser.history.find(answer => answer.location?.includes(state))!.location!
    return new URL(await stage.sentinel.signIn(authorize, 'maya.osei')).searchParams.get('code')!
  }
})

attack('XS3', 'nor is one in the form that begins a login by POST', 'CVE-2026-22029', async (t, stage) => {
  for (const script of SCRIPTS) {
    const { status, text } = await stage.browser().step(stage.url(`/login?returnTo=${encodeURIComponent(script)}`))
    t.equal(status, 200)
    t.match(text, /<form method="post" action="http:&#47;|<form method="post" action="http:/)
    t.notMatch(text, /javascript:|vbscript:|data:|alert\(|&#60;script/i, JSON.stringify(script))
    t.notOk(text.includes(SECRET))
  }
}, { options: { authorizationMethod: 'POST' } })
