// What is written about a message that goes to the desk, and about a request that ends.
import type { Stored } from '../../model/codec.ts'
import type { Actor, DeskAction, DeskEntry } from '../../model/desk.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { RequestChange } from '../../seam/requests.ts'
import type { Delivery } from './delivery.ts'

/** A message as it comes to the desk: to be tried again, by itself. */
export function newEntry(id: number, processor: string, { message, attempts, tries }: Delivery, at: number): DeskEntry {
  return {
    id,
    processor,
    message,
    state: 'trying',
    lane: null,
    place: id,
    dueAt: 0,
    attempts,
    kills: 0,
    revision: 0,
    failures: 0,
    decisions: 0,
    error: null,
    tries,
    original: null,
    heldAt: at,
    resolvedAt: null,
  }
}

/** Who did what with it, for good. */
export function onRecord(
  { id: item, processor: subject }: DeskEntry,
  action: DeskAction,
  { by, reason = '' }: Actor,
  at: number,
  detail?: unknown,
): DeskChange {
  return { do: 'record', audit: { at, by, action, item, subject, reason: reason === '' ? null : reason, detail } }
}

export function requestEnd(
  { id, asked }: Stored,
  state: 'replied' | 'refused' | 'discarded',
  outcome: unknown,
  at: number,
): RequestChange {
  return { do: 'end', asker: asked!, id, state, outcome, at }
}
