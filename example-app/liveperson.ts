import type { FastifyRequest } from 'fastify'
import { html, type Html } from './html.js'

/** What LivePerson answered: the list that was asked for, or the status of an answer that has none. */
export type ListAnswer = { entries: Array<Record<string, unknown>> } | { status: number }

/** Reads a list of the account's configuration as the logged-in user, with that user's rights. */
export async function readConfiguration (request: FastifyRequest, list: string): Promise<ListAnswer> {
  const response = await request.leAuth!.fetch('accountConfigReadOnly', `/api/account/{accountId}/configuration/${list}`)
  if (!response.ok) {
    // Nobody reads the rest, and an unread body would keep its connection.
    await response.body?.cancel()
    request.log.warn({ list, status: response.status }, 'LivePerson refused a read')
    return { status: response.status }
  }
  const body: unknown = await response.json()
  return Array.isArray(body) ? { entries: body.filter(isObject) } : { status: 502 }
}

/** A field of an entry as text, or nothing: which fields an entry has depends on the account. */
export function textField (entry: Record<string, unknown>, name: string): string | undefined {
  const value = entry[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Says in place of a list why it is not there. */
export function failedRead ({ status }: { status: number }): Html {
  return html`<div class="notice warning" role="alert">
<p><b>LivePerson did not give this list.</b> ${EXPLANATIONS.get(status) ?? 'LivePerson has a problem at the moment. Try again in a minute.'}</p>
<p class="fine">LivePerson answered with status ${status}.</p>
</div>`
}

const EXPLANATIONS = new Map([
  [401, 'It no longer accepts this login, which may have been ended elsewhere. Log out, and log in again.'],
  [403, 'Your LivePerson user may not read it. An administrator of the account can change that.'],
  [404, 'This account does not have it.'],
  [429, 'It was asked too often. Try again in a minute.']
])

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
