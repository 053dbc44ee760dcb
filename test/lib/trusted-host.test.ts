import t from 'tap'
import { isBareHost, LIVEPERSON_DOMAINS, trustedOrigin } from '../../lib/liveperson/trusted-host.ts'

const PUBLIC = { domains: LIVEPERSON_DOMAINS, loopback: false }
const LOCAL = { domains: LIVEPERSON_DOMAINS, loopback: true }

const trusted: Array<[host: string, origin: string]> = [
  ['va.sentinel.liveperson.net', 'https://va.sentinel.liveperson.net'],
  ['liveperson.net', 'https://liveperson.net'],
  ['a.b-c.liveperson.com', 'https://a.b-c.liveperson.com'],
  ['x1.lpcloud.io', 'https://x1.lpcloud.io'],
  ['VA.Sentinel.LivePerson.NET', 'https://va.sentinel.liveperson.net']
]

const refused: unknown[] = [
  // Other hosts in disguise.
  'evil.example',
  'EVIL.EXAMPLE',
  'liveperson.net.evil.example',
  'evilliveperson.net',
  'x-liveperson.net',
  'liveperson.net.',
  'x.liveperson.net.',
  '.liveperson.net',
  'net',
  'liveperson',
  'x.liveperson.net@evil.example',
  'evil.example@x.liveperson.net',
  'user:password@x.liveperson.net',
  'evil.example/.liveperson.net',
  'evil.example#x.liveperson.net',
  'evil.example?x.liveperson.net',
  'evil.example\\@x.liveperson.net',
  'evil.example\\.liveperson.net',
  'x.liveperson.net%40evil.example',
  'x.liveperson.net%2eevil.example',
  'evil.example%00.liveperson.net',
  'evil.example\0.liveperson.net',
  'x.liveperson.net/path',
  'x.liveperson.net?x',
  'x.liveperson.net#x',
  'x..liveperson.net',
  '-x.liveperson.net',
  'x-.liveperson.net',
  'x_y.liveperson.net',
  // Schemes and ports.
  'https://x.liveperson.net',
  'http://x.liveperson.net',
  '//x.liveperson.net',
  'x.liveperson.net:443',
  'x.liveperson.net:444',
  'x.liveperson.net:',
  // White space and other alphabets.
  'x.live\tperson.net',
  'x.liveperson.net\n',
  ' x.liveperson.net',
  'x.liveperson.net ',
  'x.livepersоn.net',
  'ｌiveperson.net',
  'x。liveperson.net',
  'x.liveperson.net\u200b',
  'é.liveperson.net',
  // This machine and its neighbours.
  '127.0.0.1',
  '127.0.0.1:80',
  'localhost',
  'localhost:6379',
  '169.254.169.254',
  '[::1]',
  '[::1]:80',
  '0x7f.1',
  '0x7f.0.0.1',
  '2130706433',
  '10.0.0.1',
  '0.0.0.0',
  '[::ffff:127.0.0.1]',
  '127.1',
  // Names that are no host in a URL.
  'xn--k.liveperson.net',
  'xn--.liveperson.net',
  'a.xn--0.liveperson.net',
  // Not a string, or too long.
  '',
  undefined,
  null,
  5,
  true,
  {},
  [],
  ['x.liveperson.net'],
  { toString: () => 'x.liveperson.net' },
  `${'x.'.repeat(130)}liveperson.net`,
  `${'x'.repeat(64)}.liveperson.net`
]

t.test('LivePerson’s hosts are trusted, over https.', async t => {
  for (const [host, origin] of trusted) t.equal(trustedOrigin(host, PUBLIC), origin, host)
})

t.test('No other host is trusted.', async t => {
  for (const host of refused) t.equal(trustedOrigin(host, PUBLIC), null, JSON.stringify(host))
})

t.test('A trusted domain covers itself and the domains below it, in whole labels.', async t => {
  const trust = { domains: ['example.com'], loopback: false }
  t.equal(trustedOrigin('example.com', trust), 'https://example.com')
  t.equal(trustedOrigin('a.b.example.com', trust), 'https://a.b.example.com')
  for (const host of [
    'badexample.com',
    'example.com.evil.example',
    'com',
    'example.org',
    'x.liveperson.net'
  ]) {
    t.equal(trustedOrigin(host, trust), null, host)
  }
})

t.test(
  'If the Domain API is on this machine, this machine is trusted too, with its port and ' +
    'over http.',
  async t => {
    for (const [host, origin] of [
      ['127.0.0.1:8080', 'http://127.0.0.1:8080'],
      ['localhost:3000', 'http://localhost:3000'],
      ['LOCALHOST', 'http://localhost'],
      ['[::1]:1', 'http://[::1]:1'],
      ['127.0.0.2', 'http://127.0.0.2'],
      ['va.sentinel.liveperson.net', 'https://va.sentinel.liveperson.net']
    ] as const) {
      t.equal(trustedOrigin(host, LOCAL), origin, host)
    }
  }
)

t.test('If the Domain API is on this machine, still no other host is trusted.', async t => {
  for (const host of [
    ...refused.filter(
      host => !/^(127\.0\.0\.1(:80)?|localhost(:6379)?|\[::1\](:80)?)$/.test(String(host))
    ),
    '127.0.0.1@evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1:80/x',
    '127.0.0.1:99999',
    '127.0.0.999',
    'localhost:',
    'http://127.0.0.1',
    '127.0.0.1:80@evil.example',
    '192.168.0.1:80'
  ]) {
    t.equal(trustedOrigin(host, LOCAL), null, JSON.stringify(host))
  }
})

t.test('A bare host is a DNS name with a dot, in lower case, and no more.', async t => {
  for (const name of ['example.com', 'a.b.c', 'x-1.example.com', `${'x'.repeat(63)}.com`]) {
    t.ok(isBareHost(name), name)
  }
  for (const name of [
    'com',
    'Example.com',
    '.com',
    'a..b',
    'a.b.',
    '-a.b',
    'a-.b',
    'a.b:1',
    'https://a.b',
    'a.b/c',
    'a b.c',
    '',
    `${'x'.repeat(64)}.com`,
    'a.b\n'
  ]) {
    t.notOk(isBareHost(name), name)
  }
})
