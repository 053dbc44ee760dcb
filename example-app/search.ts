import { html, type Html } from './html.ts'

/** In characters: longer than any name, and short enough to show on the page. */
const MAX_LENGTH = 100

/** The search text in `q`: empty if `q` is empty, `undefined` if there is no `q`. */
export function searchOf(query: unknown): string | undefined {
  const { q } = query as Record<string, unknown>
  return typeof q === 'string' ? Array.from(q.trim()).slice(0, MAX_LENGTH).join('') : undefined
}

/** Whether one of the texts contains the search. */
export function matches(search: string, texts: Array<string | undefined>): boolean {
  const wanted = plain(search)
  return texts.some(text => text !== undefined && plain(text).includes(wanted))
}

/** The form, with a link to the whole list or to the last search. */
export function searchForm(search: string | undefined, lastSearch: string | undefined): Html {
  const hint = search
    ? html`<p class="hint"><a href="/agents">Show everyone</a></p>`
    : lastSearch !== undefined && offer(lastSearch)
  return html`<form class="search" role="search" action="/agents">
<label class="hidden" for="q">Search by name, login name, e-mail or profile</label>
<div class="field"><input id="q" name="q" type="search" value="${search}" maxlength="${MAX_LENGTH}"
placeholder="Name, e-mail or profile" autocomplete="off" spellcheck="false">
<button class="button quiet">Search</button></div>
${hint}
</form>`
}

/** A link that repeats the last search. It does not run by itself: the list starts complete. */
function offer(lastSearch: string): Html {
  const query = String(new URLSearchParams({ q: lastSearch }))
  const again = html`<a class="again" href="/agents?${query}">${lastSearch}</a>`
  return html`<p class="hint"><span>Your last search:</span> ${again}
<a class="forget" href="/agents?q=">Forget it</a></p>`
}

/** Without capitals, accents and curly apostrophes, so that "sofia" finds Sofía. */
function plain(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('’', "'").toLowerCase()
}
