import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { freePort } from '../support/servers.ts'
import { startExample } from './support.ts'

const SECRET = 'a-client-secret-that-nobody-may-see'
const AUTH_SECRET = 'an auth secret of more than 32 characters'

t.test('npm start with some LE_* variables names the missing ones and stops.', async t => {
  const example = startExample(
    t,
    { PORT: String(await freePort()), LE_ACCOUNT_ID: '12345678', LE_CLIENT_SECRET: SECRET },
    ['npm', 'start']
  )
  t.equal(await example.exited, 1)
  t.match(example.output(), /cannot start.*LE_CLIENT_ID, LE_REDIRECT_URI, LE_AUTH_SECRET/)
  t.notMatch(example.output(), SECRET, 'no secret is printed')
  t.notMatch(example.output(), /\n\s+at /, 'no stack is printed')
})

t.test(
  'The example app says what is wrong with a wrong LE_* variable, and prints no secret.',
  async t => {
    const example = startExample(t, {
      PORT: String(await freePort()),
      LE_ACCOUNT_ID: '12345678',
      LE_CLIENT_ID: 'client',
      LE_CLIENT_SECRET: SECRET,
      LE_REDIRECT_URI: 'http://example.com/callback',
      LE_AUTH_SECRET: 'too short'
    })
    t.equal(await example.exited, 1)
    t.match(example.output(), /redirectUri must be https/)
    t.match(example.output(), /secret must have 32 characters/)
    t.notMatch(example.output(), new RegExp(`${SECRET}|too short`))
    t.notMatch(example.output(), /\n\s+at /)
  }
)

t.test('If all LE_* variables are set, the example app does not start the emulator.', async t => {
  const port = await freePort()
  const example = startExample(t, {
    PORT: String(port),
    LE_ACCOUNT_ID: '12345678',
    LE_CLIENT_ID: 'client',
    LE_CLIENT_SECRET: SECRET,
    LE_REDIRECT_URI: `http://localhost:${port}/callback`,
    LE_AUTH_SECRET: AUTH_SECRET
  })
  t.equal(await example.address(), `http://localhost:${port}`)
  t.notMatch(example.output(), /emulator/)
  t.notMatch(example.output(), new RegExp(`${SECRET}|${AUTH_SECRET}`))
})

t.test('The example app says that its port is in use, and stops.', async t => {
  const other = createServer()
  await new Promise<void>(resolve => {
    other.listen(0, '127.0.0.1', resolve)
  })
  t.teardown(() => {
    other.close()
  })
  const { port } = other.address() as AddressInfo
  const example = startExample(t, { PORT: String(port) })
  t.equal(await example.exited, 1)
  t.match(example.output(), `Port ${port} is in use`)
  t.notMatch(example.output(), /\n\s+at /)
})

t.test('A PORT that is not a number is refused.', async t => {
  const example = startExample(t, { PORT: '80a' })
  t.equal(await example.exited, 1)
  t.match(example.output(), 'PORT must be a number')
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  t.test(`The example app ends promptly and well on ${signal}.`, async t => {
    const port = await freePort()
    const example = startExample(t, { PORT: String(port) })
    t.equal(await example.address(), `http://localhost:${port}`)
    t.match(example.output(), /maya\.osei +agent/, 'the output lists the users')
    const page = await fetch(`http://127.0.0.1:${port}/`)
    t.equal(page.status, 200)
    await page.text()

    const stoppedAt = Date.now()
    example.stop(signal)
    t.equal(await example.exited, 0)
    t.ok(Date.now() - stoppedAt < 3000, `it took ${Date.now() - stoppedAt} ms`)
    await t.rejects(fetch(`http://127.0.0.1:${port}/`), 'nothing listens any more')
  })
}
