import t from 'tap'
import type { Timers } from '../../lib/clock.js'
import type { RefreshLock } from '../../lib/index.js'
import { STORE_DEADLINE } from '../../lib/store/store-call.js'
import { errorCode, logIn, logOut, type Setting } from '../support/app.js'
import { MINUTE, SECOND } from '../support/clock.js'
import { HandTimers } from '../support/hand-timers.js'
import { gate, hold, type Gate } from '../support/hold.js'
import { until } from '../support/shifted.js'
import { isTokenWrite } from '../support/stores.js'
import { twoApps } from '../support/two-apps.js'

/** A lock for apps in one process. */
class Queue implements RefreshLock {
  readonly #asked: string[] = []
  #last: Promise<unknown> = Promise.resolve()

  /** What refreshes have asked for. */
  get tokenSets (): string[] {
    return this.#asked.filter(id => !id.startsWith('le-auth:state:'))
  }

  async acquire (id: string): Promise<{ release: () => Promise<void> }> {
    this.#asked.push(id)
    const before = this.#last
    let free = (): void => {}
    this.#last = new Promise<void>(resolve => { free = resolve })
    await before
    return { release: async () => free() }
  }
}

t.test('with a lock Sentinel is asked once, though it punishes a second use', async t => {
  const refreshLock = new Queue()
  const { one, other, clock, store, toOther } = await twoApps(t, {}, { refreshLock })
  const browser = one.browser()
  await logIn(one, browser)
  const there = await toOther(browser)
  for (let round = 1; round <= 2; round += 1) {
    clock.advance(61 * MINUTE)
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => i % 2 === 0 ? browser.script(one.url('/users')) : there.script(other.url('/users'))))
    t.same(answers.map(answer => answer.json().status), Array(20).fill(200))
    t.equal(one.calls('refresh'), round)
  }
  t.same([...new Set(refreshLock.tokenSets)], store.tokenSets)
})

t.test('with a lock and a store that is slow or fails once, nobody presents the used refresh token', async t => {
  for (const [call, trouble] of [['set token set', 'silent'], ['get token set', 'silent'], ['set token set', 'error'], ['get token set', 'throw']] as const) {
    const timers = new HandTimers(STORE_DEADLINE)
    const refreshLock = new Queue()
    const { one, other, clock, store, toOther } = await twoApps(t, {}, { refreshLock, timers })
    const browser = one.browser()
    await logIn(one, browser)
    const there = await toOther(browser)
    clock.advance(61 * MINUTE)
    const held = hold(one.sentinel, 'refresh')
    const answers = Promise.all([browser.script(one.url('/users')), there.script(other.url('/users'))])
    await held.ready()
    await until(() => refreshLock.tokenSets.length === 2)
    // A slow call comes about all the same, when nobody waits for it any more.
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
    const statuses = (await answers).map(answer => answer.status)
    // Whoever cannot read what the store has is told so; whoever cannot write tries again.
    t.same(statuses.sort(), call === 'get token set' ? [200, 503] : [200, 200], `${call} ${trouble}`)
    slow.open()
    await until(() => store.pending === 0)
    t.same([(await browser.script(one.url('/users'))).json().status, (await there.script(other.url('/users'))).json().status], [200, 200])
    t.equal(one.calls('refresh'), 1)
  }
})

