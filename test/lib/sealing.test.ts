import { hkdfSync } from 'node:crypto'
import { CompactEncrypt, compactDecrypt } from 'jose'
import t from 'tap'
import { Sealer } from '../../lib/store/seal.ts'

const SECRET = 'a secret for tests, of more than 32 characters'
const OTHER = 'another secret for tests, of more than 32 characters'
const VALUE = {
  user: { id: '3562186410', name: 'Zoë Ångström 🙂' },
  endsAt: 1798794000000,
  nothing: null
}

/** The key for a purpose and an id, made without the plugin: HKDF-SHA-256 with an empty salt. */
function keyFor(secret: string, purpose: string, id: string): Uint8Array {
  return new Uint8Array(
    hkdfSync('sha256', secret, '', JSON.stringify(['fastify-le-auth', purpose, id]), 32)
  )
}

function encrypted(
  text: string,
  key: Uint8Array,
  header: { alg: string; enc: string } = { alg: 'dir', enc: 'A256GCM' }
): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(text)).setProtectedHeader(header).encrypt(key)
}

t.test('A sealed value is a JWE that jose opens.', async t => {
  const sealed = new Sealer([SECRET]).seal('tokens', 'some id', VALUE)
  const { plaintext, protectedHeader } = await compactDecrypt(
    sealed,
    keyFor(SECRET, 'tokens', 'some id')
  )
  t.same(JSON.parse(new TextDecoder().decode(plaintext)), VALUE)
  t.same(protectedHeader, { alg: 'dir', enc: 'A256GCM' })
})

t.test('A value that jose has sealed opens.', async t => {
  const sealed = await encrypted(JSON.stringify(VALUE), keyFor(SECRET, 'tokens', 'some id'))
  t.same(new Sealer([SECRET]).open('tokens', 'some id', sealed), VALUE)
})

t.test('Every value is sealed differently, and opens only for its purpose and its id.', t => {
  const sealer = new Sealer([SECRET])
  const sealed = sealer.seal('tokens', 'a', VALUE)
  t.not(sealer.seal('tokens', 'a', VALUE), sealed)
  t.same(sealer.open('tokens', 'a', sealed), VALUE)
  for (const [purpose, id] of [
    ['tokens', 'b'],
    ['login', 'a'],
    ['tokens', ''],
    ['', 'a'],
    ['tokens","a', ''],
    ['a', 'tokens']
  ] as const) {
    t.equal(sealer.open(purpose, id, sealed), null, `${purpose} ${id}`)
  }
  t.end()
})

t.test('Nothing of a sealed value can be read.', t => {
  const sealed = new Sealer([SECRET]).seal('tokens', 'a', { accessToken: 'read-me-if-you-can' })
  const bytes = sealed
    .split('.')
    .map(part => Buffer.from(part, 'base64url').toString('latin1'))
    .join()
  t.notMatch(bytes + sealed, 'read-me')
  t.end()
})

t.test('A sealed text does not open if any character is changed.', t => {
  const sealer = new Sealer([SECRET, OTHER])
  const sealed = sealer.seal('tokens', 'a', { some: 'value' })
  for (let i = 0; i < sealed.length; i += 1) {
    // The last character of a part may have unused bits, so the change is in its first bit.
    const changed = sealed[i] === '.' ? 'A' : flipped(sealed[i]!)
    t.equal(
      sealer.open('tokens', 'a', sealed.slice(0, i) + changed + sealed.slice(i + 1)),
      null,
      `character ${i}`
    )
  }
  t.end()
})

t.test('A sealed text does not open if it is cut short or extended.', t => {
  const sealer = new Sealer([SECRET])
  const sealed = sealer.seal('tokens', 'a', { some: 'value' })
  for (let length = 0; length < sealed.length; length += 1) {
    t.equal(sealer.open('tokens', 'a', sealed.slice(0, length)), null, `${length} characters`)
  }
  for (const grown of [
    `${sealed}.`,
    `${sealed}.x`,
    `${sealed}AAAA`,
    `.${sealed}`,
    `${sealed}${sealed}`
  ]) {
    t.equal(sealer.open('tokens', 'a', grown), null)
  }
  t.end()
})

t.test('Parts of two sealed texts put together do not open.', t => {
  const sealer = new Sealer([SECRET])
  const [one, other] = [
    sealer.seal('tokens', 'a', { value: 1 }),
    sealer.seal('tokens', 'a', { value: 2 })
  ].map(text => text.split('.'))
  for (const part of [2, 3, 4]) {
    t.equal(
      sealer.open('tokens', 'a', one!.with(part, other![part]!).join('.')),
      null,
      `part ${part}`
    )
  }
  t.end()
})

t.test('A shorter tag, another algorithm and a text in the clear do not open.', async t => {
  const sealer = new Sealer([SECRET])
  const key = keyFor(SECRET, 'tokens', 'a')
  const parts = (await encrypted('{}', key)).split('.')
  t.same(sealer.open('tokens', 'a', parts.join('.')), {})
  for (const bytes of [4, 8, 12, 15]) {
    t.equal(
      sealer.open(
        'tokens',
        'a',
        parts
          .with(4, Buffer.from(parts[4]!, 'base64url').subarray(0, bytes).toString('base64url'))
          .join('.')
      ),
      null,
      `${bytes} bytes of tag`
    )
  }
  t.equal(
    sealer.open('tokens', 'a', await encrypted('{}', key, { alg: 'A256GCMKW', enc: 'A256GCM' })),
    null
  )
  t.equal(
    sealer.open(
      'tokens',
      'a',
      await encrypted('{}', key.subarray(0, 16), { alg: 'dir', enc: 'A128GCM' })
    ),
    null
  )
  for (const text of ['', '....', '{}', '{"user":{}}', `${parts[0]}....`, 'x.y.z', '\u0000']) {
    t.equal(sealer.open('tokens', 'a', text), null, text)
  }
})

t.test('A value sealed with a secret that is not in the list does not open.', t => {
  const sealed = new Sealer([OTHER]).seal('tokens', 'a', VALUE)
  t.equal(new Sealer([SECRET]).open('tokens', 'a', sealed), null)
  t.end()
})

t.test('An old secret still opens, and the first one seals.', t => {
  const before = new Sealer([OTHER]).seal('tokens', 'a', VALUE)
  const both = new Sealer([SECRET, OTHER])
  t.same(both.open('tokens', 'a', before), VALUE)
  const after = both.seal('tokens', 'a', VALUE)
  t.same(new Sealer([SECRET]).open('tokens', 'a', after), VALUE)
  t.equal(new Sealer([OTHER]).open('tokens', 'a', after), null)
  t.end()
})

/** The base64url character whose first bit is flipped. */
function flipped(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(character) ^ 32]!
}
