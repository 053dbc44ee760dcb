import type { Test } from 'tap'
import {
  EMULATOR_DEFAULTS,
  startSentinelEmulator,
  type SentinelEmulator,
  type StartSentinelEmulatorOptions
} from '../../lib/emulator/index.ts'

export const { accountId, secondAccountId, clientId, clientSecret, password, loginNames } =
  EMULATOR_DEFAULTS
export const [redirectUri] = EMULATOR_DEFAULTS.redirectUris

/** Starts an emulator, and closes it after the test. */
export async function start(
  t: Test,
  options?: StartSentinelEmulatorOptions
): Promise<SentinelEmulator> {
  const sentinel = await startSentinelEmulator(options)
  t.teardown(() => sentinel.close())
  return sentinel
}

/** A clock that only the test moves. */
export class Clock {
  time = Date.UTC(2026, 0, 15, 9)
  readonly now = () => this.time

  /** @param ms how far to move the clock */
  pass(ms: number): void {
    this.time += ms
  }
}

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

/** Parameters to override in a query or form. `undefined` omits the parameter. */
export type Changes = Record<string, string | undefined>

/** A browser that keeps cookies and does not follow redirects. */
export class Browser {
  readonly cookies = new Map<string, string>()
  readonly #sentinel: SentinelEmulator

  constructor(sentinel: SentinelEmulator) {
    this.#sentinel = sentinel
  }

  async get(path: string): Promise<Response> {
    return await this.#send(path, { method: 'GET' })
  }

  async post(path: string, form: Changes = {}): Promise<Response> {
    return await this.#send(path, { method: 'POST', body: parametersOf(form) })
  }

  /** Starts a login and returns where it redirects: the login page, if there is no session. */
  async openLogin(changes: Changes = {}, account = accountId): Promise<string> {
    return locationOf(await this.get(authorizePath(changes, account)))
  }

  /** Logs in and returns the URL that the browser is redirected back to. */
  async signIn(
    loginName: string = loginNames.agent,
    changes?: Changes,
    account = accountId
  ): Promise<URL> {
    const page = await this.openLogin(changes, account)
    const form = { username: loginName, password, action: 'sign-in' }
    return new URL(locationOf(await this.post(page, form)))
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = cookie ? { cookie } : {}
    const url = new URL(path, this.#sentinel.url)
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      this.cookies.set(name, value)
    }
    return response
  }
}

export function locationOf(response: Response): string {
  return response.headers.get('location') ?? ''
}

export function authorizePath(changes: Changes = {}, account = accountId): string {
  const query = parametersOf({
    v: '1.0',
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    state: 'a state',
    ...changes
  })
  return `/sentinel/api/account/${account}/authorize?${query}`
}

/** Logs a user in and returns the code. */
export async function newCode(
  sentinel: SentinelEmulator,
  loginName?: string,
  changes?: Changes
): Promise<string> {
  const url = await new Browser(sentinel).signIn(loginName, changes)
  return url.searchParams.get('code') ?? ''
}

/** Posts a form to the token or revocation endpoint. */
export async function postClientForm(
  sentinel: SentinelEmulator,
  form: Changes,
  path = 'token?v=1.0',
  account = accountId
): Promise<Response> {
  return await fetch(`${sentinel.url}/sentinel/api/account/${account}/${path}`, {
    method: 'POST',
    body: parametersOf({ client_id: clientId, client_secret: clientSecret, ...form })
  })
}

export async function exchange(
  sentinel: SentinelEmulator,
  code: string,
  changes: Changes = {},
  path?: string,
  account?: string
): Promise<Response> {
  const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, ...changes }
  return await postClientForm(sentinel, form, path, account)
}

export async function refresh(
  sentinel: SentinelEmulator,
  token: string,
  changes: Changes = {},
  account?: string
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

export async function tokensOf(response: Response): Promise<Tokens> {
  return (await response.json()) as Tokens
}

/** Logs a user in and returns the tokens. */
export async function newTokens(sentinel: SentinelEmulator, loginName?: string): Promise<Tokens> {
  return await tokensOf(await exchange(sentinel, await newCode(sentinel, loginName)))
}

/** The status and error code of a response, such as `400 invalid_grant`. */
export async function errorOf(pending: Promise<Response>): Promise<string> {
  const response = await pending
  const { error } = (await response.json()) as { error: string }
  return `${response.status} ${error}`
}

/** Adds an application to the first account, and returns its credentials for a form. */
export function addOtherApplication(sentinel: SentinelEmulator): Changes {
  sentinel.accounts[0]?.applications.push({
    clientId: 'other',
    clientSecret: 'other secret',
    clientName: 'Other',
    redirectUris: [redirectUri],
    enabled: true
  })
  return { client_id: 'other', client_secret: 'other secret' }
}

/** Calls the Users API. */
export async function callApi(
  sentinel: SentinelEmulator,
  token: string,
  path = 'le-users/users',
  account = accountId
): Promise<Response> {
  return await fetch(`${sentinel.url}/api/account/${account}/configuration/${path}`, {
    headers: { authorization: `Bearer ${token}` }
  })
}

function parametersOf(values: Changes): URLSearchParams {
  const given = Object.entries(values).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value]]
  )
  return new URLSearchParams(given)
}
