import t from 'tap'
import type { Timers } from '../../lib/clock.ts'
import type { Lock } from '../../lib/index.ts'
import { STORE_DEADLINE } from '../../lib/store/store-call.ts'
import type { Setting } from '../support/app.ts'
import { errorCode } from '../support/checks.ts'
import { HandTimers, MINUTE, SECOND } from '../support/clock.ts'
import { logIn, logOut } from '../support/login.ts'
import { isTokenWrite } from '../support/stores.ts'
import { twoApps } from '../support/two-apps.ts'
import { gate, type Gate, hold, until } from '../support/wait.ts'

/** A lock for apps in one process. */
class Queue implements Lock {
  readonly #ids: string[] = []
  #last: Promise<unknown> = Promise.resolve()

  /** The token sets that refreshes have locked. */
  get tokenSets(): string[] {
    return this.#ids.filter(id => !id.startsWith('le-auth:state:'))
  }

  async acquire(id: string): Promise<{ release: () => Promise<void> }> {
    this.#ids.push(id)
    const before = this.#last
    let free = (): void => {}
    this.#last = new Promise<void>(resolve => {
      free = resolve
    })
    await before
    return { release: async () => free() }
  }
}

t.test(
  'Two processes with a lock refresh once, so that Sentinel sees no second use of a refresh ' +
    'token.',
  async t => {
    const lock = new Queue()
    const { one, other, clock, store, toOther } = await twoApps(t, {}, { lock })
    const browser = one.browser()
    await logIn(one, browser)
    const there = await toOther(browser)
    for (let round = 1; round <= 2; round += 1) {
      clock.advance(61 * MINUTE)
      const responses = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          i % 2 === 0 ? browser.script(one.url('/users')) : there.script(other.url('/users'))
        )
      )
      t.same(
        responses.map(response => response.json().status),
        Array(20).fill(200)
      )
      t.equal(one.calls('refresh'), round)
    }
    t.same([...new Set(lock.tokenSets)], store.tokenSets)
  }
)

t.test(
  'Two processes with a lock never send the used refresh token if the store is slow or ' +
    'fails once.',
  async t => {
    for (const [call, trouble] of [
      ['set token set', 'silent'],
      ['get token set', 'silent'],
      ['set token set', 'error'],
      ['get token set', 'throw']
    ] as const) {
      const timers = new HandTimers(STORE_DEADLINE)
      const lock = new Queue()
      const { one, other, clock, store, toOther } = await twoApps(t, {}, { lock, timers })
      const browser = one.browser()
      await logIn(one, browser)
      const there = await toOther(browser)
      clock.advance(61 * MINUTE)
      const held = hold(one.sentinel, 'refresh')
      const responses = Promise.all([
        browser.script(one.url('/users')),
        there.script(other.url('/users'))
      ])
      await held.ready()
      await until(() => lock.tokenSets.length === 2)
      // A slow call still takes effect after its deadline.
      const slow = gate()
      let isOver = false
      store.trouble = ({ operation, kind }) => {
        if (isOver || `${operation} ${kind}` !== call) return undefined
        isOver = true
        return trouble === 'silent' ? { heldUntil: slow.pass() } : trouble
      }
      held.release()
      if (trouble === 'silent') {
        await slow.reached()
        timers.fire()
      }
      const statuses = (await responses).map(response => response.status)
      // A request that cannot read the store fails. A request that cannot write tries again.
      t.same(
        statuses.sort(),
        call === 'get token set' ? [200, 503] : [200, 200],
        `${call} ${trouble}`
      )
      slow.open()
      await until(() => store.pending === 0)
      t.same(
        [
          (await browser.script(one.url('/users'))).json().status,
          (await there.script(other.url('/users'))).json().status
        ],
        [200, 200]
      )
      t.equal(one.calls('refresh'), 1)
    }
  }
)

