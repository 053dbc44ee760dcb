import type { SessionStore } from '@fastify/session'
import type { Session } from 'fastify'

/** What stores really say when they are down; none of it may reach a user or a log. */
export const STORE_MESSAGE = 'connect ECONNREFUSED redis://app:store-password@redis.internal:6379'
export const STORE_PASSWORD = 'store-password'

/** One call of a store. */
export interface StoreCall {
  operation: 'get' | 'set' | 'destroy'
  /** Whose record it is. */
  kind: 'session' | 'login' | 'token set' | 'activity' | 'revocation' | 'spent state'
  id: string
  /** How many calls there were before. */
  index: number
}

const KINDS: Record<string, StoreCall['kind']> = { login: 'login', tokens: 'token set', active: 'activity', revoke: 'revocation', state: 'spent state' }

/** Whether a call stores tokens, at a login or a refresh. */
export function isTokenWrite ({ operation, kind }: StoreCall): boolean {
  return operation === 'set' && kind === 'token set'
}

/**
 * What goes wrong with a call: an error by callback or thrown, a write that is lost although it is confirmed, an
 * answer other than the record, an answer that comes late, or one that is held, and may be an error then.
 */
export type StoreTrouble = 'error' | 'throw' | 'lost' | { record: unknown } | { delayMs: number } | { heldUntil: Promise<unknown>, fails?: true }

/** A session store that keeps JSON, answers later as a database does, counts its calls, and fails when told to. */
export class TestStore implements SessionStore {
  readonly records = new Map<string, string>()
  readonly calls: StoreCall[] = []
  /** Asked at every call; nothing goes wrong where it returns nothing. */
  trouble: (call: StoreCall) => StoreTrouble | undefined = () => undefined

  get (id: string, callback: (error: unknown, session?: Session | null) => void): void {
    this.#run('get', id, callback, () => parsed(this.records.get(id)))
  }

  set (id: string, session: Session, callback: (error?: unknown) => void): void {
    const text = JSON.stringify(session)
    this.#run('set', id, callback, () => { this.records.set(id, text) })
  }

  destroy (id: string, callback: (error?: unknown) => void): void {
    this.#run('destroy', id, callback, () => { this.records.delete(id) })
  }

  /** How many calls it has not answered yet. */
  pending = 0

  /** The ids of all token sets. */
  get tokenSets (): string[] {
    return [...this.records.keys()].filter(id => kindOf(id) === 'token set')
  }

  /** The ids of all logins. */
  get logins (): string[] {
    return [...this.records.keys()].filter(id => kindOf(id) === 'login')
  }

  /** Changes a record in the store, as somebody with access to the store could. */
  rewrite (id: string, change: (record: any) => unknown): void {
    this.records.set(id, JSON.stringify(change(parsed(this.records.get(id)))))
  }

  #run (operation: StoreCall['operation'], id: string, callback: (error?: any, record?: any) => void, work: () => unknown): void {
    const call = { operation, kind: kindOf(id), id, index: this.calls.length }
    this.calls.push(call)
    const trouble = this.trouble(call)
    if (trouble === 'throw') throw storeError()
    const delay = typeof trouble === 'object' && 'delayMs' in trouble ? trouble.delayMs : 0
    this.pending += 1
    const answer = (): void => {
      this.pending -= 1
      if (trouble === 'error' || (typeof trouble === 'object' && 'fails' in trouble)) return callback(storeError())
      if (typeof trouble === 'object' && 'record' in trouble) return callback(null, trouble.record)
      callback(null, trouble === 'lost' ? undefined : work())
    }
    if (typeof trouble === 'object' && 'heldUntil' in trouble) trouble.heldUntil.then(answer)
    else setTimeout(answer, delay)
  }
}

function kindOf (id: unknown): StoreCall['kind'] {
  const [, kind] = /^le-auth:(\w+):/.exec(String(id)) ?? []
  return KINDS[kind ?? ''] ?? 'session'
}

function parsed (text: string | undefined): any {
  return text === undefined ? null : JSON.parse(text)
}

function storeError (): Error {
  return Object.assign(new Error(STORE_MESSAGE), { code: 'ECONNREFUSED' })
}
