import t from 'tap'
import { isFreeOf } from '../support/anonymous.js'
import { errorCode, logIn, startApp } from '../support/app.js'
import { DOMAIN_API, HOST, naming, NOT_TRUSTED, production, refuses } from '../support/production.js'
import { startServer } from '../support/servers.js'

t.test('a login as in production, over https all the way', async t => {
  const { app, network, sentinel, browser } = await production(t)
  sentinel.always('domain', naming(HOST))
  const answer = await logIn(app, browser)
  t.equal(answer.status, 200)
  t.equal((await browser.script(app.url('/me'))).status, 200)
  t.same(network.asked, [DOMAIN_API, `https://${HOST}`])
  t.ok(browser.history.some(({ url }) => url.startsWith(`https://${HOST}/sentinel/api/account/12345678/authorize?`)))
})

t.test('the Domain API is asked as documented', async t => {
  const { app, sentinel, browser } = await production(t)
  sentinel.always('domain', naming(HOST))
  await browser.step(app.url('/login'))
  const { method, path, query, headers } = sentinel.requests.find(request => request.endpoint === 'domain')!
  t.equal(method, 'GET')
  t.equal(path, '/api/account/12345678/service/sentinel/baseURI.json')
  t.equal(query.toString(), 'version=1.0')
  t.equal(headers.authorization, undefined)
  t.equal(headers.cookie, undefined)
})

t.test('both documented shapes are taken, among many services and accounts', async t => {
  const world = await production(t)
  world.sentinel.always('domain', {
    change: answer => ({
      baseURIs: [
        { ...answer, account: '87654321', baseURI: 'other.sentinel.liveperson.net' },
        { service: 'faasUI', account: '12345678', baseURI: 'https://not-bare.example/path' },
        { ...answer, baseURI: HOST }
      ]
    })
  })
  t.equal((await logIn(world.app, world.browser)).status, 200)
  t.same(world.network.asked, [DOMAIN_API, `https://${HOST}`])
})

t.test('a host in a trusted domain is taken, its neighbours are not', async t => {
  const host = 'sentinel.proxy.example.com'
  const options = { trustedDomains: ['proxy.example.com'] }
  const world = await production(t, [host], options)
  world.sentinel.always('domain', naming(host))
  t.equal((await logIn(world.app, world.browser)).status, 200)
  t.equal((await world.browser.script(world.app.url('/me'))).status, 200)
  for (const other of ['example.com', 'evilproxy.example.com', 'sentinel.example.com']) await refuses(t, await production(t, [other], options), naming(other), NOT_TRUSTED)
})

t.test('an answer for one account is never used for another, nor one service\'s for another', async t => {
  const { app, sentinel, network, browser } = await production(t, [HOST, 'config.liveperson.net'])
  sentinel.always('domain', { change: answer => ({ ...answer, baseURI: answer.service === 'sentinel' ? HOST : 'config.liveperson.net' }) })
  await logIn(app, browser)
  t.equal((await browser.script(app.url('/users'))).json().status, 200)
  t.same(network.asked, [DOMAIN_API, `https://${HOST}`, DOMAIN_API, 'https://config.liveperson.net'])
  t.same(sentinel.requests.filter(request => request.endpoint === 'domain').map(request => request.path.split('/')[5]), ['sentinel', 'accountConfigReadOnly'])
})

t.test('the user\'s token does not go where the Domain API points it', async t => {
  const { app, sentinel, network, browser } = await production(t)
  sentinel.next('domain', naming(HOST))
  await logIn(app, browser)
  for (const baseURI of ['evil.example', '127.0.0.1', 'x.liveperson.net:444']) {
    sentinel.always('domain', { change: answer => ({ ...answer, baseURI }) })
    const answer = await browser.script(app.url('/users'))
    t.equal(`${answer.status} ${answer.json().code}`, NOT_TRUSTED, baseURI)
  }
  t.same([...new Set(network.asked)], [DOMAIN_API, `https://${HOST}`])
})

t.test('with the Domain API on this machine too, a foreign host gets neither secret nor token', async t => {
  const evil = await startServer(t, (_request, response) => response.end('{}'))
  const app = await startApp(t)
  for (const host of [`evil.example@${evil.host}`, `${evil.host}/x`, `http://${evil.host}`, `0x7f.1:${evil.host.split(':')[1]}`, '10.0.0.1', 'evil.example']) {
    const other = await startApp(t, { sentinel: app.sentinel })
    app.sentinel.always('domain', { change: answer => ({ ...answer, baseURI: host }) })
    const answer = await other.browser().step(other.url('/login'))
    t.equal(`${answer.status} ${errorCode(answer)}`, NOT_TRUSTED, host)
    isFreeOf(t, answer.text + other.logLines.join(''), [host], 'what it named is not repeated')
  }
  t.same(evil.requests, [])
})
