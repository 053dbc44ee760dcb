import t from 'tap'
import { accountId, start } from './support.js'

t.test('the Domain API answers in both shapes', async t => {
  const sentinel = await start(t)
  const ask = async (path: string, account = accountId) => {
    const response = await fetch(`${sentinel.url}/api/account/${account}/service/${path}`)
    return { status: response.status, body: await response.json() as Record<string, any> }
  }
  const one = { service: 'sentinel', account: accountId, baseURI: sentinel.host }

  t.same(await ask('sentinel/baseURI.json?version=1.0'), { status: 200, body: one })
  const all = await ask('baseURI.json?version=1.0')
  t.same(Object.keys(all.body), ['baseURIs'])
  t.same(all.body.baseURIs[0], one)
  for (const service of ['accountConfigReadOnly', 'accountConfigReadWrite', 'msgHist', 'asyncMessagingEnt',
    'messagingRestApiDomain', 'leDataReporting', 'agentVep', 'faasGW']) {
    t.hasStrict(await ask(`${service}/baseURI.json?version=1.0`), { status: 200, body: { service } })
  }

  sentinel.behaviour.domainShape = 'list'
  t.same((await ask('sentinel/baseURI.json?version=1.0')).body, all.body, 'the list, under the address of one')

  t.hasStrict(await ask('sentinel/baseURI.json'), { status: 400, body: { error: { statusCode: 400 } } })
  t.hasStrict(await ask('baseURI.json?version=2.0'), { status: 400 })
  t.hasStrict(await ask('Sentinel/baseURI.json?version=1.0'), { status: 400 }, 'names are case sensitive')
  t.hasStrict(await ask('sentinel/baseURI.json?version=1.0', '87654321'), { status: 401 })
})
