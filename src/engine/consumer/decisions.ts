// Carries out the decisions of people and rules about the messages of one processor at the desk.
//
//   held, deciding ──retry, resubmit──→ trying          held, deciding ──discard──→ discarded ──taken back──→ trying
//   deciding ──hold──→ held
// Invariants: of two decisions about one message the second finds the result of the first; a decision and its
// consequences are one commit, and nothing of it begins before that commit is durable.
import { changeData } from '../../model/change.ts'
import { type Claim, claimed, isBound } from '../../model/claims.ts'
import { replaceData, type Stored } from '../../model/codec.ts'
import {
  type Actor,
  type AuditRow,
  type Change,
  checkState,
  type Decision,
  type DeskEntry,
  type Resubmit,
} from '../../model/desk.ts'
import { fault, isMillraceError } from '../../model/errors.ts'
import { type Repair, staleRevision } from '../../model/repairs.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { Job } from '../commit/writes.ts'
import { KeyedMutex } from '../kit/keyed-mutex.ts'
import { type ProcessorSpec, typeNamed } from '../spec.ts'
import type { DeskLane } from './desk-lanes.ts'
import { changed, type DeskWrites, heldRequest } from './desk-writes.ts'
import { changesLine, isInLine, LineChanges, type Pins, replaced } from './line-changes.ts'

export interface DecisionHost {
  readonly spec: Pick<ProcessorSpec, 'destination'>
  readonly limits: {
    readonly takeBackMs: number
    readonly deskRetainMs: number
    readonly messageBytesMax: number
  }
  readonly writes: Pick<DeskWrites, 'record' | 'resolving' | 'requestEnd'>
  now(): number
  entry(item: number): Promise<DeskEntry | undefined>
  /** Resolves when the job is durable. */
  written(job: Job): Promise<void>
  /** Begins to try a message, at the head of its lane or alone. */
  resume(entry: DeskEntry): DeskLane
  /** It is durable that a message is tried again: in its lane, or at the end of an open one. */
  requeue(entry: DeskEntry, lane: DeskLane | undefined): void
  /** It is durable that a message is done: the next of its lane has its turn. */
  advance(entry: DeskEntry, lane: DeskLane): void
  logHeld(entry: DeskEntry): void
  /** A decision is durable. */
  settled?(message: Stored, decision: Decision | Change): void
  /** It is durable that a message is held. */
  held(entry: DeskEntry): void
  /** A message that was held is not tried again now. */
  notHandled(item: number): void
  isWithdrawn(id: string): boolean
  /** Holds a message in line back while it is changed. */
  readonly pins: Pins
  /** The claim on a message that lasts now. */
  claimOn(item: number): Promise<Claim | undefined>
  /** The newest lines of the audit log about a message, the newest first. */
  acts(item: number): Promise<readonly AuditRow[]>
  /** Reads the message at the desk that is a command of the app with an id. */
  asked(id: string): Promise<DeskEntry | undefined>
  /** Whether a message is at the desk for this processor. */
  isMine(entry: DeskEntry): boolean
}

/** A decision, and what is counted and written with it. */
interface Carried {
  readonly decision: Decision | Change
  readonly actor: Actor
  /** Decisions of a rule since the last one of a person, this one included. */
  readonly decisions: number
  readonly job: Job
}

export class Decisions {
  private readonly host: DecisionHost
  private readonly line: LineChanges
  private readonly turns = new KeyedMutex<number>()

  constructor(host: DecisionHost) {
    const { pins, writes } = host
    this.host = host
    this.line = new LineChanges({
      pins,
      writes,
      entry: (item) => this.entry(item),
      withData: (entry, decision) => this.withData(entry, decision),
      write: (job, changes) => this.write(job, changes),
      discard: async (entry, actor, job) => {
        await this.resolve(entry, actor, job)
        host.notHandled(entry.id)
      },
    })
  }

