/** Markup with escaped values. Only {@link html} makes it. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** A value in a template. Text is escaped, markup is not; null, undefined and false add nothing. */
export type HtmlValue = string | number | Html | readonly HtmlValue[] | null | undefined | false

/**
 * A template that escapes its values, so that a user named `<script>` stays a name.
 * Put values between tags or inside quoted attributes, nowhere else.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(textOf)))
}

function textOf(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(textOf).join('')
  return String(value).replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
