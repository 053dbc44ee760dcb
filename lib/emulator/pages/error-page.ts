import { pageFrame } from './frame.js'
import { html, type Html } from './html.js'

/** The page on which a browser stays when it cannot be sent back to the application. */
export function errorPage (status: number, message: string): Html {
  const title = status === 401 ? 'This application cannot sign you in' : 'This request cannot be answered'
  return pageFrame(title, html`<h1 id="title">${title}</h1>
<p class="explanation">${message}</p>
<p class="status">Sentinel answered ${String(status)}</p>`)
}
