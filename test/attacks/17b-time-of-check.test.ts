import { guardAttack, type LoginStage } from '../support/attack/attack-on-login.ts'
import { HOUR } from '../support/clock.ts'
import { cookieHeader } from '../support/cookies.ts'
import { AGENT, logOut } from '../support/login.ts'
import { sendHalf } from '../support/raw-http.ts'
import { gate, type Gate, until } from '../support/wait.ts'

/** How a login ends while a request of it is in flight. */
const ENDS: Record<string, (stage: LoginStage) => unknown> = {
  'a logout': stage => logOut(stage, stage.user),
  'a logout that revokes': stage => logOut(stage, stage.user, { revoke: 'true' }),
  'the absolute lifetime': ({ clock }) => {
    clock.advance(8 * HOUR)
  },
  'a dead refresh token': async ({ endTokens, user, url }) => {
    endTokens()
    await user.script(url('/me'))
  },
  'another login of the same browser': async ({ user, url, sentinel }) => {
    const { location } = await user.step(url('/login'))
    await user.step(await sentinel.signIn(location!, AGENT.loginName))
  }
}

let arrived = 0
let slow: Gate
for (const [what, end] of Object.entries(ENDS)) {
  guardAttack(
    'GA2',
    `no handler runs after ${what} between the two halves of a body`,
    'CWE-367',
    async (t, stage) => {
      const { user, url, server, ran } = stage
      arrived = 0
      slow = gate()
      const cookie = await cookieHeader(stage, user)
      t.equal(await sendHalf(server, '/first', cookie).finish(), 200, 'a valid login gets in')
      t.same(ran.splice(0), ['first'])
      const halves = ['/first', '/later', '/admins-or-not'].map(path =>
        sendHalf(server, path, cookie)
      )
      const behind = user.script(url('/slow'))
      await slow.reached()
      await until(() => arrived === 4)
      await end(stage)
      slow.open()
      for (const half of halves) t.equal(await half.finish(), 401)
      t.equal((await behind).status, 401, 'a request behind a slow preHandler is refused too')
      t.same(ran, [], 'no handler ran')
    },
    {
      routes: (app, ran) => {
        const note = async (): Promise<void> => {
          arrived += 1
        }
        app.post('/first', { onRequest: [app.requireAuth, note] }, async () => ran('first'))
        app.post('/later', { onRequest: note, preHandler: app.requireAuth }, async () =>
          ran('later')
        )
        app.register(async scope => {
          scope.addHook('onRequest', app.requireAuth)
          scope.addHook('onRequest', note)
          scope.post('/admins-or-not', async () => ran('admins-or-not'))
        })
        app.get('/slow', { preHandler: [app.requireAuth, async () => slow.pass()] }, async () =>
          ran('slow')
        )
      }
    }
  )
}
