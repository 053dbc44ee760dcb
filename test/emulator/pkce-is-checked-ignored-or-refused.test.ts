import { createHash } from 'node:crypto'
import t from 'tap'
import { Browser, authorizePath, errorOf, exchange, locationOf, newCode, start } from './support.ts'

const verifier = 'a'.repeat(43)
const challenge = createHash('sha256').update(verifier).digest('base64url')
const S256 = { code_challenge: challenge, code_challenge_method: 'S256' }

t.test('a code verifier must match its challenge by default', async t => {
  const sentinel = await start(t)
  const newS256Code = async () => await newCode(sentinel, undefined, S256)
  t.equal((await exchange(sentinel, await newS256Code(), { code_verifier: verifier })).status, 200)
  const wrong = { code_verifier: 'b'.repeat(43) }
  t.equal(await errorOf(exchange(sentinel, await newS256Code(), wrong)), '400 invalid_grant')
  const missing = exchange(sentinel, await newS256Code())
  t.equal(await errorOf(missing), '400 invalid_grant', 'a missing verifier')
  t.equal((await exchange(sentinel, await newCode(sentinel))).status, 200, 'no PKCE at all')
  const downgraded = exchange(sentinel, await newCode(sentinel), { code_verifier: verifier })
  t.equal(await errorOf(downgraded), '400 invalid_grant', 'a verifier without a challenge')

  for (const changes of [
    { code_challenge: challenge },
    { code_challenge: challenge, code_challenge_method: 'plain' },
    { code_challenge: 'short', code_challenge_method: 'S256' },
    { code_challenge_method: 'S256' }
  ]) {
    const url = new URL(locationOf(await new Browser(sentinel).get(authorizePath(changes))))
    t.equal(url.searchParams.get('error'), 'invalid_request')
  }
})

t.test('any code verifier is accepted if behaviour.pkce is ignored', async t => {
  const sentinel = await start(t, { behaviour: { pkce: 'ignored' } })
  const code = await newCode(sentinel, undefined, { code_challenge: 'anything' })
  t.equal((await exchange(sentinel, code, { code_verifier: 'anything else' })).status, 200)
})

t.test('PKCE parameters are refused if behaviour.pkce is refused', async t => {
  const sentinel = await start(t, { behaviour: { pkce: 'refused' } })
  const url = new URL(locationOf(await new Browser(sentinel).get(authorizePath(S256))))
  t.equal(url.searchParams.get('error'), 'invalid_request')
  const refused = exchange(sentinel, await newCode(sentinel), { code_verifier: verifier })
  t.equal(await errorOf(refused), '400 invalid_request')
  t.equal((await exchange(sentinel, await newCode(sentinel))).status, 200)
})
