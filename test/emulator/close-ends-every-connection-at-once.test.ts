import { once } from 'node:events'
import { connect } from 'node:net'
import Fastify from 'fastify'
import t from 'tap'
import { sentinelEmulator, type Fault } from '../../lib/emulator/index.ts'
import { start } from './support.ts'

const SLOW: Fault[] = [{ hang: true }, { delayMs: 60_000 }, { drip: 60_000 }]

t.test('close ends every connection at once, even if a fault holds it open', async t => {
  const sentinel = await start(t)
  const held = SLOW.map(async fault => {
    sentinel.next('jwks', fault)
    return await (await fetch(`${sentinel.url}/sentinel/well-known/jwks`)).text()
  })
  const failures = held.map(one => t.rejects(one))
  while (sentinel.requests.length < SLOW.length) await new Promise(setImmediate)
  const began = performance.now()
  await sentinel.close()
  t.ok(performance.now() - began < 2000)
  await Promise.all(failures)
  await t.rejects(fetch(sentinel.url), 'the URL stays known after the close')
})

t.test('close does not wait for a client that never finishes its request', async t => {
  const sentinel = await start(t)
  const socket = connect(Number(new URL(sentinel.url).port), '127.0.0.1')
  const closed = once(socket, 'close')
  socket.on('error', () => {})
  socket.write(
    'POST /sentinel/login HTTP/1.1\r\nHost: localhost\r\n' +
      'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\na='
  )
  await fetch(`${sentinel.url}/sentinel/well-known/jwks`)
  const began = performance.now()
  await sentinel.close()
  await closed
  t.ok(performance.now() - began < 2000)
})

t.test('a hanging request does not delay the close of the app around the emulator', async t => {
  const app = Fastify()
  await app.register(sentinelEmulator)
  await app.listen({ host: '127.0.0.1', port: 0 })
  app.sentinel.next('jwks', { hang: true })
  const failure = t.rejects(fetch(`${app.sentinel.url}/sentinel/well-known/jwks`))
  while (app.sentinel.requests.length < 1) await new Promise(setImmediate)
  await app.close()
  await failure
})
