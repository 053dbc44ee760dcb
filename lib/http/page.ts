import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'

const STYLE = `
:root{
color-scheme:light dark;
--ink:#1c2430;--soft:#5b6675;--ground:#f3f5f8;--card:#fff;--line:#dde3ea;
--accent:#2450c8;--on-accent:#fff
}
@media (prefers-color-scheme:dark){:root{
--ink:#e8edf4;--soft:#a2adbb;--ground:#12161c;--card:#1a2029;--line:#2c3542;
--accent:#8fb0ff;--on-accent:#0e1522
}}
*{box-sizing:border-box}
body{
margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:24px;
background:var(--ground);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif
}
main{
width:100%;max-width:440px;padding:36px 32px;
background:var(--card);border:1px solid var(--line);border-radius:14px
}
h1{margin:0 0 10px;font-size:1.375rem;line-height:1.25;letter-spacing:-.01em;text-wrap:balance}
p{margin:0 0 10px}
nav,form{display:flex;flex-wrap:wrap;align-items:center;gap:12px 20px;margin-top:22px}
a{color:var(--accent)}
.button{
display:inline-block;padding:11px 20px;border:0;border-radius:8px;
background:var(--accent);color:var(--on-accent);
font:inherit;font-weight:600;text-decoration:none;cursor:pointer
}
a:focus-visible,.button:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
small{
display:block;margin-top:28px;padding-top:16px;border-top:1px solid var(--line);
color:var(--soft);font-size:.8125rem;overflow-wrap:anywhere
}
code{font-family:ui-monospace,SFMono-Regular,Menlo,monospace}
`.trim()

/** A page of the plugin's own: no image, no font, and one script at most, named by its hash. */
export interface Page {
  title: string
  /** Trusted HTML: what came from outside is escaped. */
  content: string
  script?: string
  /** Where forms on the page may lead, as CSP sources. */
  formAction?: string
  /** Where the script may send requests, as CSP sources. */
  connect?: string
}

/**
 * Sends a page that loads nothing, that no cache keeps and that no frame shows (CSP Level 3). A
 * serializer that a hook of the app has set does not change it.
 */
export function sendPage(reply: FastifyReply, status: number, page: Page): FastifyReply {
  return reply
    .code(status)
    .header('content-security-policy', contentSecurityPolicy(page))
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .header('x-content-type-options', 'nosniff')
    .type('text/html; charset=utf-8')
    .serializer(String)
    .send(html(page))
}

function contentSecurityPolicy({ script, formAction = "'none'", connect }: Page): string {
  const scripts = script === undefined ? '' : `; script-src ${hash(script)}`
  const requests = connect === undefined ? '' : `; connect-src ${connect}`
  return (
    `default-src 'none'; style-src ${hash(STYLE)}${scripts}${requests}; ` +
    `form-action ${formAction}; base-uri 'none'; frame-ancestors 'none'`
  )
}

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

function html({ title, content, script }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>${script === undefined ? '' : `\n<script>${script}</script>`}
</body>
</html>
`
}
