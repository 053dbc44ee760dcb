import type { FastifyReply, FastifyRequest } from 'fastify'
import { authOf } from 'fastify-le-auth'
import { html, type Html } from '../html.ts'
import { lastSearchOf, rememberSearch } from '../last-search.ts'
import { sendPage } from '../layout.ts'
import { failedRead, readConfiguration, textField } from '../liveperson.ts'
import { matches, searchForm, searchOf } from '../search.ts'

/** LivePerson's Users API needs a version, and sends all fields only with `select=$all`. */
const USERS = 'le-users/users?v=6.0&select=$all'

/** More rows would make the page too long. The search finds the other users. */
const MAX_ROWS = 200

interface Agent {
  id: string
  name: string
  loginName: string | undefined
  email: string | undefined
  profile: string | undefined
  isEnabled: boolean
}

/** GET /agents: the users of the account, read with the rights of the logged-in user. */
export async function agentsPage(
  request: FastifyRequest,
  reply: FastifyReply
): Promise<FastifyReply> {
  const search = searchOf(request.query)
  if (search !== undefined) rememberSearch(request, search)
  const result = await readConfiguration(request, USERS)
  const content =
    'status' in result
      ? failedRead(result)
      : directory(result.entries.map(agentOf), authOf(request).user.id, search)
  return sendPage(request, reply, {
    title: search ? `Agents: ${search}` : 'Agents',
    content: html`<div class="heading split">
<div><h1>Agents</h1>
<p class="lead">Everyone in LivePerson account <b>${authOf(request).accountId}</b>.</p></div>
${searchForm(search, lastSearchOf(request))}
</div>
${content}`
  })
}

function agentOf(entry: Record<string, unknown>): Agent {
  const loginName = textField(entry, 'loginName')
  return {
    id: String(entry['id']),
    name: textField(entry, 'fullName') ?? textField(entry, 'nickname') ?? loginName ?? 'No name',
    loginName,
    email: textField(entry, 'email'),
    profile: profileOf(entry),
    isEnabled: entry['isEnabled'] === true
  }
}

/** Each account has its own profiles. Their names if LivePerson sends them, else their ids. */
function profileOf({ profiles, profileIds }: Record<string, unknown>): string | undefined {
  const known: Array<{ name?: unknown } | null> = Array.isArray(profiles) ? profiles : []
  const names = known.map(profile => profile?.name).filter(name => typeof name === 'string')
  if (names.length > 0) return names.join(', ')
  return Array.isArray(profileIds) && profileIds.length > 0 ? profileIds.join(', ') : undefined
}

function directory(agents: Agent[], ownId: string, search: string | undefined): Html {
  if (agents.length === 0) {
    return message('Nobody here yet', 'Users added in LivePerson will appear here.')
  }
  if (!search) return table(agents, ownId, '')
  const found = agents.filter(({ name, loginName, email, profile }) =>
    matches(search, [name, loginName, email, profile])
  )
  if (found.length > 0) return table(found, ownId, ' found')
  return message('Nobody found', `No name, login name, e-mail or profile contains “${search}”.`)
}

function message(title: string, text: string): Html {
  return html`<div class="sheet empty"><h2>${title}</h2><p>${text}</p></div>`
}

function table(agents: Agent[], ownId: string, found: string): Html {
  const enabled = agents.filter(agent => agent.isEnabled).length
  // On a phone the stylesheet turns rows into cards. The roles keep it a table for screen readers.
  return html`<table role="table" class="sheet">
<caption>${people(agents.length)}${found}, ${enabled} enabled</caption>
<thead role="rowgroup"><tr role="row">${COLUMNS.map(columnHeader)}</tr></thead>
<tbody role="rowgroup">
${agents.slice(0, MAX_ROWS).map(agent => row(agent, agent.id === ownId))}</tbody>
</table>`
}

const COLUMNS = ['Name', 'Login name', 'E-mail', 'Profile', 'Status']

function columnHeader(name: string): Html {
  return html`<th role="columnheader" scope="col">${name}</th>`
}

function people(count: number): string {
  if (count > MAX_ROWS) return `The first ${MAX_ROWS} of ${count} people`
  return count === 1 ? 'One person' : `${count} people`
}

function row({ name, loginName, email, profile, isEnabled }: Agent, isSelf: boolean): Html {
  const you = isSelf && html` <span class="you">You</span>`
  const picture = html`<span class="initials" aria-hidden="true">${initials(name)}</span>`
  const person = html`<span class="person">${picture}<span>${name}${you}</span></span>`
  return html`<tr role="row">
<th role="rowheader" scope="row">${person}</th>
<td role="cell" data-label="Login name">${loginName ?? '–'}</td>
<td role="cell" data-label="E-mail">${email === undefined ? '–' : mailLink(email)}</td>
<td role="cell" data-label="Profile">${profile ?? '–'}</td>
<td role="cell" data-label="Status">${badge(isEnabled)}</td>
</tr>
`
}

function badge(isEnabled: boolean): Html {
  return isEnabled
    ? html`<span class="badge on">Enabled</span>`
    : html`<span class="badge off">Disabled</span>`
}

/** On a narrow screen the address breaks before its domain. */
function mailLink(email: string): Html {
  const at = Math.max(email.lastIndexOf('@'), 0)
  const address = encodeURIComponent(email).replace('%40', '@')
  return html`<a href="mailto:${address}">${email.slice(0, at)}<wbr>${email.slice(at)}</a>`
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter(word => word !== '')
  const chosen = [words[0], words.length > 1 ? words.at(-1) : '']
  return chosen
    .map(word => [...(word ?? '')][0] ?? '')
    .join('')
    .toUpperCase()
}
