import type { FastifyReply } from 'fastify'
import { createHash } from 'node:crypto'
import { PAGE_STYLE } from './style.js'

/** Markup whose values are escaped. Made only by {@link html}. */
export class Html {
  constructor (readonly text: string) {}
}

type Value = string | Html | readonly Html[]

/** A template whose values are escaped, unless they are markup themselves. */
export function html (strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(textOf)))
}

function textOf (value: Value): string {
  if (typeof value === 'string') return escaped(value)
  return value instanceof Html ? value.text : value.map(textOf).join('')
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escaped (text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
}

const STYLE_SOURCE = `'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'`

/**
 * Sends a page that may load nothing, run nothing and be framed by nobody.
 * @param formEndsAt where the page's form leads in the end: Chromium holds redirects too against form-action
 */
export function sendPage (reply: FastifyReply, page: Html, formEndsAt?: string): FastifyReply {
  const formAction = formEndsAt ? `'self' ${new URL(formEndsAt).origin}` : "'none'"
  return reply.headers({
    'content-security-policy': `default-src 'none'; style-src ${STYLE_SOURCE}; form-action ${formAction}; ` +
      "base-uri 'none'; frame-ancestors 'none'",
    'content-type': 'text/html;charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff'
  }).send(`<!doctype html>\n${page.text}`)
}
