import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { escapeHtml } from '../../http/html.ts'
import { PAGE_STYLE } from './style.ts'

/** HTML that is safe to send. Build it with {@link html}: the constructor does not escape. */
export class Html {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

type Value = string | Html | readonly Html[]

/** A template tag that escapes strings and inserts {@link Html} unchanged. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(textOf)))
}

function textOf(value: Value): string {
  if (typeof value === 'string') return escapeHtml(value)
  return value instanceof Html ? value.toString() : value.join('')
}

const STYLE_SOURCE = `'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'`

/**
 * Sends a page that loads nothing, runs no script and cannot be framed.
 * @param formEndsAt the URL that the page's form redirects to in the end. Chromium applies
 * `form-action` to redirects as well.
 */
export function sendPage(reply: FastifyReply, page: Html, formEndsAt?: string): FastifyReply {
  const formAction = formEndsAt ? `'self' ${new URL(formEndsAt).origin}` : "'none'"
  return reply
    .headers({
      'content-security-policy':
        `default-src 'none'; style-src ${STYLE_SOURCE}; ` +
        `form-action ${formAction}; base-uri 'none'; frame-ancestors 'none'`,
      'content-type': 'text/html;charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff'
    })
    .send(`<!doctype html>\n${page}`)
}