  /**
   * Carries out the decision of a person about a held message. Resolves when it is durable.
   *
   * @throws `millrace/unknown-item`, `millrace/not-held`; of a resubmit `millrace/bad-data`, `millrace/not-json`,
   *   `millrace/too-large`, `millrace/bad-context`, `millrace/context-changed`, `millrace/masked`,
   *   `millrace/unknown-type`; of a change also `millrace/change-does-not-fit`
   */
  decide(item: number, decision: Decision | Change, actor: Actor, job: Job = {}): Promise<void> {
    return this.turns.take(item, async () => {
      const entry = await this.entry(item)
      await this.checkClaim(item, actor)
      await this.decideHeld(entry, { decision, actor, decisions: 0, job })
    })
  }

  /**
   * Carries out what a person who has seen the message decides: also about one in line, whose data are replaced or that is
   * discarded before its turn. Resolves when it is durable.
   *
   * @throws as `decide`; `millrace/stale-revision`, `millrace/claimed`
   */
  repair(item: number, decision: Decision | Change, actor: Repair, job: Job = {}): Promise<void> {
    return this.turns.take(item, async () => {
      const entry = await this.entry(item)
      await this.checkSeen(entry, actor)
      await this.checkClaim(item, actor)
      if (isInLine(entry) && changesLine(decision)) return this.line.change(entry, decision, actor, job)
      await this.decideHeld(entry, { decision, actor, decisions: 0, job })
    })
  }

  /** Carries out the decision of a rule; void when the message is with no rule now. */
  async decideByRule(item: number, decision: Decision, by: string): Promise<void> {
    const { host } = this
    await this.turns.take(item, async () => {
      const entry = await this.entry(item)
      if (entry.state !== 'deciding') return
      await this.carryOut(entry, { decision, actor: { by }, decisions: entry.decisions + 1, job: {} })
    })
    const id = (await host.entry(item))?.message.id
    if (id !== undefined && host.isWithdrawn(id)) await this.withdraw(id)
  }

  /**
   * Takes back a discard: the message joins the end of its lane.
   *
   * @throws `millrace/unknown-item`, `millrace/not-discarded`; `millrace/too-late` after `takeBackMs`, and of a command
   *   whose asker was told its end
   */
  takeBack(item: number, actor: Repair, job: Job = {}): Promise<void> {
    return this.turns.take(item, async () => {
      const entry = await this.entry(item)
      await this.checkSeen(entry, actor)
      checkState(entry, 'discarded')
      if (entry.message.asked !== undefined) {
        const what = `the caller of "${entry.message.type}" has learned that message ${item} is discarded`
        throw fault('millrace/too-late', `${what}: it cannot be taken back`)
      }
      const { host } = this
      const most = Math.min(host.limits.takeBackMs, host.limits.deskRetainMs)
      if (host.now() - entry.resolvedAt! > most) {
        throw fault('millrace/too-late', `message ${item} was discarded more than ${most} ms ago`)
      }
      const record = host.writes.record(entry, 'taken back', actor)
      await this.runAgain(changed(entry, { resolvedAt: null, decisions: 0 }), record, job)
    })
  }

  /**
   * Releases a command that was withdrawn, where it is held: it is passed over when its turn comes. Returns whether it may
   * have had effects.
   */
  async withdraw(id: string): Promise<'never' | 'unknown'> {
    const entry = await this.host.asked(id)
    if (entry === undefined) return 'never'
    const effects = entry.failures > 0 || entry.attempts > 0 ? 'unknown' : 'never'
    // A processor that does not run passes over it when it does.
    if (entry.state !== 'held' || !this.host.isMine(entry)) return effects
    try {
      await this.decide(entry.id, { do: 'retry' }, { by: 'millrace', reason: 'withdrawn by its caller' })
    } catch (error) {
      // A person or another withdrawal was quicker: it is passed over all the same.
      if (!isMillraceError(error, 'millrace/not-held')) throw error
    }
    return effects
  }

  private async decideHeld(entry: DeskEntry, carried: Carried): Promise<void> {
    checkState(entry, 'held')
    await this.carryOut(entry, carried)
  }

  /** Does something about a message beside all decisions about it. */
  inTurn<T>(item: number, work: () => Promise<T>): Promise<T> {
    return this.turns.take(item, work)
  }

  private async checkClaim(item: number, { by }: Actor): Promise<void> {
    if (!isBound(by)) return
    const claim = await this.host.claimOn(item)
    if (claim !== undefined && claim.by !== by) throw claimed(item, claim)
  }

