import { attack } from '../support/attack/attack.ts'
import { MINUTE, SECOND } from '../support/clock.ts'
import { errorCode } from '../support/checks.ts'
import { logIn } from '../support/login.ts'
import {
  DOMAIN_API,
  HOST,
  naming,
  NOT_TRUSTED,
  production,
  refuses
} from '../support/production.ts'

/** Names of LivePerson's that are no host of a URL, and other things that are no name. */
const MALFORMED: unknown[] = [
  // `new URL` refuses these.
  'xn--k.liveperson.net',
  'xn--.liveperson.net',
  'va.xn--0.liveperson.net',
  'va.liveperson.net:99999',
  '127.0.0.999:80',
  '[::g].liveperson.net',
  '%.liveperson.net',
  '%zz.liveperson.net',
  'a b.liveperson.net',
  'a^b.liveperson.net',
  '\u00ad.liveperson.net',
  '\ud800.liveperson.net',
  '\0.liveperson.net',
  'va.liveperson.net\r\nx: y',
  '..liveperson.net',
  '.liveperson.net',
  `${'x'.repeat(300)}.liveperson.net`,
  `${'x.'.repeat(150)}liveperson.net`,
  'x'.repeat(100_000),
  'ünïcode.liveperson.net',
  '1',
  1,
  -0.5,
  null,
  [],
  [['xn--k.liveperson.net']],
  { baseURI: HOST },
  { toString: 'x', valueOf: 1 }
]

attack(
  'WF1',
  'a malformed host that the Domain API names is a failed look-up like any other',
  'WHATWG URL §3.5, docs/protocol.md §1',
  async t => {
    const world = await production(t)
    for (const baseURI of MALFORMED) {
      const title = String(JSON.stringify(baseURI)).slice(0, 60)
      await t.test(title, t => refuses(t, world, naming(baseURI), NOT_TRUSTED))
    }
  }
)

attack(
  'WF1',
  'a failed look-up of a malformed host is remembered for five seconds, and then repeated',
  'RFC 9110 §15.6.4',
  async t => {
    const world = await production(t)
    const begin = async (): Promise<string> => {
      const response = await world.app.browser().step(world.app.url('/login'))
      return response.location === undefined
        ? `${response.status} ${errorCode(response)}`
        : new URL(response.location).origin
    }
    world.sentinel.always('domain', naming('xn--k.liveperson.net'))
    t.equal(await begin(), NOT_TRUSTED)
    world.clock.advance(3 * SECOND)
    t.equal(await begin(), NOT_TRUSTED)
    t.same(world.network.requested, [DOMAIN_API], 'one look-up')
    world.sentinel.always('domain', naming(HOST))
    world.clock.advance(3 * SECOND)
    t.equal(await begin(), `https://${HOST}`)
  }
)

attack(
  'WF1',
  'the last good response stays in use while the Domain API names a malformed host',
  'RFC 5861 §4',
  async t => {
    const world = await production(t)
    world.sentinel.always('domain', naming(HOST))
    await logIn(world.app, world.browser)
    for (const baseURI of MALFORMED.slice(0, 5)) {
      world.sentinel.always('domain', naming(baseURI))
      world.clock.advance(11 * MINUTE)
      const { location } = await world.app.browser().step(world.app.url('/login'))
      t.equal(new URL(location!).origin, `https://${HOST}`)
    }
  }
)
