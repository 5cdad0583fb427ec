// What is counted of the parts of an app that runs, in one value.
import type { Metrics, PartMetrics } from '../model/metrics.ts'
import type { DeskReads } from '../seam/desk-reads.ts'

/** The engine of a running app, as its counters are read. */
export interface MetricsBackend {
  readonly store: { readonly deskReads: Pick<DeskReads, 'processors'> }
  readonly processors: {
    /** When it began to count, milliseconds since 1970. */
    readonly since: number
    list(): readonly (Omit<PartMetrics, 'on' | 'held'> & { readonly destination: string })[]
  }
}

/** Reads the counters, and how many messages are held: a count that the store keeps. */
export async function metricsOf({ store, processors }: MetricsBackend, now: () => number): Promise<Metrics> {
  const { held: atDesk } = await store.deskReads.processors()
  const heldBy = new Map(atDesk.map(({ processor, destination, held }) => [`${processor} ${destination}`, held]))
  const parts = processors.list().map(({ name, part, destination: on, state, lag, running, counts }) => {
    return { name, part, on, state, lag, running, held: heldBy.get(`${name} ${on}`) ?? 0, counts }
  })
  return { at: now(), since: processors.since, parts }
}
