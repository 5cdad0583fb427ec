// What people decide about flows: each decision goes on record with the change that carries it out.
import { asJson } from '../../model/codec.ts'
import type { Actor, Audit } from '../../model/desk.ts'
import { fault } from '../../model/errors.ts'
import { isUndo, takenOver, undoneSteps } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { AnySchema } from '../../model/schema.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { FlowReads } from '../../seam/flow-reads.ts'
import type { FlowChange } from '../../seam/flows.ts'
import type { World } from '../../seam/world.ts'
import type { Job } from '../commit/writes.ts'
import type { MediatorSpec } from './host.ts'
import type { FlowNumbers } from './numbers.ts'
import type { FlowRun } from './run.ts'
import type { NewState } from './states.ts'
import { pastNoReturn } from './status.ts'

/** What is said of a flow when there is something for people to say. */
type Action = 'cancelled' | 'stopped' | 'paused' | 'resumed' | 'answered' | 'run again'

const by = (what: Action, { by: whom, reason }: Actor) =>
  `${what} by ${whom}${reason === undefined ? '' : `: ${reason}`}`

/** What decisions of people need of the flows. */
export interface ActionsHost {
  readonly world: Pick<World, 'now'>
  readonly reads: Pick<FlowReads, 'row' | 'journal'>
  readonly numbers: FlowNumbers
  specOf(mediator: string): MediatorSpec | undefined
  /** The row of a new flow. */
  rowOf(spec: MediatorSpec, message: FlowRow['message']): FlowRow
  /** Puts a flow into a state. False where a queued flow was to fail and has begun. */
  become(row: FlowRow, to: NewState): Promise<boolean>
  /** Makes a flow from its journal; the step with the number `repeat` is done again. */
  load(id: number, repeat?: number): Promise<FlowRun | undefined>
  /** Uses a flow, which is made where it is not in memory. Undefined where it is not under way. */
  use<T>(id: number, use: (run: FlowRun) => T): Promise<T | undefined>
  /** Tells a flow something and writes what follows, with changes. Undefined where it is not under way. */
  tell(id: number, apply: (run: FlowRun) => void, changes: () => readonly DeskChange[]): Promise<FlowRun | undefined>
  write(job: Pick<Job, 'flows' | 'changes'>): Promise<void>
}

export class FlowActions {
  private readonly host: ActionsHost

  constructor(host: ActionsHost) {
    this.host = host
  }

  /** Errors: `millrace/unknown-flow`, `millrace/flow-ended`, `millrace/unknown-part`, `millrace/past-no-return`. */
  async cancel(id: number, actor: Actor): Promise<void> {
    const row = await this.conducted(id)
    const why = by('cancelled', actor)
    const changes = [this.recorded(row, 'cancelled', actor)]
    if (row.state === 'queued') {
      const error = { code: 'millrace/flow-cancelled', message: why }
      if (await this.host.become(row, { state: 'failed', error, changes })) return
    }
    if (row.state === 'paused') return this.cancelPaused(row, why, changes)
    await this.say(id, (run) => run.cancel(why), changes)
  }

  /** It goes on with nothing but to undo: that it is cancelled is in its journal before it is made from that. */
  private async cancelPaused(row: FlowRow, why: string, changes: readonly DeskChange[]): Promise<void> {
    const { id, error } = row
    if (error?.code === 'millrace/flow-mismatch') {
      throw fault(
        'millrace/flow-mismatch',
        `flow ${id} cannot be cancelled, since its code does not fit: ${error.message}`,
      )
    }
    // Read in the middle of the change: nothing else is written of the flow between this read and that entry.
    const entries = async (): Promise<FlowChange[]> => {
      const journal = await this.host.reads.journal(id)
      if (journal.some(({ kind }) => kind === 'no return')) throw pastNoReturn(id)
      // One that was undoing already goes on with that.
      if (journal.some(({ kind, of, step }) => kind === 'cancel' || (of === null && isUndo(step)))) return []
      const n = this.host.numbers.newEntry()
      const entry = { n, of: null, kind: 'cancel', step: '', what: why, data: null, at: this.host.world.now() } as const
      return [{ do: 'entry', flow: id, entry }]
    }
    if (!(await this.host.become(row, { state: 'running', error: null, changes, entries })))
      throw await this.busyNow(id)
    await this.host.load(id)
  }

  /** Ends a flow as it is: nothing is undone. Errors: `millrace/unknown-flow`, `millrace/flow-ended`. */
  async stop(id: number, actor: Actor): Promise<void> {
    const row = await this.underWay(id)
    const message = by('stopped', actor)
    const changes = [this.recorded(row, 'stopped', actor)]
    await this.host.become(row, { state: 'stopped', error: { code: 'millrace/flow-stopped', message }, changes })
  }

  /** What comes for it waits. Errors: `millrace/unknown-flow`, `millrace/flow-ended`. */
  async pause(id: number, actor: Actor): Promise<void> {
    const row = await this.underWay(id)
    if (row.state === 'paused') return
    if (row.state !== 'running') throw fault('millrace/flow-busy', `flow ${id} is ${row.state} and cannot be paused`)
    const message = by('paused', actor)
    const changes = [this.recorded(row, 'paused', actor)]
    await this.host.become(row, { state: 'paused', error: { code: 'millrace/flow-paused', message }, changes })
  }

