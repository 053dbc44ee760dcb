import type { Test } from 'tap'
import {
  EMULATOR_DEFAULTS, startSentinelEmulator, type SentinelEmulator, type StartSentinelEmulatorOptions
} from '../../lib/emulator/index.js'

export const { accountId, secondAccountId, clientId, clientSecret, password, loginNames } = EMULATOR_DEFAULTS
export const [redirectUri] = EMULATOR_DEFAULTS.redirectUris

/** An emulator that ends with its test. */
export async function start (t: Test, options?: StartSentinelEmulatorOptions): Promise<SentinelEmulator> {
  const sentinel = await startSentinelEmulator(options)
  t.teardown(() => sentinel.close())
  return sentinel
}

/** A clock that a test moves by hand. */
export class Clock {
  time = Date.UTC(2026, 0, 15, 9)
  readonly now = () => this.time

  pass (milliseconds: number) {
    this.time += milliseconds
  }
}

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

/** Something to override in a query or form; undefined leaves the parameter out. */
export type Changes = Record<string, string | undefined>

/** A browser: keeps cookies, does not follow redirects by itself. */
export class Browser {
  readonly cookies = new Map<string, string>()
  readonly #sentinel: SentinelEmulator

  constructor (sentinel: SentinelEmulator) {
    this.#sentinel = sentinel
  }

  async get (path: string): Promise<Response> {
    return await this.#send(path, { method: 'GET' })
  }

  async post (path: string, form: Changes = {}): Promise<Response> {
    return await this.#send(path, { method: 'POST', body: parametersOf(form) })
  }

  /** Goes to the login page, and returns its address. */
  async openLogin (changes: Changes = {}, account = accountId): Promise<string> {
    return locationOf(await this.get(authorizePath(changes, account)))
  }

  /** Signs in from the very beginning, and returns the address the browser is sent back to. */
  async signIn (loginName: string = loginNames.agent, changes?: Changes, account = accountId): Promise<URL> {
    const page = await this.openLogin(changes, account)
    return new URL(locationOf(await this.post(page, { username: loginName, password, action: 'sign-in' })))
  }

  async #send (path: string, init: RequestInit): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = cookie ? { cookie } : {}
    const response = await fetch(new URL(path, this.#sentinel.url), { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      this.cookies.set(name, value)
    }
    return response
  }
}

export function locationOf (response: Response): string {
  return response.headers.get('location') ?? ''
}

export function authorizePath (changes: Changes = {}, account = accountId): string {
  const query = parametersOf({
    v: '1.0', response_type: 'code', client_id: clientId, redirect_uri: redirectUri, state: 'a state', ...changes
  })
  return `/sentinel/api/account/${account}/authorize?${query}`
}

/** A code of a user who has just signed in. */
export async function newCode (sentinel: SentinelEmulator, loginName?: string, changes?: Changes): Promise<string> {
  const url = await new Browser(sentinel).signIn(loginName, changes)
  return url.searchParams.get('code') ?? ''
}

/** The answer of the token or revocation endpoint. */
export async function postClientForm (
  sentinel: SentinelEmulator, form: Changes, path = 'token?v=1.0', account = accountId
): Promise<Response> {
  return await fetch(`${sentinel.url}/sentinel/api/account/${account}/${path}`, {
    method: 'POST',
    body: parametersOf({ client_id: clientId, client_secret: clientSecret, ...form })
  })
}

export async function exchange (
  sentinel: SentinelEmulator, code: string, changes: Changes = {}, path?: string, account?: string
): Promise<Response> {
  const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, ...changes }
  return await postClientForm(sentinel, form, path, account)
}

export async function refresh (
  sentinel: SentinelEmulator, token: string, changes: Changes = {}, account?: string
): Promise<Response> {
  const form = { grant_type: 'refresh_token', refresh_token: token, ...changes }
  return await postClientForm(sentinel, form, undefined, account)
}

export interface Tokens {
  access_token: string
  refresh_token: string
  token_type: string
  id_token?: string
  expires_in?: number | string
}

export async function tokensOf (response: Response): Promise<Tokens> {
  return await response.json() as Tokens
}

/** The tokens of a user who has just signed in. */
export async function newTokens (sentinel: SentinelEmulator, loginName?: string): Promise<Tokens> {
  return await tokensOf(await exchange(sentinel, await newCode(sentinel, loginName)))
}

export async function errorOf (response: Response): Promise<string> {
  const { error } = await response.json() as { error: string }
  return `${response.status} ${error}`
}

/** Calls the Users API. */
export async function callApi (
  sentinel: SentinelEmulator, token: string, path = 'le-users/users', account = accountId
): Promise<Response> {
  return await fetch(`${sentinel.url}/api/account/${account}/configuration/${path}`, {
    headers: { authorization: `Bearer ${token}` }
  })
}

function parametersOf (values: Changes): URLSearchParams {
  const given = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return new URLSearchParams(given)
}