t.test(
  'Two processes with a lock never send the used refresh token if a logout is slow to reach ' +
    'the store.',
  async t => {
    for (const [form, read, statuses] of [
      [{}, 'works', [401, 200]],
      [{ revoke: 'true' }, 'works', [401, 200]],
      [{}, 'fails', [503, 503]]
    ] as const) {
      const lock = new Queue()
      const { one, other, sentinel, clock, store, toOther } = await twoApps(t, {}, { lock })
      const browser = one.browser()
      await logIn(one, browser)
      const there = await toOther(browser)
      clock.advance(61 * MINUTE)
      const held = hold(sentinel, 'refresh')
      // Only the process of the logout knows of it until both requests have their response.
      const ending = gate()
      let isReleased = false
      store.trouble = ({ operation, kind }) => {
        if (kind !== 'login') return undefined
        if (operation === 'destroy' && !isReleased) return { heldUntil: ending.pass() }
        return read === 'fails' && isReleased ? 'error' : undefined
      }
      const refreshing = browser.script(one.url('/me'))
      const { refresh_token: newest } = await held.ready()
      const waiting = there.script(other.url('/me'))
      await until(() => lock.tokenSets.length === 2)
      const logout = logOut(one, await browser.copy(), form)
      await ending.reached()
      isReleased = true
      held.release()
      t.same(
        [(await refreshing).status, (await waiting).status],
        statuses,
        'the logout has not been confirmed yet'
      )
      t.equal(one.calls('refresh'), 1)
      store.trouble = () => undefined
      ending.open()
      t.equal((await logout).status, 303)
      t.same([store.tokenSets, store.logins], [[], []])
      t.same(
        [
          (await browser.script(one.url('/me'))).status,
          (await there.script(other.url('/me'))).status
        ],
        [401, 401]
      )
      const revoked = sentinel.requests
        .filter(({ endpoint }) => endpoint === 'revoke')
        .map(({ body }) => new URLSearchParams(String(body)).get('token'))
      t.equal(
        revoked.includes(newest!),
        'revoke' in form,
        'the newest tokens are revoked only if the logout revokes'
      )
    }
  }
)

t.test(
  'A process that repeats a write that the store has already done does not overwrite newer ' +
    'tokens.',
  async t => {
    for (const options of [{}, { lock: new Queue() }]) {
      const { one, other, sentinel, clock, store, toOther } = await twoApps(t, {}, options, {
        after: app =>
          app.get('/fresh', { onRequest: app.requireAuth }, async ({ leAuth }) =>
            leAuth!.refresh().then(() => 'fresh')
          )
      })
      const browser = one.browser()
      await logIn(one, browser)
      const there = await toOther(browser)
      clock.advance(61 * MINUTE)
      const set = store.set.bind(store)
      let isStored = false
      store.set = (id, session, callback) => {
        set(id, session, error => {
          if (!isTokens) return callback(error)
          store.set = set
          isStored = true
          callback(Object.assign(new Error(), { code: 'ECONNRESET' }))
        })
        const isTokens = isTokenWrite(store.calls.at(-1)!)
      }
      const first = browser.script(one.url('/me'))
      await until(() => isStored)
      t.equal((await there.script(other.url('/fresh'))).text, 'fresh')
      t.equal((await first).status, 200)
      clock.advance(61 * MINUTE)
      t.same(
        [
          (await browser.script(one.url('/me'))).status,
          (await there.script(other.url('/me'))).status
        ],
        [200, 200]
      )
      const sent = sentinel.requests
        .filter(({ endpoint }) => endpoint === 'refresh')
        .map(({ body }) => body!.get('refresh_token'))
      t.equal(new Set(sent).size, sent.length, 'no refresh token was sent twice')
    }
  }
)

