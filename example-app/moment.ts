import { html, type Html } from './html.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

// The server does not know the reader's time zone, so it uses UTC and says so.
const absolute = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'long',
  timeStyle: 'short',
  timeZone: 'UTC'
})
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/** A point in time, as "5 minutes ago" and as a date. */
export function moment(date: Date, now: Date): Html {
  return html`<span class="relative">${distance(date.getTime() - now.getTime())}</span>
<time datetime="${date.toISOString()}">${absolute.format(date)} UTC</time>`
}

function distance(ms: number): string {
  if (Math.abs(ms) < MINUTE) return ms < 0 ? 'just now' : 'in less than a minute'
  if (Math.abs(ms) < 2 * HOUR) return relative.format(Math.trunc(ms / MINUTE), 'minute')
  return relative.format(Math.trunc(ms / HOUR), 'hour')
}
