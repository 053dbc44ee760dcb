import type { FastifyReply } from 'fastify'
import { escapeHtml } from './html.ts'
import { sendPage } from './page.ts'

/** Where a visitor can go from a page. */
export interface Link {
  label: string
  path: string
}

/** What a visitor reads if something failed. All of it is text, and is escaped here. */
export interface Problem {
  status: number
  title: string
  /** Sentences; each is a paragraph. */
  text: string[]
  /** The first is the button. */
  links: Link[]
  /** For the app's operator. */
  code: string
}

/** Sends a page that says what failed and what to do, with the request's id for the operator. */
export function sendProblemPage(reply: FastifyReply, problem: Problem): FastifyReply {
  const { status, title, text, links, code } = problem
  const paragraphs = text.map(sentence => `<p>${escapeHtml(sentence)}</p>`).join('\n')
  return sendPage(reply, status, {
    title: escapeHtml(title),
    content: `${paragraphs}
<nav>${links.map(anchor).join('\n')}</nav>
<small>Error code: <code>${escapeHtml(code)}</code><br>
Request: <code>${escapeHtml(String(reply.request.id))}</code></small>`
  })
}

function anchor({ label, path }: Link, index: number): string {
  const style = index === 0 ? ' class="button"' : ''
  return `<a${style} href="${escapeHtml(path)}">${escapeHtml(label)}</a>`
}
