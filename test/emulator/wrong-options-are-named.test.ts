import t from 'tap'
import {
  EMULATOR_DEFAULTS,
  startSentinelEmulator,
  type StartSentinelEmulatorOptions
} from '../../lib/emulator/index.ts'
import { start } from './support.ts'

const user = {
  id: '1',
  loginName: 'a',
  password: 'b',
  fullName: 'Ada Lovelace',
  email: 'a@example.com'
}
const application = {
  clientId: 'c',
  clientSecret: 's',
  clientName: 'App',
  redirectUris: ['http://localhost/cb']
}
const account = { accountId: '12345678', applications: [application], users: [user] }

t.test('an error names every wrong option', async t => {
  const cases: [unknown, string][] = [
    [{ port: -1 }, 'port must be a whole number from 0 to 65535'],
    [{ port: 65_536 }, 'port must be'],
    [{ port: '80' }, 'port must be'],
    [{ host: '0.0.0.0' }, 'host is not an option of the emulator'],
    [{ now: 5 }, 'now must be a function'],
    [{ behaviour: { colour: 'red' } }, 'behaviour.colour is not an option'],
    [
      { behaviour: { pkce: 'perhaps' } },
      'behaviour.pkce must be "checked" or "ignored" or "refused"'
    ],
    [
      { behaviour: { rotateRefreshToken: 'no' } },
      'behaviour.rotateRefreshToken must be true or false'
    ],
    [{ lifetimes: { cookie: 1 } }, 'lifetimes.cookie is not an option'],
    [{ lifetimes: { code: 0 } }, 'lifetimes.code must be a time in ms: a whole number from 1 to'],
    [
      { lifetimes: { code: '1 min' } },
      'lifetimes.code must be a time in ms: a whole number from 1 to'
    ],
    [{ accounts: [] }, 'accounts must be an array with at least one account'],
    [{ accounts: 'all' }, 'accounts must be an array'],
    [{ accounts: [{ ...account, accountId: '../1' }] }, 'accounts[0].accountId must match'],
    [withUsers([]), 'accounts[0].users must be an array with at least one entry'],
    [withUsers([{ ...user, id: 1 }]), 'accounts[0].users[0].id must be a non-empty string'],
    [withUsers([{ ...user, email: '' }]), 'accounts[0].users[0].email must be'],
    [withRedirectUris('http://a/'), 'accounts[0].applications[0].redirectUris must be an array'],
    [
      withRedirectUris(['http://a/', 'a']),
      'redirectUris[1] must be an absolute http(s) URL without a fragment'
    ],
    [withRedirectUris(['ftp://a/']), 'redirectUris[0] must be'],
    [withRedirectUris(['http://a/#b']), 'redirectUris[0] must be'],
    [withRedirectUris([7]), 'redirectUris[0] must be'],
    [withRedirectUris([`http://a/${'b'.repeat(120)}`]), 'of at most 128 characters']
  ]
  for (const [options, message] of cases) {
    const started = startSentinelEmulator(options as StartSentinelEmulatorOptions)
    await t.rejects(started, { name: 'TypeError', message }, message)
  }
  const several = { now: 5, lifetimes: { code: 0 } } as unknown as StartSentinelEmulatorOptions
  await t.rejects(
    startSentinelEmulator(several),
    {
      message:
        'Sentinel emulator: lifetimes.code must be a time in ms: ' +
        'a whole number from 1 to 31536000000000; now must be a function'
    },
    'all problems in one message'
  )
})

t.test('the emulator adds defaults to a copy of the given data', async t => {
  const sentinel = await start(t, {
    accounts: [account],
    lifetimes: { code: 5 },
    behaviour: { issuer: 'Sentinel' }
  })
  t.same(sentinel.accounts, [
    {
      accountId: '12345678',
      applications: [{ ...application, enabled: true }],
      users: [{ ...user, nickname: 'Ada', isAdmin: false, isLpa: false, enabled: true }]
    }
  ])
  sentinel.accounts[0]?.applications[0]?.redirectUris.push('http://localhost/2')
  t.same(application.redirectUris, ['http://localhost/cb'])
  t.same(sentinel.lifetimes, {
    code: 5,
    pendingLogin: 600_000,
    accessToken: 3_600_000,
    idToken: 600_000,
    refreshToken: 28_800_000,
    ssoSession: 28_800_000
  })
  t.same(sentinel.behaviour, {
    issuer: 'Sentinel',
    expiresIn: 'number',
    rotateRefreshToken: true,
    oldRefreshTokenDies: true,
    reuseKillsFamily: true,
    errorBody: 'oauth',
    idToken: 'always',
    idTokenKey: 'published',
    pkce: 'checked',
    domainShape: 'one',
    usedCodeError: 'invalid_grant'
  })
})

t.test('an emulator without options has the two accounts of EMULATOR_DEFAULTS', async t => {
  const sentinel = await start(t)
  const { accountId, secondAccountId, clientId, clientSecret, redirectUris, password, loginNames } =
    EMULATOR_DEFAULTS
  t.same(
    sentinel.accounts.map(account => account.accountId),
    [accountId, secondAccountId]
  )
  t.same(sentinel.accounts[1]?.applications[0], {
    clientId,
    clientSecret,
    clientName: 'Support Desk',
    redirectUris,
    enabled: true
  })
  const users = sentinel.accounts.flatMap(account => account.users)
  t.ok(users.every(one => one.password === password))
  const byName = (name: string) => users.find(({ loginName }) => loginName === name)
  t.match(byName(loginNames.agent), { isAdmin: false, isLpa: false, enabled: true })
  t.match(byName(loginNames.administrator), { isAdmin: true, isLpa: false })
  t.match(byName(loginNames.lpa), { isLpa: true })
  t.match(byName(loginNames.disabled), { enabled: false })
})

function withUsers(users: unknown) {
  return { accounts: [{ ...account, users }] }
}

function withRedirectUris(redirectUris: unknown) {
  return { accounts: [{ ...account, applications: [{ ...application, redirectUris }] }] }
}
