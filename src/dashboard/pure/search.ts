// A search of messages, as the address says it. Times in addresses are ISO, so that a link means the same to everybody; a
// span such as "2h" counts back from now.
import type { MessageFilter } from '../../model/message-views.ts'

export interface Search {
  readonly text?: string | undefined
  readonly type?: string | undefined
  readonly context?: string | undefined
  readonly destination?: string | undefined
  readonly flow?: string | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
}

const names = ['text', 'type', 'context', 'destination', 'flow', 'since', 'until'] as const

export function searchOf(query: URLSearchParams): Search {
  const said = names.map((name) => [name, query.get(name)] as const).filter(([, value]) => value)
  return Object.fromEntries(said)
}

/** The filter of the API. A time that cannot be read is left out. */
export function filterOf({ flow, since, until, ...search }: Search, now: number): MessageFilter {
  return { ...search, correlation: flow, since: timeOf(since, now), until: timeOf(until, now) }
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds since 1970 of "2h", "30 m", or a date; undefined where it is neither. */
export function timeOf(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined
  const back = /^(\d{1,6})\s*([smhd])/.exec(text.trim())
  if (back !== null && !/^\d{4}-/.test(text)) return now - Number(back[1]) * units[back[2]!]!
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}
