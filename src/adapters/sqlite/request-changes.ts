// What becomes of commands that somebody asked: of an app in the table of requests, of a flow in its journal.
import type { RequestChange } from '../../seam/requests.ts'
import type { FlowTables } from './flows.ts'
import type { RequestTable } from './requests.ts'

export interface RequestTables {
  readonly requests: RequestTable
  readonly flows: FlowTables
}

const none: readonly number[] = []

/** Gives for each change the number of its entry in a journal; 0 where it has none. */
export function writeRequests(
  changes: readonly RequestChange[] | undefined,
  { requests, flows }: RequestTables,
): readonly number[] {
  if (changes === undefined || changes.length === 0) return none
  return changes.map((change) => {
    if (change.do === 'end' && change.asker === 'flow') return flows.callEnded(change)
    requests.apply(change)
    return 0
  })
}
