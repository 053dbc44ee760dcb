import t from 'tap'
import { startApp } from '../support/app.ts'
import { errorCode, isFreeOf } from '../support/checks.ts'
import { logIn } from '../support/login.ts'
import {
  DOMAIN_API,
  HOST,
  naming,
  NOT_TRUSTED,
  production,
  refuses
} from '../support/production.ts'
import { startServer } from '../support/servers.ts'

t.test('A login works as in production, over https throughout.', async t => {
  const { app, network, sentinel, browser } = await production(t)
  sentinel.always('domain', naming(HOST))
  const response = await logIn(app, browser)
  t.equal(response.status, 200)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  t.same(network.requested, [DOMAIN_API, `https://${HOST}`])
  t.ok(
    browser.history.some(({ url }) =>
      url.startsWith(`https://${HOST}/sentinel/api/account/12345678/authorize?`)
    )
  )
})

t.test('The request to the Domain API is the documented one.', async t => {
  const { app, sentinel, browser } = await production(t)
  sentinel.always('domain', naming(HOST))
  await browser.step(app.url('/login'))
  const { method, path, query, headers } = sentinel.requests.find(
    request => request.endpoint === 'domain'
  )!
  t.equal(method, 'GET')
  t.equal(path, '/api/account/12345678/service/sentinel/baseURI.json')
  t.equal(query.toString(), 'version=1.0')
  t.equal(headers.authorization, undefined)
  t.equal(headers.cookie, undefined)
})

t.test(
  'Both documented formats of a Domain API response are accepted, among many services and ' +
    'accounts.',
  async t => {
    const world = await production(t)
    world.sentinel.always('domain', {
      change: response => ({
        baseURIs: [
          { ...response, account: '87654321', baseURI: 'other.sentinel.liveperson.net' },
          { service: 'faasUI', account: '12345678', baseURI: 'https://not-bare.example/path' },
          { ...response, baseURI: HOST }
        ]
      })
    })
    t.equal((await logIn(world.app, world.browser)).status, 200)
    t.same(world.network.requested, [DOMAIN_API, `https://${HOST}`])
  }
)

t.test('A host in a trusted domain is accepted, and its neighbours are not.', async t => {
  const host = 'sentinel.proxy.example.com'
  const options = { trustedDomains: ['proxy.example.com'] }
  const world = await production(t, [host], options)
  world.sentinel.always('domain', naming(host))
  t.equal((await logIn(world.app, world.browser)).status, 200)
  t.equal((await world.browser.script(world.app.url('/me'))).status, 200)
  for (const other of ['example.com', 'evilproxy.example.com', 'sentinel.example.com']) {
    await refuses(t, await production(t, [other], options), naming(other), NOT_TRUSTED)
  }
})

t.test('A Domain API response for one account or service is never used for another.', async t => {
  const { app, sentinel, network, browser } = await production(t, [HOST, 'config.liveperson.net'])
  sentinel.always('domain', {
    change: response => ({
      ...response,
      baseURI: response.service === 'sentinel' ? HOST : 'config.liveperson.net'
    })
  })
  await logIn(app, browser)
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  t.same(network.requested, [
    DOMAIN_API,
    `https://${HOST}`,
    DOMAIN_API,
    'https://config.liveperson.net'
  ])
  t.same(
    sentinel.requests
      .filter(request => request.endpoint === 'domain')
      .map(request => request.path.split('/')[5]),
    ['sentinel', 'accountConfigReadOnly']
  )
})

t.test(
  'The user’s token is never sent to an untrusted host that the Domain API names.',
  async t => {
    const { app, sentinel, network, browser } = await production(t)
    sentinel.next('domain', naming(HOST))
    await logIn(app, browser)
    for (const baseURI of ['evil.example', '127.0.0.1', 'x.liveperson.net:444']) {
      sentinel.always('domain', { change: response => ({ ...response, baseURI }) })
      const response = await browser.script(app.url('/users'))
      t.equal(`${response.status} ${response.json().code}`, NOT_TRUSTED, baseURI)
    }
    t.same([...new Set(network.requested)], [DOMAIN_API, `https://${HOST}`])
  }
)

t.test(
  'A foreign host gets neither secret nor token, even if the Domain API is on localhost.',
  async t => {
    const evil = await startServer(t, (_request, response) => response.end('{}'))
    const app = await startApp(t)
    for (const host of [
      `evil.example@${evil.host}`,
      `${evil.host}/x`,
      `http://${evil.host}`,
      `0x7f.1:${evil.host.split(':')[1]}`,
      '10.0.0.1',
      'evil.example'
    ]) {
      const other = await startApp(t, { sentinel: app.sentinel })
      app.sentinel.always('domain', { change: response => ({ ...response, baseURI: host }) })
      const response = await other.browser().step(other.url('/login'))
      t.equal(`${response.status} ${errorCode(response)}`, NOT_TRUSTED, host)
      isFreeOf(t, response.text + other.logLines.join(''), [host], 'the named host is not repeated')
    }
    t.same(evil.requests, [])
  }
)