t.test('A store that is silent for longer than its deadline counts as failing.', async t => {
  const timers = new HandTimers(STORE_DEADLINE)
  const { one, clock, store } = await twoApps(t, {}, { timers })
  const browser = one.browser()
  await logIn(one, browser)
  clock.advance(61 * MINUTE)
  let writes = 0
  const silent = gate()
  store.trouble = call => {
    if (!isTokenWrite(call)) return undefined
    writes += 1
    return { heldUntil: silent.pass() }
  }
  const response = browser.script(one.url('/me'))
  for (const write of [1, 2, 3]) {
    await until(() => writes === write && timers.pending === 1)
    timers.fire()
  }
  t.equal(errorCode(await response), 'LE_AUTH_STORE_UNAVAILABLE')
  store.trouble = () => undefined
  t.equal((await browser.script(one.url('/users'))).json().status, 200)
  t.equal(one.calls('refresh'), 1)
  silent.open()
  await until(() => store.pending === 0)
  t.equal(
    (await browser.script(one.url('/users'))).json().status,
    200,
    'also after the late writes have taken effect'
  )
})

t.test(
  'A lock that cannot be acquired is an outage, and one that cannot be released does no harm.',
  async t => {
    let acquire: Lock['acquire'] = async () => ({ release: async () => {} })
    const { one, clock } = await twoApps(t, {}, { lock: { acquire: id => acquire(id) } })
    const browser = one.browser()
    await logIn(one, browser)
    clock.advance(61 * MINUTE)
    acquire = async () => {
      throw new Error('redis://app:lock-password@redis.internal')
    }
    const response = await browser.script(one.url('/me'))
    t.equal(`${response.status} ${errorCode(response)}`, '503 LE_AUTH_REFRESH_UNAVAILABLE')
    t.match(one.events().at(-1), { event: 'refresh_failed', reason: 'lock' })
    t.notMatch(one.logLines.join('') + response.text, 'lock-password')
    t.equal(one.calls('refresh'), 0)
    acquire = async () => ({
      release: async () => {
        throw new Error('gone')
      }
    })
    clock.advance(7 * SECOND)
    t.equal((await browser.script(one.url('/users'))).json().status, 200)
  }
)

t.test(
  'A request that is open since before an outage gets the tokens that the other process has ' +
    'refreshed meanwhile.',
  async t => {
    let handler: Gate
    const after: Setting['after'] = app =>
      app.get('/open', { onRequest: app.requireAuth }, async ({ leAuth }) => {
        await handler.pass()
        return { accessToken: await leAuth!.getAccessToken() }
      })
    const { one, other, sentinel, clock, toOther } = await twoApps(
      t,
      {},
      { lock: new Queue() },
      { after }
    )
    const browser = one.browser()
    await logIn(one, browser)
    const there = await toOther(browser)
    for (const isRefreshed of [true, false]) {
      handler = gate()
      const open = browser.script(one.url('/open'))
      await handler.reached()
      clock.advance(61 * MINUTE)
      sentinel.next('refresh', { status: 503, headers: { 'retry-after': '300' } })
      t.equal((await browser.script(one.url('/me'))).status, 503)
      if (isRefreshed) t.equal((await there.script(other.url('/me'))).status, 200)
      handler.open()
      t.same(
        [(await open).status, errorCode(await open)],
        isRefreshed ? [200, undefined] : [503, 'LE_AUTH_REFRESH_UNAVAILABLE']
      )
      clock.advance(6 * MINUTE)
      t.equal((await browser.script(one.url('/me'))).status, 200)
    }
  }
)

t.test(
  'If two processes refresh without a lock, the loser takes the winner’s tokens, even if ' +
    'they come late.',
  async t => {
    const { one, other, sentinel, clock, store, toOther } = await twoApps(t, {
      behaviour: { reuseKillsFamily: false }
    })
    const browser = one.browser()
    await logIn(one, browser)
    const there = await toOther(browser)
    for (let round = 0; round < 2; round += 1) {
      clock.advance(61 * MINUTE)
      const calls = one.calls('refresh')
      // The winner is held up before its record is stored, and the loser has to read again.
      const writing = gate()
      store.trouble = call => (isTokenWrite(call) ? { heldUntil: writing.pass() } : undefined)
      const winner = browser.script(one.url('/users'))
      await writing.reached()
      const loser = there.script(other.url('/users'))
      await until(() => one.calls('refresh') === calls + 2)
      const reads = (): number =>
        store.calls.filter(({ operation, kind }) => operation === 'get' && kind === 'token set')
          .length
      const readsBefore = reads()
      await until(() => reads() >= readsBefore + 2)
      writing.open()
      t.same([(await winner).json().status, (await loser).json().status], [200, 200])
      t.equal(one.calls('refresh') - calls, 2)
    }
    t.equal(sentinel.requests.filter(({ endpoint }) => endpoint === 'refresh').length, 4)
    t.equal(store.tokenSets.length, 1)
  }
)

