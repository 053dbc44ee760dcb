import type { SessionStore } from '@fastify/session'
import type { Session } from 'fastify'

/** What a real store says when it is down; it must not reach a user or a log. */
export const STORE_MESSAGE = 'connect ECONNREFUSED redis://app:store-password@redis.internal:6379'
/** The part of `STORE_MESSAGE` that is secret. */
export const STORE_PASSWORD = 'store-password'

/** One call of a store. */
export interface StoreCall {
  operation: 'get' | 'set' | 'destroy'
  /** What the record is. */
  kind: 'session' | 'login' | 'token set' | 'activity' | 'revocation' | 'used state'
  id: string
  /** How many calls there were before. */
  index: number
}

const KINDS: Record<string, StoreCall['kind']> = {
  login: 'login',
  tokens: 'token set',
  active: 'activity',
  revoke: 'revocation',
  state: 'used state'
}

/** Whether a call stores tokens, at a login or a refresh. */
export function isTokenWrite({ operation, kind }: StoreCall): boolean {
  return operation === 'set' && kind === 'token set'
}

/**
 * What goes wrong with a call: an error by callback or thrown, an error although the write took
 * effect, a write that is lost although it is confirmed, a record other than the stored one, a
 * delay before the call takes effect or before its callback, or a call that is held, and may fail
 * then.
 */
export type StoreTrouble =
  | 'error'
  | 'throw'
  | 'error after effect'
  | 'lost'
  | { record: unknown }
  | { delayMs: number; callbackDelayMs?: number }
  | { heldUntil: Promise<unknown>; fails?: true }

/** All members that a trouble may have. */
interface Details {
  record?: unknown
  delayMs?: number
  callbackDelayMs?: number
  heldUntil?: Promise<unknown>
  fails?: true
}

type Callback = (error?: any, record?: any) => void

/**
 * The one session store for tests: keeps JSON, calls back later as a database does, notes its
 * calls, and fails or waits as `trouble` says.
 */
export class TestStore implements SessionStore {
  readonly records = new Map<string, string>()
  readonly calls: StoreCall[] = []
  /** How many calls have not called back yet. */
  pending = 0
  /** Called on every call; nothing goes wrong if it returns nothing. */
  trouble: (call: StoreCall) => StoreTrouble | undefined = () => undefined

  get(id: string, callback: (error: unknown, session?: Session | null) => void): void {
    this.#run('get', id, callback, () => parsed(this.records.get(id)))
  }

  set(id: string, session: Session, callback: (error?: unknown) => void): void {
    const text = JSON.stringify(session)
    this.#run('set', id, callback, () => {
      this.records.set(id, text)
    })
  }

  destroy(id: string, callback: (error?: unknown) => void): void {
    this.#run('destroy', id, callback, () => {
      this.records.delete(id)
    })
  }

  /** The ids of all records, oldest first. */
  get ids(): string[] {
    return [...this.records.keys()]
  }

  /** The ids of all token sets. */
  get tokenSets(): string[] {
    return this.ids.filter(id => kindOf(id) === 'token set')
  }

  /** The ids of all logins. */
  get logins(): string[] {
    return this.ids.filter(id => kindOf(id) === 'login')
  }

  /** Changes a record in the store, as an attacker with access to the store could. */
  rewrite(id: string, change: (record: any) => unknown): void {
    this.records.set(id, JSON.stringify(change(parsed(this.records.get(id)))))
  }

  #run(
    operation: StoreCall['operation'],
    id: string,
    callback: Callback,
    work: () => unknown
  ): void {
    const call = { operation, kind: kindOf(id), id, index: this.calls.length }
    this.calls.push(call)
    const trouble = this.trouble(call)
    if (trouble === 'throw') throw storeError()
    const details: Details = typeof trouble === 'object' ? trouble : {}
    this.pending += 1
    const respond: Callback = (error, record) => {
      this.pending -= 1
      callback(error, record)
    }
    const carryOut = (): void => {
      if (trouble === 'error' || details.fails) return respond(storeError())
      if (trouble === 'error after effect') {
        work()
        return respond(storeError())
      }
      const record = 'record' in details ? details.record : trouble === 'lost' ? undefined : work()
      if (details.callbackDelayMs === undefined) respond(null, record)
      else setTimeout(respond, details.callbackDelayMs, null, record)
    }
    if (details.heldUntil !== undefined) details.heldUntil.then(carryOut)
    else setTimeout(carryOut, details.delayMs)
  }
}

/**
 * A `TestStore` that takes some time before each call takes effect, and again before it calls back:
 * in ms, in turn.
 */
export function slowStore(delays: readonly number[]): TestStore {
  const store = new TestStore()
  let drawn = 0
  const delay = (): number => delays[drawn++ % delays.length] ?? 0
  store.trouble = () => ({ delayMs: delay(), callbackDelayMs: delay() })
  return store
}

function kindOf(id: unknown): StoreCall['kind'] {
  const [, kind] = /^le-auth:(\w+):/.exec(String(id)) ?? []
  return KINDS[kind ?? ''] ?? 'session'
}

function parsed(text: string | undefined): any {
  return text === undefined ? null : JSON.parse(text)
}

function storeError(): Error {
  return Object.assign(new Error(STORE_MESSAGE), { code: 'ECONNREFUSED' })
}
