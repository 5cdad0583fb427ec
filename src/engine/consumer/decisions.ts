// What people and rules decide about the messages of one processor at the desk, carried out.
//
//   held, deciding ──retry, resubmit──→ trying          held, deciding ──discard──→ discarded ──taken back──→ trying
//   deciding ──hold──→ held
//
// Invariants: of two decisions about one message the second finds what the first did; what is decided and what follows
// from it are one commit, and nothing of it begins before that is durable.
import { asStored, replaceData, type Stored } from '../../model/codec.ts'
import type { DeskAction } from '../../model/desk.ts'
import { type Actor, checkState, type Decision, type DeskEntry } from '../../model/desk.ts'
import { type ErrorRecord, fault } from '../../model/errors.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { Ending } from '../commit/handled.ts'
import type { Job } from '../commit/writes.ts'
import { KeyedMutex } from '../kit/keyed-mutex.ts'
import { type ProcessorSpec, typeNamed } from '../spec.ts'
import type { Surroundings } from '../surroundings.ts'
import type { DeskLane } from './desk-lanes.ts'
import { onRecord, requestEnd } from './desk-writes.ts'

/** What decisions need of their processor. */
export interface DecisionHost {
  readonly spec: ProcessorSpec
  /** The lane of a message is to go on with it. */
  resume(entry: DeskEntry): DeskLane
  /** It is written that the lane goes on: with this message, with what follows it, or, without a lane, at its end. */
  goOnWith(entry: DeskEntry, lane: DeskLane | undefined): void
  goOnAfter(entry: DeskEntry, lane: DeskLane): void
  /** What its end changes at the desk, and who is told. */
  resolving(entry: DeskEntry, state: 'discarded', actor: Actor): Ending
  sayHeld(message: Stored, attempts: number, error: ErrorRecord): void
  withdraw(id: string): Promise<unknown>
}

export class Decisions {
  private readonly host: DecisionHost
  private readonly around: Surroundings
  private readonly turns = new KeyedMutex<number>()

  constructor(host: DecisionHost, around: Surroundings) {
    this.host = host
    this.around = around
  }

  /**
   * Carries out what a person has decided about what is held. Resolves when that is durable.
   *
   * @throws `millrace/unknown-item`, `millrace/not-held`; of a resubmit `millrace/bad-data`, `millrace/not-json`,
   *   `millrace/too-large`, `millrace/bad-context`, `millrace/context-changed`, `millrace/unknown-type`
   */
  decide(item: number, decision: Decision, actor: Actor, job: Job = {}): Promise<void> {
    return this.turns.take(item, async () => {
      const entry = await this.entry(item)
      checkState(entry, 'held')
      await this.carryOut(entry, decision, actor, 0, job)
    })
  }

  /** The same for the decision that a rule has made about a message as it was: void when it is with no rule any more. */
  async decideByRule(item: number, decision: Decision, by: string): Promise<void> {
    await this.turns.take(item, async () => {
      const entry = await this.entry(item)
      if (entry.state !== 'deciding') return
      await this.carryOut(entry, decision, { by }, entry.decisions + 1)
    })
    const { store, withdrawals } = this.around
    const id = (await store.deskEntry(item))?.message.id
    if (id !== undefined && withdrawals.has(id)) await this.host.withdraw(id)
  }

  /**
   * Takes back a discard: the message joins the end of its lane.
   *
   * @throws `millrace/unknown-item`, `millrace/not-discarded`; `millrace/too-late` after `takeBackMs`, and of a command
   *   whose asker was told its end
   */
  takeBack(item: number, actor: Actor, job: Job = {}): Promise<void> {
    return this.turns.take(item, async () => {
      const entry = await this.entry(item)
      checkState(entry, 'discarded')
      if (entry.message.asked !== undefined) {
        const what = `who asked for "${entry.message.type}" was told that message ${item} is discarded`
        throw fault('millrace/too-late', `${what}: it cannot be taken back`)
      }
      const { takeBackMs, deskRetainMs } = this.around.limits
      const most = Math.min(takeBackMs, deskRetainMs)
      if (this.around.world.now() - entry.resolvedAt! > most) {
        throw fault('millrace/too-late', `message ${item} was discarded more than ${most} ms ago`)
      }
      Object.assign(entry, { resolvedAt: null, decisions: 0 })
      await this.runAgain(entry, this.record(entry, 'taken back', actor), job)
    })
  }

  private async entry(item: number): Promise<DeskEntry> {
    const entry = await this.around.store.deskEntry(item)
    if (entry !== undefined) return entry
    throw fault('millrace/unknown-item', `there is no message ${item} at the desk`)
  }

  private async carryOut(
    entry: DeskEntry,
    decision: Decision,
    { by, reason }: Actor,
    decisions: number,
    job: Job = {},
  ): Promise<void> {
    switch (decision.do) {
      case 'retry':
        entry.decisions = decisions
        return this.runAgain(entry, this.record(entry, 'released', { by, reason }), job)
      case 'resubmit': {
        const { json: before } = entry.message
        entry.message = this.corrected(entry.message, decision.data)
        entry.original ??= before
        entry.revision++
        entry.decisions = decisions
        const detail = { before: asStored(before), after: asStored(entry.message.json) }
        return this.runAgain(entry, this.record(entry, 'resubmitted', { by, reason: decision.note }, detail), job)
      }
      case 'hold':
        Object.assign(entry, { state: 'held', decisions })
        this.host.sayHeld(entry.message, entry.attempts, entry.error!)
        await this.write(job, [
          { do: 'update', entry, leaves: entry.lane },
          this.record(entry, 'kept', { by, reason: decision.reason }),
        ])
        this.around.ended(entry.id, false)
        return
      case 'discard':
        return this.discard(entry, { by, reason: decision.reason }, job)
    }
  }

  private async discard(entry: DeskEntry, actor: Actor & { readonly reason: string }, job: Job): Promise<void> {
    const { message } = entry
    const { changes, outgoing } = this.host.resolving(entry, 'discarded', actor)
    const lane = entry.lane === null ? undefined : this.host.resume(entry)
    const said = { message: actor.reason }
    const ends = message.asked === undefined ? [] : [requestEnd(message, 'discarded', said, this.around.world.now())]
    await this.write({ ...job, outgoing, requests: ends }, changes)
    this.around.ended(entry.id, false)
    if (lane !== undefined) this.host.goOnAfter(entry, lane)
  }

  private corrected(message: Stored, data: unknown): Stored {
    return replaceData(typeNamed(this.host.spec, message.type), message, data, this.around.limits.messageBytesMax)
  }

  /** Tries a message anew: at the head of its lane, alone, or at the end of an open lane. */
  private async runAgain(entry: DeskEntry, record: DeskChange, job: Job): Promise<void> {
    const { message, lane: leaves } = entry
    Object.assign(entry, { state: 'trying', attempts: 0, kills: 0, dueAt: 0 })
    const lane = leaves === null && message.context !== null ? undefined : this.host.resume(entry)
    const requests = message.asked === 'app' ? [{ do: 'released', id: message.id } as const] : []
    await this.write({ ...job, requests }, [{ do: 'update', entry, leaves }, record])
    this.host.goOnWith(entry, lane)
  }

  private record(entry: DeskEntry, action: DeskAction, actor: Actor, detail?: unknown): DeskChange {
    return onRecord(entry, action, actor, this.around.world.now(), detail)
  }

  private write(job: Job, changes: readonly DeskChange[]): Promise<void> {
    return this.around.committer.written({ ...job, changes: [...changes, ...(job.changes ?? [])] })
  }
}
