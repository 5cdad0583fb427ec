import type { Figures, Span } from './task.ts'

/** The value in the middle; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The smallest value that at least `share` of the values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** Each figure's median over several runs of one task. */
export function medians(runs: readonly Figures[]): Figures {
  const names = Object.keys(runs[0] ?? {})
  return Object.fromEntries(names.map((name) => [name, median(runs.map((run) => run[name]!))]))
}

/**
 * Events per second from the first publish to the moment when all work is done. `phase` publishes until the given
 * time, settles everything it began and says how many events that were; it runs once to warm up and once to count.
 */
export async function rateOf(span: Span, phase: (untilMs: number) => number | Promise<number>): Promise<Figures> {
  await phase(performance.now() + span.warmMs)
  globalThis.gc?.()
  const start = performance.now()
  const events = await phase(start + span.measureMs)
  return { perSecond: events / ((performance.now() - start) / 1000) }
}

/** Runs `step` again and again, `inFlight` of them at any time, as long as `more` says so. */
export async function closedLoop(inFlight: number, more: () => boolean, step: () => Promise<unknown>): Promise<void> {
  const worker = async () => {
    while (more()) await step()
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
}

/**
 * Runs one thing after the other with so many under way; tells how many there were per second, until `rest` says that
 * all work is done, and how long each took.
 */
export async function timed(
  span: Span,
  inFlight: number,
  one: (id: string) => Promise<unknown>,
  rest: () => Promise<void>,
): Promise<Figures> {
  let sequence = 0
  let took: number[] = []
  const figures = await rateOf(span, async (untilMs) => {
    const start = sequence
    took = []
    await closedLoop(
      inFlight,
      () => performance.now() < untilMs,
      async () => {
        const beganAt = performance.now()
        await one(`f${sequence++}`)
        took.push(performance.now() - beganAt)
      },
    )
    await rest()
    return sequence - start
  })
  return { ...figures, p50Ms: percentile(took, 0.5), p99Ms: percentile(took, 0.99) }
}
