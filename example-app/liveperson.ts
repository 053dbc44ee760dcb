import type { FastifyRequest } from 'fastify'
import { authOf } from 'fastify-le-auth'
import { html, type Html } from './html.ts'

/** LivePerson's response: the list, or the status of a response without one. */
export type ListResult = { entries: Array<Record<string, unknown>> } | { status: number }

/** Reads a list of the account's configuration with the rights of the logged-in user. */
export async function readConfiguration(
  request: FastifyRequest,
  list: string
): Promise<ListResult> {
  const path = `/api/account/{accountId}/configuration/${list}`
  const response = await authOf(request).fetch('accountConfigReadOnly', path)
  if (!response.ok) {
    // An unread body would keep its connection.
    await response.body?.cancel()
    request.log.warn({ list, status: response.status }, 'LivePerson refused a read')
    return { status: response.status }
  }
  const body: unknown = await response.json()
  return Array.isArray(body) ? { entries: body.filter(isObject) } : { status: 502 }
}

/** A text field of an entry, if it has one: the fields depend on the account. */
export function textField(entry: Record<string, unknown>, name: string): string | undefined {
  const value = entry[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Explains a missing list in its place. */
export function failedRead({ status }: { status: number }): Html {
  return html`<div class="notice warning" role="alert">
<p><b>LivePerson did not send this list.</b> ${EXPLANATIONS.get(status) ?? DEFAULT_EXPLANATION}</p>
<p class="fine">LivePerson responded with status ${status}.</p>
</div>`
}

const EXPLANATIONS = new Map([
  [401, 'It no longer accepts your login, which another application may have ended. Log in again.'],
  [
    403,
    'Your LivePerson user is not allowed to read this list. Ask an administrator of ' +
      'the account.'
  ],
  [404, 'This account does not have it.'],
  [429, 'It got too many requests. Try again in a minute.']
])
const DEFAULT_EXPLANATION = 'LivePerson has a problem. Try again in a minute.'

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
