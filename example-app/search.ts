import { html, type Html } from './html.js'

/** In characters: longer than any name, and short enough to be shown again. */
const MAX_LENGTH = 100

/** What an address asks for in `q`: nothing if it is empty, and `undefined` if it is not there. */
export function searchOf (query: unknown): string | undefined {
  const { q } = query as Record<string, unknown>
  return typeof q === 'string' ? Array.from(q.trim()).slice(0, MAX_LENGTH).join('') : undefined
}

/** Whether one of the texts has the search in it. */
export function matches (search: string, texts: Array<string | undefined>): boolean {
  const wanted = plain(search)
  return texts.some(text => text !== undefined && plain(text).includes(wanted))
}

/** The form, and under it the way back to everyone or the last search. */
export function searchForm (search: string | undefined, lastSearch: string | undefined): Html {
  return html`<form class="search" role="search" action="/agents">
<label class="hidden" for="q">Search by name, login name, e-mail or profile</label>
<div class="field"><input id="q" name="q" type="search" value="${search}" placeholder="Name, e-mail or profile" maxlength="${MAX_LENGTH}" autocomplete="off" spellcheck="false">
<button class="button quiet">Search</button></div>
${search ? html`<p class="hint"><a href="/agents">Show everyone</a></p>` : lastSearch !== undefined && offer(lastSearch)}
</form>`
}

/** A link that repeats the last search: nobody's list gets shorter unasked. */
function offer (lastSearch: string): Html {
  const query = String(new URLSearchParams({ q: lastSearch }))
  return html`<p class="hint"><span>Your last search:</span> <a class="again" href="/agents?${query}">${lastSearch}</a> <a class="forget" href="/agents?q=">Forget it</a></p>`
}

/** Without capitals, accents and curly apostrophes: who types "sofia" means Sofía as well. */
function plain (text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('’', "'").toLowerCase()
}
