// Times: how long ago, with the time of day behind it; the whole time as a title and for programs.
import { signal } from '@preact/signals'
import { now } from '../live.ts'
import { ago } from '../pure/words.ts'

/** Whether times are shown in UTC instead of the zone of the browser. */
export const inUtc = signal(localStorage.getItem('millrace-utc') === 'yes')

export function toggleUtc(): void {
  inUtc.value = !inUtc.value
  localStorage.setItem('millrace-utc', inUtc.value ? 'yes' : 'no')
}

/** Made once: to make one takes as long as to render a row, and each time on a page needs it. */
function formats(zone: Intl.DateTimeFormatOptions) {
  return {
    time: new Intl.DateTimeFormat('en-GB', { ...zone, timeStyle: 'medium' }),
    day: new Intl.DateTimeFormat('en-GB', { ...zone, day: 'numeric', month: 'short' }),
  }
}

const here = formats({})
const utc = formats({ timeZone: 'UTC' })

/** "14:03:12", and the day before it where that is not today. */
export function clock(at: number): string {
  const { time, day } = inUtc.value ? utc : here
  const text = day.format(at) === day.format(now.value) ? time.format(at) : `${day.format(at)} ${time.format(at)}`
  return inUtc.value ? `${text} UTC` : text
}

export function When({ at }: { readonly at: number }) {
  const iso = new Date(at).toISOString()
  return (
    <time dateTime={iso} title={iso}>
      {ago(at, now.value)} <span class="muted">· {clock(at)}</span>
    </time>
  )
}

/** For what lasts: "since 14:03:12 (4 min ago)". */
export function Since({ at }: { readonly at: number }) {
  const iso = new Date(at).toISOString()
  return (
    <time dateTime={iso} title={iso}>
      since {clock(at)} <span class="muted">({ago(at, now.value)})</span>
    </time>
  )
}

export function Ago({ at }: { readonly at: number }) {
  const iso = new Date(at).toISOString()
  return (
    <time dateTime={iso} title={`${clock(at)} (${iso})`}>
      {ago(at, now.value)}
    </time>
  )
}
