// Acts on one message of an operation: releases, changes or discards it. The count of it is in the commit of the decision:
// a crash leaves both or neither.
import type { Change, Decision } from '../../model/desk.ts'
import type { Operation } from '../../model/desk-views.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { Store } from '../../seam/store.ts'
import type { Committer } from '../commit/committer.ts'
import type { Decisions } from '../consumer/decisions.ts'

/** The engine, as it is needed here. */
export interface CarryOutHost {
  readonly store: Pick<Store, 'desk'>
  readonly committer: Pick<Committer, 'write'>
  /** Carries decisions out for a processor; undefined where it does not run. */
  decisionsOf(processor: string): Pick<Decisions, 'decide'> | undefined
}

/** What is counted with a message that was acted on. */
export type Counted = Pick<Extract<DeskChange, { readonly do: 'selected' }>, 'follow' | 'nextAt'>

/** Acts on a message; returns false where its processor does not run. Errors: those of `Decisions.decide`. */
export async function carryOut(
  host: CarryOutHost,
  operation: Operation,
  item: number,
  counted: Counted,
): Promise<boolean> {
  const { id, by, reason, name } = operation
  const entry = await host.store.desk.entry(item)
  const decisions = entry === undefined ? undefined : host.decisionsOf(entry.processor)
  if (decisions === undefined) {
    await refuse(host, operation, item, 'its processor is not running, or the message is no longer at the desk')
    return false
  }
  const actor = { by, reason: `${name}${reason === null ? '' : `: ${reason}`}` }
  const change: DeskChange = { do: 'selected', operation: id, item, error: null, ...counted }
  await decisions.decide(item, decisionOf(operation, actor.reason), actor, { changes: [change] })
  return true
}

/** Counts a message as one that the operation could not act on. */
export function refuse(
  { committer }: Pick<CarryOutHost, 'committer'>,
  { id }: Operation,
  item: number,
  error: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const changes: DeskChange[] = [{ do: 'selected', operation: id, item, error }]
    committer.write({ changes, written: () => resolve(), dropped: reject })
  })
}

function decisionOf({ action, change }: Operation, reason: string): Decision | Change {
  if (action === 'release') return { do: 'retry' }
  return action === 'discard' ? { do: 'discard', reason } : { do: 'change', change: change!, note: reason }
}
