// Changes of a message in line, before its turn.
//
//   in line ──pin──→ pinned ──corrected──→ in line, at its place, with other data
//                       └────discarded──→ discarded: those behind it move up
//
// A pinned message counts as not written yet (desk-lanes.ts). So either its turn comes first, and the change is refused, or
// the change does, and its handler gets the corrected data.
import { asStored } from '../../model/codec.ts'
import type { Actor, Change, Decision, DeskEntry, Discard, Resubmit } from '../../model/desk.ts'
import { fault } from '../../model/errors.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { Job } from '../commit/writes.ts'
import type { DeskWrites } from './desk-writes.ts'

export type InLine = DeskEntry & { readonly lane: string }

/** The lanes of the processor. */
export interface Pins {
  /** Keeps a message in line from its turn; false when that has come. */
  pin(entry: InLine): boolean
  unpin(entry: InLine): void
}

export interface LineChangesHost {
  readonly pins: Pins
  readonly writes: Pick<DeskWrites, 'record'>
  /** @throws `millrace/unknown-item` */
  entry(item: number): Promise<DeskEntry>
  /** The message with corrected data. Errors: those of a resubmit. */
  withData(entry: DeskEntry, decision: Resubmit | Change): DeskEntry
  /** Resolves when the changes are durable. */
  write(job: Job, changes: readonly DeskChange[]): Promise<void>
  /** Resolves when it is durable that the message is discarded. */
  discard(entry: DeskEntry, actor: Actor & { readonly reason: string }, job: Job): Promise<void>
}

export class LineChanges {
  private readonly host: LineChangesHost

  constructor(host: LineChangesHost) {
    this.host = host
  }

  /**
   * Carries out a decision about a message in line. Resolves when it is durable.
   *
   * @throws `millrace/not-held` when its turn has come; the errors of a resubmit
   */
  async change(seen: InLine, decision: Resubmit | Change | Discard, actor: Actor, job: Job): Promise<void> {
    const { pins } = this.host
    if (decision.do !== 'discard') this.host.withData(seen, decision)
    const pinned = pins.pin(seen)
    try {
      // From here on its turn does not come. The store may have made it the head of its lane.
      const entry = await this.host.entry(seen.id)
      const waits = entry.lane === seen.lane && (entry.state === 'line' || entry.state === 'trying')
      if (!pinned || !waits) throw turnHasCome(entry)
      if (decision.do !== 'discard') await this.correct(entry, decision, actor, job)
      else await this.host.discard(entry, { by: actor.by, reason: decision.reason }, job)
    } finally {
      if (pinned) pins.unpin(seen)
    }
  }

  private correct(entry: DeskEntry, decision: Resubmit | Change, { by }: Actor, job: Job): Promise<void> {
    const { writes } = this.host
    const corrected = this.host.withData(entry, decision)
    const record = writes.record(entry, 'corrected', { by, reason: decision.note }, replaced(entry, corrected))
    return this.host.write(job, [{ do: 'correct', entry: corrected }, record])
  }
}

export function isInLine(entry: DeskEntry): entry is InLine {
  return entry.state === 'line' && entry.lane !== null
}

export function changesLine(decision: Decision | Change): decision is Resubmit | Change | Discard {
  return decision.do === 'resubmit' || decision.do === 'change' || decision.do === 'discard'
}

/** The data before and after, for the audit log. */
export function replaced(before: DeskEntry, after: DeskEntry) {
  return { before: asStored(before.message.json), after: asStored(after.message.json) }
}

function turnHasCome({ id, processor, state }: DeskEntry) {
  const what = `message ${id} of processor "${processor}" has had its turn just now: it is no longer in line`
  return fault('millrace/not-held', what, { data: { id, state } })
}
