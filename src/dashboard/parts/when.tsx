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

/** "14:03:12", and the day before it where that is not today. */
export function clock(at: number): string {
  const zone = inUtc.value ? { timeZone: 'UTC' } : {}
  const time = new Date(at).toLocaleTimeString('en-GB', zone)
  const day = (of: number) => new Date(of).toLocaleDateString('en-GB', { ...zone, day: 'numeric', month: 'short' })
  const text = day(at) === day(now.value) ? time : `${day(at)} ${time}`
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