  /**
   * Goes on with a flow that is paused, or stuck.
   *
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`, `millrace/unknown-part`
   */
  async resume(id: number, actor: Actor): Promise<void> {
    const row = await this.conducted(id)
    const changes = [this.recorded(row, 'resumed', actor)]
    if (row.state === 'paused') await this.again(row, undefined, changes)
    else if (row.state === 'stuck') {
      const run = await this.host.load(id)
      if (run === undefined) throw await this.busyNow(id)
      if (run.status.isForward) await this.again(row, run.failedStep, changes)
      else await this.say(id, (there) => there.resume(), changes)
    }
  }

  /** Errors: `millrace/unknown-flow`, `millrace/flow-ended`, `millrace/not-asked`, `millrace/bad-data`, `millrace/not-json`. */
  async answer(id: number, step: string, value: unknown, actor: Actor): Promise<void> {
    const row = await this.answerable(id)
    const detail = { step, value: asJson(`answer to "${step}"`, value ?? null, Number.POSITIVE_INFINITY) }
    const changes = [this.recorded(row, 'answered', actor, detail)]
    await this.say(id, (run) => run.outside.answer(step, value), changes)
  }

  /** The schema of the answer to an open question of a flow. Errors: as of `answer`. */
  async schemaOf(id: number, step: string): Promise<AnySchema> {
    await this.answerable(id)
    const schema = await this.host.use(id, (run) => run.outside.schemaOf(step))
    if (schema === undefined) throw await this.busyNow(id)
    return schema
  }

  private async answerable(id: number): Promise<FlowRow> {
    const row = await this.underWay(id)
    if (row.state !== 'paused') return row
    throw fault('millrace/flow-busy', `flow ${id} is paused: resume it, then answer`)
  }

  /**
   * Runs a flow that has ended again as a new one, from a step on; what came before it is taken over with its results.
   *
   * @throws `millrace/unknown-flow`, `millrace/flow-busy`, `millrace/unknown-step`; `millrace/step-undone` where one of
   *   those was undone
   */
  async runAgain(id: number, from: string | undefined, actor: Actor): Promise<number> {
    const row = await this.known(id)
    if (row.endedAt === null)
      throw fault('millrace/flow-busy', `flow ${id} is ${row.state}: only a flow that has ended can run again`)
    const spec = this.specOf(row)
    const journal = await this.host.reads.journal(id)
    const kept = from === undefined ? [] : takenOver(journal, from, id, () => this.host.numbers.newEntry())
    const undone = kept.length === 0 ? [] : undoneSteps(row.state, journal)
    const lost = kept.find(({ of, step }) => of === null && undone.includes(step))
    if (lost !== undefined) {
      const what = `"${lost.step}", which flow ${id} has undone, comes before "${from}"`
      throw fault('millrace/step-undone', `${what}: its result no longer counts`)
    }
    const fresh: FlowRow = {
      ...this.host.rowOf(spec, row.message),
      version: from === undefined ? spec.version : row.version,
      state: spec.serial && row.context !== null ? 'queued' : 'running',
      rerunOf: id,
    }
    const changes = [this.recorded(row, 'run again', actor, { as: fresh.id, from: from ?? null })]
    await this.host.write({ flows: [{ do: 'start', row: fresh, journal: kept }], changes })
    await this.host.load(fresh.id)
    return fresh.id
  }

  private recorded(
    { id, mediator }: FlowRow,
    action: Action,
    { by, reason }: Actor,
    detail: unknown = null,
  ): DeskChange {
    const subject = `flow ${id} of ${mediator}`
    const at = this.host.world.now()
    const audit: Audit = { at, by, item: null, subject, action, reason: reason ?? null, detail }
    return { do: 'record', audit }
  }

  private async known(id: number): Promise<FlowRow> {
    const row = Number.isSafeInteger(id) ? await this.host.reads.row(id) : undefined
    if (row === undefined) throw fault('millrace/unknown-flow', `there is no flow ${id}`)
    return row
  }

  async underWay(id: number): Promise<FlowRow> {
    const row = await this.known(id)
    if (row.endedAt === null) return row
    throw fault('millrace/flow-ended', `flow ${id} of mediator "${row.mediator}" has ended already: ${row.state}`)
  }

  /** Tells a flow what a person says; an error of that is theirs. */
  private async say(id: number, apply: (run: FlowRun) => void, changes: readonly DeskChange[]): Promise<void> {
    let said = false
    let wrong: { readonly error: unknown } | undefined
    const run = await this.host.tell(
      id,
      (there) => {
        try {
          apply(there)
          said = true
        } catch (error) {
          wrong = { error }
        }
      },
      () => (said ? changes : []),
    )
    if (wrong !== undefined) throw wrong.error
    if (said && run !== undefined) return
    throw await this.busyNow(id)
  }

  private specOf({ mediator }: FlowRow): MediatorSpec {
    const spec = this.host.specOf(mediator)
    if (spec === undefined) throw fault('millrace/unknown-part', `mediator "${mediator}" is not running`)
    return spec
  }

  /** One under way whose mediator is there. */
  private async conducted(id: number): Promise<FlowRow> {
    const row = await this.underWay(id)
    this.specOf(row)
    return row
  }

  /** Why a flow takes nothing now. */
  private async busyNow(id: number): Promise<Error> {
    await this.conducted(id)
    return fault('millrace/flow-busy', `flow ${id} is being changed by another call: try again`)
  }

  /** Begins a flow anew from its journal, with a step that had failed done again. */
  private async again(row: FlowRow, repeat: number | undefined, changes: readonly DeskChange[]): Promise<void> {
    await this.host.become(row, { state: 'running', error: null, changes })
    await this.host.load(row.id, repeat)
  }
}
