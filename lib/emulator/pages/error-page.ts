import { pageFrame } from './frame.ts'
import { html, type Html } from './html.ts'

/** The page for a request that cannot be redirected back to the application. */
export function errorPage(status: number, message: string): Html {
  const title = status === 401 ? 'This application cannot sign you in' : 'This request is not valid'
  return pageFrame(
    title,
    html`<h1 id="title">${title}</h1>
<p class="explanation">${message}</p>
<p class="status">Sentinel responded with status ${String(status)}</p>`
  )
}
