import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import Fastify from 'fastify'
import t from 'tap'
import { sentinelEmulator, startSentinelEmulator } from '../../lib/emulator/index.ts'
import { newTokens } from './support.ts'

t.test("the emulator runs in an app beside the app's own plugins", async t => {
  for (const order of ['before', 'after', 'without']) {
    const app = Fastify()
    t.teardown(() => app.close())
    if (order === 'before') await app.register(cookie, { hook: false }).register(formbody)
    await app.register(sentinelEmulator, { behaviour: { issuer: 'Sentinel' } })
    if (order === 'after') await app.register(cookie).register(formbody)
    app.post('/mine', async request => request.body)
    t.throws(() => app.sentinel.url, /only after the app listens/)
    t.throws(() => app.sentinel.host, /only after the app listens/)
    await app.listen({ host: '127.0.0.1', port: 0 })

    t.match(await newTokens(app.sentinel), { token_type: 'Bearer' }, order)
    const headers = { 'content-type': 'application/json' }
    const url = `${app.sentinel.url}/mine`
    const mine = await fetch(url, { method: 'POST', body: '{"a":1}', headers })
    t.same(await mine.json(), { a: 1 }, "the app's own body parsers still work")
    await app.sentinel.close()
  }
})

t.test('the emulator of an app that listens on all addresses has a loopback URL', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(sentinelEmulator)
  await app.listen({ host: '0.0.0.0', port: 0 })
  t.match(app.sentinel.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.equal((await fetch(`${app.sentinel.url}/sentinel/well-known/jwks`)).status, 200)
})

t.test('the emulator refuses requests from other machines', async t => {
  const app = Fastify({ trustProxy: true })
  t.teardown(() => app.close())
  await app.register(sentinelEmulator)
  // Only inject can set another remote address.
  const from = async (remoteAddress: string) =>
    await app.inject({
      url: '/sentinel/well-known/jwks',
      remoteAddress,
      headers: { 'x-forwarded-for': '127.0.0.1' }
    })
  for (const local of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1']) {
    t.equal((await from(local)).statusCode, 200, local)
  }
  for (const remote of [
    '10.0.0.1',
    '192.168.127.1',
    '::ffff:10.0.0.1',
    '2001:db8::1',
    '1127.0.0.1'
  ]) {
    const response = await from(remote)
    t.equal(response.statusCode, 403, remote)
    t.match(response.body, 'only to requests from its own machine')
  }
})

t.test('the emulator listens on 127.0.0.1 and a free port, or on the given port', async t => {
  const one = await startSentinelEmulator()
  t.match(one.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.equal(one.url, `http://${one.host}`)
  const port = Number(new URL(one.url).port)
  await t.rejects(startSentinelEmulator({ port }), { code: 'EADDRINUSE' })
  await one.close()
  const two = await startSentinelEmulator({ port })
  t.equal(two.url, `http://127.0.0.1:${port}`)
  await two.close()
})

t.test('the emulator logs to the given logger', async t => {
  const lines: string[] = []
  const stream = {
    write: (line: string) => {
      lines.push(line)
    }
  }
  const sentinel = await startSentinelEmulator({ logger: { stream } })
  await sentinel.close()
  t.match(lines.join(''), 'Server listening')
})
