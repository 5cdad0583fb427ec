// What the page calls things: the words of the model, in sentences for people.
import type { Permission } from '../../model/permissions.ts'

const minute = 60_000

/** How long ago a time is: "just now", "4 min ago", "3 h ago", "2 days ago". */
export function ago(at: number, now: number): string {
  return now - at < minute ? 'just now' : `${span(now - at)} ago`
}

/** A duration: "40 s", "4 min", "3 h", "2 days". */
export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1_000))
  if (s < 60) return `${s} s`
  if (s < 3_600) return `${Math.floor(s / 60)} min`
  if (s < 86_400) return `${Math.floor(s / 3_600)} h`
  const days = Math.floor(s / 86_400)
  return days === 1 ? '1 day' : `${days} days`
}

/** How long something took: "0.4 ms", "130 ms", "4 s", "3 h". */
export function took(ms: number): string {
  if (ms >= 1_000) return span(ms)
  return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`
}

/** "1 message", "12 messages", "1,000 messages". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`
}

/** Whether the code has changed since a message failed; undefined where it has not, or that is not known. */
export function codeChanged(of: {
  readonly codeThen: string | null
  readonly codeNow: string | null
}): string | undefined {
  const { codeThen, codeNow } = of
  if (codeThen === null || codeNow === null || codeThen === codeNow) return undefined
  return `The code has changed since: ${codeThen} → ${codeNow}.`
}

export const stateWords: Readonly<Record<string, { readonly word: string; readonly tone: Tone }>> = {
  held: { word: 'held', tone: 'held' },
  deciding: { word: 'a rule decides', tone: 'slow' },
  trying: { word: 'being tried', tone: 'slow' },
  line: { word: 'in line', tone: 'quiet' },
  handled: { word: 'handled', tone: 'ok' },
  discarded: { word: 'discarded', tone: 'quiet' },
  reset: { word: 'reset', tone: 'quiet' },
  live: { word: 'live', tone: 'ok' },
  behind: { word: 'behind', tone: 'slow' },
  probing: { word: 'probing', tone: 'failing' },
  stuck: { word: 'stuck', tone: 'failing' },
  paused: { word: 'paused', tone: 'slow' },
  off: { word: 'off', tone: 'quiet' },
  gone: { word: 'gone', tone: 'quiet' },
  queued: { word: 'waits its turn', tone: 'quiet' },
  completed: { word: 'completed', tone: 'ok' },
  compensating: { word: 'being undone', tone: 'slow' },
  compensated: { word: 'undone', tone: 'quiet' },
  waiting: { word: 'waits', tone: 'slow' },
  prepared: { word: 'prepared', tone: 'slow' },
  running: { word: 'running', tone: 'slow' },
  asks: { word: 'asks', tone: 'slow' },
  failed: { word: 'failed', tone: 'failing' },
  stopped: { word: 'stopped', tone: 'failing' },
  done: { word: 'done', tone: 'ok' },
  aborted: { word: 'aborted', tone: 'quiet' },
  expired: { word: 'expired', tone: 'quiet' },
}

export type Tone = 'ok' | 'slow' | 'failing' | 'held' | 'quiet'

/** The sentence beside the state of a processor. */
export const partSentences: Readonly<Record<string, string>> = {
  behind: 'More comes than it handles at the moment.',
  probing: 'Other systems fail, so it tries one message at a time until one works.',
  stuck: 'It cannot go on by itself.',
  paused: 'It starts nothing new. What it has to do waits.',
}

/** The roles that have a permission, from the least. */
export const rolesWith: Readonly<Record<Permission, string>> = {
  see: 'reader, clerk, operator or admin',
  'see-data': 'reader, clerk, operator or admin',
  'see-secret': 'admin',
  send: 'sender or admin',
  answer: 'clerk, operator or admin',
  repair: 'clerk, operator or admin',
  'repair-many': 'operator or admin',
  run: 'operator or admin',
  settings: 'admin',
}

/** A text of unknown origin, with what cannot be seen or turns the direction of writing made visible. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (one) =>
    one === '\n' || one === '\t' ? one : `\\u{${one.codePointAt(0)!.toString(16)}}`,
  )
}

/** Quotes a text for a shell, where it needs that. */
export function quoted(text: string | number): string {
  return /^[\w./:@=-]+$/.test(String(text)) ? String(text) : `'${String(text).replaceAll("'", "'\\''")}'`
}