  private async checkSeen(entry: DeskEntry, { revision }: Repair): Promise<void> {
    if (revision === undefined || revision === entry.revision) return
    throw staleRevision(entry, revision, await this.host.acts(entry.id))
  }

  private async entry(item: number): Promise<DeskEntry> {
    const entry = await this.host.entry(item)
    if (entry !== undefined) return entry
    throw fault('millrace/unknown-item', `there is no message ${item} at the desk`)
  }

  private async carryOut(entry: DeskEntry, carried: Carried): Promise<void> {
    await this.written(entry, carried)
    this.host.settled?.(entry.message, carried.decision)
  }

  private written(entry: DeskEntry, { decision, actor: { by, reason }, decisions, job }: Carried): Promise<void> {
    const { writes } = this.host
    switch (decision.do) {
      case 'retry': {
        const record = writes.record(entry, 'released', { by, reason })
        return this.runAgain(changed(entry, { decisions }), record, job)
      }
      case 'resubmit':
      case 'change': {
        const corrected = changed(this.withData(entry, decision), { decisions })
        const record = writes.record(entry, 'resubmitted', { by, reason: decision.note }, replaced(entry, corrected))
        return this.runAgain(corrected, record, job)
      }
      case 'hold':
        return this.hold(changed(entry, { state: 'held', decisions }), { by, reason: decision.reason }, job)
      case 'discard':
        return this.discard(entry, { by, reason: decision.reason }, job)
    }
  }

  private async hold(entry: DeskEntry, actor: Actor, job: Job): Promise<void> {
    const { host } = this
    host.logHeld(entry)
    const changes = [{ do: 'update', entry, leaves: entry.lane } as const, host.writes.record(entry, 'kept', actor)]
    await this.write({ ...job, requests: heldRequest(entry) }, changes)
    host.held(entry)
    host.notHandled(entry.id)
  }

  private async discard(entry: DeskEntry, actor: Actor & { readonly reason: string }, job: Job): Promise<void> {
    const { host } = this
    const lane = entry.lane === null ? undefined : host.resume(entry)
    await this.resolve(entry, actor, job)
    host.notHandled(entry.id)
    if (lane !== undefined) host.advance(entry, lane)
  }

  /** Writes that a message is discarded. */
  private resolve(entry: DeskEntry, actor: Actor & { readonly reason: string }, job: Job): Promise<void> {
    const { writes } = this.host
    const { message } = entry
    const { changes, outgoing } = writes.resolving(entry, 'discarded', actor)
    const explanation = { message: actor.reason }
    const requests = message.asked === undefined ? [] : [writes.requestEnd(message, 'discarded', explanation)]
    return this.write({ ...job, outgoing, requests }, changes)
  }

  private withData(entry: DeskEntry, decision: Resubmit | Change): DeskEntry {
    const { message, original, corrections } = entry
    return changed(entry, {
      message: this.corrected(message, decision),
      original: original ?? message.json,
      corrections: corrections + 1,
    })
  }

  /** The message with corrected data. Errors: those of a resubmit in {@link Decisions.decide}. */
  corrected(message: Stored, decision: Resubmit | Change): Stored {
    const { spec, limits } = this.host
    const type = typeNamed(spec, message.type)
    if (decision.do === 'change') return changeData(type, message, decision.change, limits.messageBytesMax)
    return replaceData(type, message, decision.data, limits.messageBytesMax)
  }

  /** Tries a message anew: at the head of its lane, alone, or at the end of an open lane. */
  private async runAgain(decided: DeskEntry, record: DeskChange, job: Job): Promise<void> {
    const { host } = this
    const { message, lane: leaves } = decided
    const entry = changed(decided, { state: 'trying', attempts: 0, kills: 0, dueAt: 0 })
    const lane = leaves === null && message.context !== null ? undefined : host.resume(entry)
    const requests = message.asked === 'app' ? [{ do: 'released', id: message.id } as const] : []
    await this.write({ ...job, requests }, [{ do: 'update', entry, leaves }, record])
    host.requeue(entry, lane)
  }

  private write(job: Job, changes: readonly DeskChange[]): Promise<void> {
    return this.host.written({ ...job, changes: [...changes, ...(job.changes ?? [])] })
  }
}
