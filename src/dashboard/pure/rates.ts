// How much is handled in a second, between two looks at a counter.

export interface Counted {
  /** The time of the look, milliseconds since 1970. */
  readonly at: number
  /** Undefined while it does not run. */
  readonly count: number | undefined
}

/** How much a counter grew. One that is smaller than before began anew with its app: it counts from nothing. */
export const grownSince = (now: number, then: number) => (now >= then ? now - then : now)

/** The rate in a second since the look before; undefined where that is not known. */
export function rateBetween(now: Counted, before: Counted | undefined): number | undefined {
  if (now.count === undefined || before?.count === undefined || now.at <= before.at) return undefined
  return (grownSince(now.count, before.count) / (now.at - before.at)) * 1_000
}

/** "3/s", "0.2/s", "1,200/s"; nothing where nothing is handled. */
export function rateText(rate: number | undefined): string {
  if (rate === undefined || rate < 0.05) return ''
  return `${rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate).toLocaleString('en')}/s`
}
