import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import t from 'tap'
import {
  Browser,
  Clock,
  clientId,
  exchange,
  loginNames,
  newCode,
  newTokens,
  refresh,
  secondAccountId,
  start,
  tokensOf,
  type Tokens
} from './support.ts'

t.test('the token response looks as documented', async t => {
  const sentinel = await start(t)
  const response = await exchange(sentinel, await newCode(sentinel))
  t.equal(response.headers.get('content-type'), 'application/json;charset=utf-8')
  t.equal(response.headers.get('cache-control'), 'no-store')
  t.match(await response.json(), {
    access_token: /^[0-9a-f]{64}$/,
    token_type: 'Bearer',
    refresh_token: /^[0-9a-f]{146}$/,
    id_token: /^[\w-]+\.[\w-]+\.[\w-]+$/,
    expires_in: 3600
  })
})

t.test('the id_token is signed with the published key and describes the user', async t => {
  const clock = new Clock()
  const sentinel = await start(t, { now: clock.now })
  const response = await fetch(`${sentinel.url}/sentinel/well-known/jwks`)
  const keys = (await response.json()) as JSONWebKeySet
  t.match(keys, { keys: [{ kty: 'RSA', alg: 'RS256', use: 'sig', kid: String }] })
  t.notOk(keys.keys[0]?.d, 'the private part is not published')
  const read = async ({ id_token: token = '' }: Tokens) =>
    await jwtVerify(token, createLocalJWKSet(keys), { currentDate: new Date(clock.time) })

  const iat = clock.time / 1000
  const { payload, protectedHeader } = await read(await newTokens(sentinel))
  t.same(payload, {
    sub: '3562186410',
    aud: clientId,
    iss: 'sentinel',
    iat,
    exp: iat + 600,
    is_admin: false,
    is_lpa: false,
    email: 'maya.osei@example.com',
    username: 'maya.osei'
  })
  t.equal(protectedHeader.kid, keys.keys[0]?.kid)
  const administrator = await read(await newTokens(sentinel, loginNames.administrator))
  t.hasStrict(administrator.payload, { is_admin: true, is_lpa: false })
  const lpa = await read(await newTokens(sentinel, loginNames.lpa))
  t.hasStrict(lpa.payload, { is_admin: true, is_lpa: true })

  sentinel.behaviour.issuer = 'Sentinel'
  t.equal((await read(await newTokens(sentinel))).payload.iss, 'Sentinel')
})

t.test('the key that signs id_tokens may be new, not published or too short', async t => {
  const sentinel = await start(t)
  const { behaviour } = sentinel
  const published = async () => {
    const response = await fetch(`${sentinel.url}/sentinel/well-known/jwks`)
    return ((await response.json()) as JSONWebKeySet).keys
  }
  const kidWith = async (key: typeof behaviour.idTokenKey) => {
    behaviour.idTokenKey = key
    return decodeProtectedHeader((await newTokens(sentinel)).id_token ?? '').kid
  }
  const kids = async () => (await published()).map(({ kid }) => kid)

  const first = await kidWith('published')
  t.same(await kids(), [first])
  const rotated = await kidWith('rotated')
  t.not(rotated, first)
  t.same(await kids(), [first, rotated], 'the older key is still published')
  const unpublished = await kidWith('unpublished')
  t.notOk([first, rotated].includes(unpublished))
  t.same(await kids(), [first])
  const short = await kidWith('1024-bit')
  t.same(await kids(), [short])
  t.equal(Buffer.from((await published())[0]?.n ?? '', 'base64url').length * 8, 1024)
})

t.test('a user of the second account can log in there', async t => {
  const sentinel = await start(t)
  const url = await new Browser(sentinel).signIn(loginNames.other, {}, secondAccountId)
  const code = url.searchParams.get('code') ?? ''
  t.equal((await exchange(sentinel, code, {}, undefined, secondAccountId)).status, 200)
})

t.test('the token response has expires_in as a number, as a string or not at all', async t => {
  const sentinel = await start(t, { lifetimes: { accessToken: 90_500 } })
  t.equal((await newTokens(sentinel)).expires_in, 90)
  sentinel.behaviour.expiresIn = 'string'
  t.equal((await newTokens(sentinel)).expires_in, '90')
  sentinel.behaviour.expiresIn = 'absent'
  t.notOk('expires_in' in (await newTokens(sentinel)))
})

t.test('an id_token comes with every code, with version 2.0 only, or never', async t => {
  const sentinel = await start(t)
  const versionsWithIdToken = async () => {
    const versions = []
    for (const version of ['1.0', '2.0']) {
      const code = await newCode(sentinel)
      const tokens = await tokensOf(await exchange(sentinel, code, {}, `token?v=${version}`))
      if (tokens.id_token) versions.push(version)
    }
    return versions
  }
  t.same(await versionsWithIdToken(), ['1.0', '2.0'])
  sentinel.behaviour.idToken = 'v2-only'
  t.same(await versionsWithIdToken(), ['2.0'])
  sentinel.behaviour.idToken = 'never'
  t.same(await versionsWithIdToken(), [])
})

t.test('a refresh response never has an id_token', async t => {
  const sentinel = await start(t)
  const { refresh_token: token } = await newTokens(sentinel)
  t.notOk('id_token' in (await tokensOf(await refresh(sentinel, token))))
})