t.test('with a lock and a logout that is slow to reach the store, nobody presents the used refresh token either', async t => {
  for (const [form, look, statuses] of [[{}, 'works', [401, 200]], [{ revoke: 'true' }, 'works', [401, 200]], [{}, 'fails', [503, 503]]] as const) {
    const refreshLock = new Queue()
    const { one, other, sentinel, clock, store, toOther } = await twoApps(t, {}, { refreshLock })
    const browser = one.browser()
    await logIn(one, browser)
    const there = await toOther(browser)
    clock.advance(61 * MINUTE)
    const held = hold(sentinel, 'refresh')
    // Only the process of the logout knows of it, until everybody has been answered.
    const ending = gate()
    let isReleased = false
    store.trouble = ({ operation, kind }) => {
      if (kind !== 'login') return undefined
      if (operation === 'destroy' && !isReleased) return { heldUntil: ending.pass() }
      return look === 'fails' && isReleased ? 'error' : undefined
    }
    const refreshing = browser.script(one.url('/me'))
    const { refresh_token: newest } = await held.ready()
    const waiting = there.script(other.url('/me'))
    await until(() => refreshLock.tokenSets.length === 2)
    const logout = logOut(one, await browser.copy(), form)
    await ending.reached()
    isReleased = true
    held.release()
    t.same([(await refreshing).status, (await waiting).status], statuses, 'the logout has not been confirmed yet')
    t.equal(one.calls('refresh'), 1)
    store.trouble = () => undefined
    ending.open()
    t.equal((await logout).status, 303)
    t.same([store.tokenSets, store.logins], [[], []])
    t.same([(await browser.script(one.url('/me'))).status, (await there.script(other.url('/me'))).status], [401, 401])
    const revoked = sentinel.requests.filter(({ endpoint }) => endpoint === 'revoke').map(({ body }) => new URLSearchParams(String(body)).get('token'))
    t.equal(revoked.includes(newest!), 'revoke' in form, 'the newest tokens are revoked if that was asked for')
  }
})

