import t from 'tap'
import { startApp } from '../support/app.ts'
import { AGENT, signIn } from '../support/login.ts'

t.test(
  'If authorizationMethod is POST, /login is a page with a form that posts to Sentinel.',
  async t => {
    const app = await startApp(t, { options: { authorizationMethod: 'POST' } })
    const browser = app.browser()
    const page = await browser.navigate(app.url('/login?returnTo=/page/here'))
    t.equal(page.status, 200)
    t.match(page.headers['content-type'], 'text/html')
    const action = /<form method="post" action="([^"]+)"/
      .exec(page.text)![1]!
      .replaceAll('&#38;', '&')
    t.match(
      action,
      `${app.sentinel.url}/sentinel/api/account/12345678/authorize?v=1.0&response_type=code`
    )

    const loginPage = await browser.navigate(action, { method: 'POST', form: {}, from: page.url })
    const response = await signIn(browser, loginPage, AGENT.loginName)
    t.equal(response.text, 'page /page/here')
    const authorize = app.sentinel.requests.find(request => request.endpoint === 'authorize')!
    t.equal(authorize.method, 'POST')
    t.equal(authorize.query.get('redirect_uri'), app.redirectUri)
  }
)

t.test(
  'The POST login page runs only its own script and may submit its form only to LivePerson.',
  async t => {
    const app = await startApp(t, {
      options: { authorizationMethod: 'POST', trustedDomains: ['login.example.com'] }
    })
    const { headers } = await app.browser().navigate(app.url('/login'))
    const policy = String(headers['content-security-policy'])
    t.match(
      policy,
      /default-src 'none'; style-src 'sha256-[\w+/=]+'; script-src 'sha256-[\w+/=]+'; form-action /
    )
    t.match(
      policy,
      `form-action ${app.sentinel.url} ${app.origin} https://*.liveperson.net https://*.liveperson.com https://*.lpcloud.io https://*.login.example.com; base-uri 'none'; frame-ancestors 'none'`
    )
    t.notMatch(policy, 'unsafe')
    t.equal(headers['cache-control'], 'no-store')
    t.equal(headers['referrer-policy'], 'no-referrer')
  }
)
