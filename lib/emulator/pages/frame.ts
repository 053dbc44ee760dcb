import { html, Html } from './html.ts'
import { PAGE_STYLE } from './style.ts'

// Not LivePerson's logo, which this project may not use.
const MARK = html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
  <path fill="currentColor"
    d="M16 2.5 27.5 7v8.2c0 6.6-4.6 11.6-11.5 14.3C9.1 26.8 4.5 21.8 4.5 15.2V7Z"/>
  <circle class="eye" cx="16" cy="13.5" r="3.5"/>
  <path class="eye" d="M14.5 15h3l1.5 7h-6Z"/>
</svg>`

/** The frame of every page of the emulator. */
export function pageFrame(title: string, content: Html): Html {
  return html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${title} · Sentinel</title>
<style>${new Html(PAGE_STYLE)}</style>
</head>
<body>
<p class="ribbon">Emulator – not for production</p>
<main>
<p class="brand">${MARK}<span>Sentinel</span></p>
<section class="card" aria-labelledby="title">
${content}
</section>
</main>
</body>
</html>`
}