t.test('nor does a process that tries to store again what was stored already write over what has followed from it', async t => {
  for (const options of [{}, { refreshLock: new Queue() }]) {
    const { one, other, sentinel, clock, store, toOther } = await twoApps(t, {}, options, {
      after: app => app.get('/fresh', { onRequest: app.requireAuth }, async ({ leAuth }) => leAuth!.refresh().then(() => 'fresh'))
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
    t.same([(await browser.script(one.url('/me'))).status, (await there.script(other.url('/me'))).status], [200, 200])
    const sent = sentinel.requests.filter(({ endpoint }) => endpoint === 'refresh').map(({ body }) => body!.get('refresh_token'))
    t.equal(new Set(sent).size, sent.length, 'no refresh token was sent twice')
  }
})

t.test('a store that is silent for longer is a failing one', async t => {
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
  const answer = browser.script(one.url('/me'))
  for (const write of [1, 2, 3]) {
    await until(() => writes === write && timers.pending === 1)
    timers.fire()
  }
  t.equal(errorCode(await answer), 'LE_AUTH_STORE_UNAVAILABLE')
  store.trouble = () => undefined
  t.equal((await browser.script(one.url('/users'))).json().status, 200)
  t.equal(one.calls('refresh'), 1)
  silent.open()
  await until(() => store.pending === 0)
  t.equal((await browser.script(one.url('/users'))).json().status, 200, 'also when the writes come about after all')
})

t.test('a lock that cannot be had is an outage, and one that is not given back does no harm', async t => {
  let acquire: RefreshLock['acquire'] = async () => ({ release: async () => {} })
  const { one, clock } = await twoApps(t, {}, { refreshLock: { acquire: id => acquire(id) } })
  const browser = one.browser()
  await logIn(one, browser)
  clock.advance(61 * MINUTE)
  acquire = async () => { throw new Error('redis://app:lock-password@redis.internal') }
  const answer = await browser.script(one.url('/me'))
  t.equal(`${answer.status} ${errorCode(answer)}`, '503 LE_AUTH_REFRESH_UNAVAILABLE')
  t.match(one.events().at(-1), { event: 'refresh_failed', reason: 'lock' })
  t.notMatch(one.logLines.join('') + answer.text, 'lock-password')
  t.equal(one.calls('refresh'), 0)
  acquire = async () => ({ release: async () => { throw new Error('gone') } })
  clock.advance(7 * SECOND)
  t.equal((await browser.script(one.url('/users'))).json().status, 200)
})

t.test('a request that has been open since before an outage gets what the other process has got meanwhile', async t => {
  let handler: Gate
  const after: Setting['after'] = app => app.get('/open', { onRequest: app.requireAuth }, async ({ leAuth }) => {
    await handler.pass()
    return { accessToken: await leAuth!.getAccessToken() }
  })
  const { one, other, sentinel, clock, toOther } = await twoApps(t, {}, { refreshLock: new Queue() }, { after })
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
    t.same([(await open).status, errorCode(await open)], isRefreshed ? [200, undefined] : [503, 'LE_AUTH_REFRESH_UNAVAILABLE'])
    clock.advance(6 * MINUTE)
    t.equal((await browser.script(one.url('/me'))).status, 200)
  }
})

t.test('without a lock, the loser takes the winner’s tokens, also when they come late', async t => {
  const { one, other, sentinel, clock, store, toOther } = await twoApps(t, { behaviour: { reuseKillsFamily: false } })
  const browser = one.browser()
  await logIn(one, browser)
  const there = await toOther(browser)
  for (let round = 0; round < 2; round += 1) {
    clock.advance(61 * MINUTE)
    const calls = one.calls('refresh')
    // The winner is held up before its record is stored, and the loser has to look again.
    const writing = gate()
    store.trouble = call => isTokenWrite(call) ? { heldUntil: writing.pass() } : undefined
    const winner = browser.script(one.url('/users'))
    await writing.reached()
    const loser = there.script(other.url('/users'))
    await until(() => one.calls('refresh') === calls + 2)
    const looks = (): number => store.calls.filter(({ operation, kind }) => operation === 'get' && kind === 'token set').length
    const looked = looks()
    await until(() => looks() >= looked + 2)
    writing.open()
    t.same([(await winner).json().status, (await loser).json().status], [200, 200])
    t.equal(one.calls('refresh') - calls, 2)
  }
  t.equal(sentinel.requests.filter(({ endpoint }) => endpoint === 'refresh').length, 4)
  t.equal(store.tokenSets.length, 1)
})

t.test('even when that takes some seconds', async t => {
  let waited = 0
  const late: Array<() => void> = []
  const timers: Timers = {
    clearTimeout,
    setTimeout (callback, ms) {
      // Deadlines are as they are; pauses are over at once, until they are 2.5 seconds in all.
      if (ms > 2 * SECOND) return setTimeout(callback, ms)
      waited += ms
      return waited < 2500 ? setTimeout(callback, 1) : late.push(callback)
    }
  }
  const { one, other, clock, store, toOther } = await twoApps(t, { behaviour: { reuseKillsFamily: false } }, { timers })
  const browser = one.browser()
  await logIn(one, browser)
  const there = await toOther(browser)
  clock.advance(61 * MINUTE)
  const writing = gate()
  store.trouble = call => isTokenWrite(call) ? { heldUntil: writing.pass() } : undefined
  const winner = browser.script(one.url('/users'))
  await writing.reached()
  const loser = there.script(other.url('/users'))
  await until(() => late.length > 0)
  writing.open()
  for (const callback of late) callback()
  t.same([(await winner).json().status, (await loser).json().status], [200, 200])
})

t.test('a refresh under way in one process stores nothing after a logout in the other', async t => {
  for (const revoke of [false, true]) {
    const { one, other, sentinel, clock, store, toOther } = await twoApps(t, { behaviour: { reuseKillsFamily: false } })
    const browser = one.browser()
    await logIn(one, browser)
    const there = await toOther(browser)
    clock.advance(61 * MINUTE)
    let answered: { refresh_token?: string } = {}
    sentinel.next('refresh', { change: answer => { answered = answer; return answer } })
    // Held between the answer and the record, where the other process cannot see it.
    const writing = gate()
    store.trouble = call => isTokenWrite(call) ? { heldUntil: writing.pass() } : undefined
    const late = browser.script(one.url('/me'))
    await writing.reached()
    await there.submit(other.url('/logout'), revoke ? { revoke: 'true' } : {})
    writing.open()
    t.equal((await late).status, 401)
    t.same([store.tokenSets, store.logins], [[], []])
    const revoked = sentinel.requests.filter(({ endpoint }) => endpoint === 'revoke').map(({ body }) => new URLSearchParams(String(body)).get('token'))
    t.equal(revoked.includes(answered.refresh_token!), revoke, 'what came too late is revoked where that was asked for, and only there')
    t.equal((await browser.script(one.url('/me'))).status, 401)
  }
})

t.test('a logout that comes before the answer is heard as well', async t => {
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
})
