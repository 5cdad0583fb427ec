// How flows learn that their steps have ended in transactions of others: commands, and flows that they have started.
//
//   in a transaction, with a number ──committed──→ told ahead of the disk, where the flow is free
//                                                   └──else told when it is durable, the flow made where it is cold
//
// Ahead of the disk a flow only computes: what it leaves goes with the same sync, or waits for the next.
import type { JournalEntry } from '../../model/flow.ts'
import type { StepEnded } from '../../seam/flows.ts'
import { StepEndsUnderWay } from './step-ends-under-way.ts'

/** Turns that flows have to come to rest before what they leave waits for the next group. */
const aheadTurns = 3

/** A flow in memory, as ends need it. */
export interface EndTaker {
  readonly isFree: boolean
  readonly inbox: { readonly works: boolean }
  readonly journal: { ahead: Promise<void> | undefined }
  readonly delivery: { receive(end: JournalEntry): void }
  input(apply: () => void): Promise<void>
}

/** What ends need of the flows. */
export interface EndsHost<Run extends EndTaker, Left> {
  newEntry(): number
  /** A flow in memory. */
  find(flow: number): Run | undefined
  /** A flow that is in memory or is being made. */
  hearing(flow: number): Run | undefined
  /** Tells a flow in memory something and writes what follows. */
  tell(flow: number, apply: (run: Run) => void): void
  /** Makes a flow from its journal. */
  load(flow: number): Promise<unknown>
  /** Takes what a flow leaves. */
  leftBy(run: Run): Left | undefined
  /** Writes what a flow leaves when it rests. */
  flushAtRest(run: Run): void
  /** Resolves when all that is ready now has had its turn. */
  turn(): Promise<void>
}

export class StepEnds<Run extends EndTaker, Left> {
  private readonly host: EndsHost<Run, Left>
  private readonly underWay: StepEndsUnderWay
  /** Ends that are not durable and that flows were told. */
  private readonly toldAhead = new Set<StepEnded>()
  /** The places in traces of ends whose flows are cold, until these are told, by entry: their journals do not have them. */
  private readonly traces = new Map<number, string>()

  constructor(host: EndsHost<Run, Left>) {
    this.host = host
    this.underWay = new StepEndsUnderWay(() => host.newEntry())
  }

  /** The number of an end in the transaction that is being made. */
  numberOf(flow: number, of: number): number {
    return this.underWay.begin(flow, of)
  }

  /** A flow is told something else: the changes that put the ends under way behind it. */
  behind(flow: number) {
    return this.underWay.putBehind(flow)
  }

  /** A flow is made from its journal: it is told the ends that are there. Gives it with the places in traces that it lacks. */
  inJournal(flow: number, journal: readonly JournalEntry[]): readonly JournalEntry[] {
    const { traces } = this
    this.underWay.inJournal(flow, journal)
    if (traces.size === 0) return journal
    return journal.map((entry) => (traces.has(entry.n) ? { ...entry, trace: traces.get(entry.n) } : entry))
  }

  /** A flow has ended: nothing is told to it. */
  forget(flow: number): void {
    this.underWay.forget(flow)
  }

  /** Ends are durable. */
  written(ended: readonly StepEnded[]): void {
    for (const change of ended) if (!this.toldAhead.delete(change)) this.tell(change)
  }

  /** A flow that is cold is made from its journal, which has this end. */
  private tell({ flow, entry: written }: StepEnded): void {
    const { host } = this
    const entry = this.underWay.written(flow, written)
    host.hearing(flow)?.delivery.receive(entry)
    if (host.find(flow) === undefined) void this.load(flow, entry)
    else {
      this.traces.delete(entry.n)
      host.tell(flow, (run) => run.delivery.receive(entry))
    }
  }

  private async load(flow: number, { n, trace }: JournalEntry): Promise<void> {
    if (trace !== undefined) this.traces.set(n, trace)
    try {
      await this.host.load(flow)
    } finally {
      this.traces.delete(n)
    }
  }

  /** Ends are committed and not durable. Returns what flows leave; `begins`: others begin to compute just now. */
  async ahead(ended: readonly StepEnded[], { begins }: { readonly begins: boolean }): Promise<Left[]> {
    const { host } = this
    const { promise, resolve: release } = Promise.withResolvers<void>()
    const runs = new Set<Run>()
    for (const change of ended) {
      const { flow } = change
      const entry = this.underWay.written(flow, change.entry)
      const run = host.find(flow)
      host.hearing(flow)?.delivery.receive(entry)
      if (run === undefined && entry.trace !== undefined) this.traces.set(entry.n, entry.trace)
      if (run === undefined || (!runs.has(run) && !run.isFree)) continue
      this.toldAhead.add(change)
      runs.add(run)
      run.journal.ahead = promise
      void run.input(() => run.delivery.receive(entry))
    }
    if (runs.size === 0 && !begins) return []
    // What begins takes a turn to come to rest, and its attempt another.
    if (begins) await host.turn()
    for (let turn = 0; turn < aheadTurns && [...runs].some(({ inbox }) => inbox.works); turn++) await host.turn()
    if (begins) await host.turn()
    const left: Left[] = []
    for (const run of runs) {
      run.journal.ahead = undefined
      // One that undoes may wait for others: what it leaves is written when it rests, all together.
      const job = run.inbox.works ? undefined : host.leftBy(run)
      if (run.inbox.works) host.flushAtRest(run)
      else if (job !== undefined) left.push(job)
    }
    release()
    return left
  }
}