t.test(
  'If two processes refresh without a lock, the loser takes the winner’s tokens, even some ' +
    'seconds late.',
  async t => {
    let waited = 0
    const late: Array<() => void> = []
    const timers: Timers = {
      clearTimeout,
      setTimeout(callback, ms) {
        // Deadlines run as usual. Pauses end at once, until they add up to 2.5 seconds.
        if (ms > 2 * SECOND) return setTimeout(callback, ms)
        waited += ms
        return waited < 2500 ? setTimeout(callback, 1) : late.push(callback)
      }
    }
    const { one, other, clock, store, toOther } = await twoApps(
      t,
      { behaviour: { reuseKillsFamily: false } },
      { timers }
    )
    const browser = one.browser()
    await logIn(one, browser)
    const there = await toOther(browser)
    clock.advance(61 * MINUTE)
    const writing = gate()
    store.trouble = call => (isTokenWrite(call) ? { heldUntil: writing.pass() } : undefined)
    const winner = browser.script(one.url('/users'))
    await writing.reached()
    const loser = there.script(other.url('/users'))
    await until(() => late.length > 0)
    writing.open()
    for (const callback of late) callback()
    t.same([(await winner).json().status, (await loser).json().status], [200, 200])
  }
)

t.test(
  'A refresh in progress in one process stores nothing after a logout in the other.',
  async t => {
    for (const revoke of [false, true]) {
      const { one, other, sentinel, clock, store, toOther } = await twoApps(t, {
        behaviour: { reuseKillsFamily: false }
      })
      const browser = one.browser()
      await logIn(one, browser)
      const there = await toOther(browser)
      clock.advance(61 * MINUTE)
      let issued: { refresh_token?: string } = {}
      sentinel.next('refresh', {
        change: response => {
          issued = response
          return response
        }
      })
      // Held between the response and the record, so that the other process cannot see it.
      const writing = gate()
      store.trouble = call => (isTokenWrite(call) ? { heldUntil: writing.pass() } : undefined)
      const late = browser.script(one.url('/me'))
      await writing.reached()
      await there.submit(other.url('/logout'), revoke ? { revoke: 'true' } : {})
      writing.open()
      t.equal((await late).status, 401)
      t.same([store.tokenSets, store.logins], [[], []])
      const revoked = sentinel.requests
        .filter(({ endpoint }) => endpoint === 'revoke')
        .map(({ body }) => new URLSearchParams(String(body)).get('token'))
      t.equal(
        revoked.includes(issued.refresh_token!),
        revoke,
        'the late tokens are revoked only if the logout revokes'
      )
      t.equal((await browser.script(one.url('/me'))).status, 401)
    }
  }
)

t.test(
  'A logout in another process before the response to a refresh ends the login as well.',
  async t => {
    for (const dead of [true, false]) {
      const { one, other, sentinel, clock, store, toOther } = await twoApps(t)
      const browser = one.browser()
      await logIn(one, browser)
      const there = await toOther(browser)
      clock.advance(61 * MINUTE)
      const held = hold(sentinel, 'refresh')
      const late = browser.script(one.url('/me'))
      await held.ready()
      await there.submit(other.url('/logout'), dead ? { revoke: 'true' } : {})
      held.release()
      t.equal((await late).status, 401)
      t.same([store.tokenSets, store.logins], [[], []])
    }
  }
)
