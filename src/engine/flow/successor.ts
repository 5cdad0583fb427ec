// The flow that continues in place of one whose function has returned.
import type { FlowRow } from '../../model/flow-views.ts'

/** What it takes over from the flow before it. */
export interface Predecessor {
  readonly row: FlowRow
  /** The number of the last mail that it got, by type. */
  readonly mail: Readonly<Record<string, number>> | null
}

/** Its row: with the value of `oncePer`, the parent, and in the same context the turn and the mail of its predecessor. */
export function successorOf({ row, mail }: Predecessor, next: FlowRow): FlowRow {
  const { id, once, parent, context } = row
  const inPlace = next.context === context
  return {
    ...next,
    state: inPlace ? 'running' : next.state,
    mailAfter: inPlace ? mail : null,
    continues: id,
    once,
    parent,
  }
}
