import t from 'tap'
import { accountId, start } from './support.ts'

const OTHER_SERVICES = [
  'accountConfigReadOnly',
  'accountConfigReadWrite',
  'msgHist',
  'asyncMessagingEnt',
  'messagingRestApiDomain',
  'leDataReporting',
  'agentVep',
  'faasGW'
]

t.test('the Domain API responds in both documented shapes', async t => {
  const sentinel = await start(t)
  const get = async (path: string, account = accountId) => {
    const response = await fetch(`${sentinel.url}/api/account/${account}/service/${path}`)
    return { status: response.status, body: (await response.json()) as Record<string, any> }
  }
  const one = { service: 'sentinel', account: accountId, baseURI: sentinel.host }

  t.same(await get('sentinel/baseURI.json?version=1.0'), { status: 200, body: one })
  const all = await get('baseURI.json?version=1.0')
  t.same(Object.keys(all.body), ['baseURIs'])
  t.same(all.body.baseURIs[0], one)
  for (const service of OTHER_SERVICES) {
    const path = `${service}/baseURI.json?version=1.0`
    t.hasStrict(await get(path), { status: 200, body: { service } })
  }

  sentinel.behaviour.domainShape = 'list'
  const list = await get('sentinel/baseURI.json?version=1.0')
  t.same(list.body, all.body, 'the list for one service')

  const error = { statusCode: 400 }
  t.hasStrict(await get('sentinel/baseURI.json'), { status: 400, body: { error } })
  t.hasStrict(await get('baseURI.json?version=2.0'), { status: 400 })
  t.hasStrict(
    await get('Sentinel/baseURI.json?version=1.0'),
    { status: 400 },
    'service names are case-sensitive'
  )
  t.hasStrict(await get('sentinel/baseURI.json?version=1.0', '87654321'), { status: 401 })
})
