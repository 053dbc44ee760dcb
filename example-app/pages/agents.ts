import type { FastifyReply, FastifyRequest } from 'fastify'
import { html, type Html } from '../html.js'
import { lastSearchOf, rememberSearch } from '../last-search.js'
import { sendPage } from '../layout.js'
import { failedRead, readConfiguration, textField } from '../liveperson.js'
import { matches, searchForm, searchOf } from '../search.js'

/** LivePerson's Users API asks for a version, and answers with all fields only when told to. */
const USERS = 'le-users/users?v=6.0&select=$all'

/** A page of thousands of rows helps nobody; the search finds the others. */
const SHOWN = 200

interface Agent {
  id: string
  name: string
  loginName: string | undefined
  email: string | undefined
  profile: string | undefined
  isEnabled: boolean
}

/** GET /agents: the users of the account, read from LivePerson with the rights of the logged-in user. */
export async function agentsPage (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const search = searchOf(request.query)
  if (search !== undefined) rememberSearch(request, search)
  const answer = await readConfiguration(request, USERS)
  const content = 'status' in answer ? failedRead(answer) : directory(answer.entries.map(agentOf), request.leAuth!.user.id, search)
  return sendPage(request, reply, {
    title: search ? `Agents: ${search}` : 'Agents',
    content: html`<div class="heading split">
<div><h1>Agents</h1>
<p class="lead">Everyone in LivePerson account <b>${request.leAuth!.accountId}</b>.</p></div>
${searchForm(search, lastSearchOf(request))}
</div>
${content}`
  })
}

function agentOf (entry: Record<string, unknown>): Agent {
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

/** Profiles are each account's own: their names where LivePerson gives them, else their numbers. */
function profileOf ({ profiles, profileIds }: Record<string, unknown>): string | undefined {
  const named = Array.isArray(profiles) ? profiles.map(profile => profile?.name).filter(name => typeof name === 'string') : []
  if (named.length > 0) return named.join(', ')
  return Array.isArray(profileIds) && profileIds.length > 0 ? profileIds.join(', ') : undefined
}

function directory (agents: Agent[], ownId: string, search: string | undefined): Html {
  if (agents.length === 0) return html`<div class="sheet empty"><h2>Nobody here yet</h2><p>Users added in LivePerson will be listed here.</p></div>`
  if (!search) return table(agents, ownId, '')
  const found = agents.filter(({ name, loginName, email, profile }) => matches(search, [name, loginName, email, profile]))
  if (found.length > 0) return table(found, ownId, ' found')
  return html`<div class="sheet empty"><h2>Nobody found</h2><p>No name, login name, e-mail or profile has “${search}” in it.</p></div>`
}

function table (agents: Agent[], ownId: string, found: string): Html {
  const enabled = agents.filter(agent => agent.isEnabled).length
  // The roles keep a table a table for screen readers where the stylesheet turns its rows into cards.
  return html`<table role="table" class="sheet">
<caption>${agents.length > SHOWN ? `The first ${SHOWN} of ${agents.length} people` : people(agents.length)}${found}, ${enabled} enabled</caption>
<thead role="rowgroup"><tr role="row">${['Name', 'Login name', 'E-mail', 'Profile', 'Status'].map(name => html`<th role="columnheader" scope="col">${name}</th>`)}</tr></thead>
<tbody role="rowgroup">
${agents.slice(0, SHOWN).map(agent => row(agent, agent.id === ownId))}</tbody>
</table>`
}

function people (count: number): string {
  return count === 1 ? 'One person' : `${count} people`
}

function row ({ name, loginName, email, profile, isEnabled }: Agent, isSelf: boolean): Html {
  return html`<tr role="row">
<th role="rowheader" scope="row"><span class="person"><span class="initials" aria-hidden="true">${initials(name)}</span><span>${name}${isSelf && html` <span class="you">You</span>`}</span></span></th>
<td role="cell" data-label="Login name">${loginName ?? '–'}</td>
<td role="cell" data-label="E-mail">${email === undefined ? '–' : mailLink(email)}</td>
<td role="cell" data-label="Profile">${profile ?? '–'}</td>
<td role="cell" data-label="Status"><span class="badge ${isEnabled ? 'on' : 'off'}">${isEnabled ? 'Enabled' : 'Disabled'}</span></td>
</tr>
`
}

/** On a narrow screen the address breaks before its domain. */
function mailLink (email: string): Html {
  const at = Math.max(email.lastIndexOf('@'), 0)
  return html`<a href="mailto:${encodeURIComponent(email).replace('%40', '@')}">${email.slice(0, at)}<wbr>${email.slice(at)}</a>`
}

function initials (name: string): string {
  const words = name.split(/\s+/).filter(word => word !== '')
  return [words[0], words.length > 1 ? words.at(-1) : ''].map(word => [...word ?? ''][0] ?? '').join('').toUpperCase()
}
