import type { FastifyReply } from 'fastify'
import { escapeHtml } from './html.ts'
import { sendPage } from './page.ts'

/** Where a visitor can go from a page. */
export interface Link {
  label: string
  path: string
}

/** A button that sends a form without fields. */
export interface FormButton {
  label: string
  /** A path of this app. */
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
  /** A button instead of the first link. */
  form?: FormButton
  /** For the app's operator. */
  code: string
}

/** Sends a page that says what failed and what to do, with the request's id for the operator. */
export function sendProblemPage(reply: FastifyReply, problem: Problem): FastifyReply {
  const { status, title, text, links, form, code } = problem
  const paragraphs = text.map(sentence => `<p>${escapeHtml(sentence)}</p>`).join('\n')
  const actions = form === undefined ? `<nav>${links.map(anchor).join('\n')}</nav>` : button(form)
  return sendPage(reply, status, {
    title: escapeHtml(title),
    content: `${paragraphs}\n${actions}\n${detailsForOperator(reply, code)}`,
    ...(form !== undefined && { formAction: "'self'" })
  })
}

/** What an operator needs to find the error in the log. */
export function detailsForOperator(reply: FastifyReply, code: string): string {
  return `<small>Error code: <code>${escapeHtml(code)}</code><br>
Request: <code>${escapeHtml(String(reply.request.id))}</code></small>`
}

function button({ label, path }: FormButton): string {
  return `<form method="post" action="${escapeHtml(path)}">
<button class="button">${escapeHtml(label)}</button>
</form>`
}

function anchor({ label, path }: Link, index: number): string {
  const style = index === 0 ? ' class="button"' : ''
  return `<a${style} href="${escapeHtml(path)}">${escapeHtml(label)}</a>`
}
