// Reads of flows as promises. Each call runs all its statements in one turn, so what it gives is of one moment.
import type { DatabaseSync } from 'node:sqlite'
import type { JournalEntry } from '../../model/flow.ts'
import { FlowTally } from '../../model/flow-tally.ts'
import type { FlowCount, FlowFilter, FlowRow, Question, QuestionFilter, StateOfFlow } from '../../model/flow-views.ts'
import type { FlowReads, FlowSlice, WholeFlow } from '../../seam/flow-reads.ts'
import { FlowReader } from './flows.ts'
import { Statements } from './statements.ts'

/** Reads the tables: when all that they show is durable, and where a lock is in the way, again. */
export type ReadFlows = <T>(use: (flows: FlowReader) => T) => Promise<T>

export class FlowViews implements FlowReads {
  private readonly read: ReadFlows

  constructor(read: ReadFlows) {
    this.read = read
  }

  /** Reads a file that shows nothing but what is durable. */
  static of(db: DatabaseSync): FlowViews {
    const flows = new FlowReader(new Statements(db))
    return new FlowViews(async (use) => use(flows))
  }

  list(filter: FlowFilter, bytesMax?: number): Promise<FlowSlice> {
    return this.read((flows) => flows.list(filter, bytesMax))
  }

  row(id: number): Promise<FlowRow | undefined> {
    return this.read((flows) => flows.row(id))
  }

  whole(id: number): Promise<WholeFlow | undefined> {
    return this.read((flows) => {
      const row = flows.row(id)
      return row === undefined ? undefined : { row, journal: flows.journal(id), times: flows.times(id) }
    })
  }

  journal(id: number): Promise<JournalEntry[]> {
    return this.read((flows) => flows.journal(id))
  }

  questions(filter: QuestionFilter): Promise<Question[]> {
    return this.read((flows) => flows.questions(filter))
  }

  states(after: number, limit: number): Promise<StateOfFlow[]> {
    return this.read((flows) => flows.states(after, limit))
  }
}

const countedAtOnce = 2_000

/** Counts the flows of a file by mediator and state. */
export function flowCounts(db: DatabaseSync): FlowCount[] {
  const flows = new FlowReader(new Statements(db))
  const tally = new FlowTally()
  for (let after: number | undefined = 0; after !== undefined; ) {
    const slice = flows.states(after, countedAtOnce)
    tally.add(slice)
    after = slice.at(-1)?.id
  }
  return tally.counts
}
