// The compensation of a flow: its steps are undone one by one, the last first.
//
//   idle ──the last step that can be undone──→ running ──its undo returns──→ idle
//     │                                          └──its undo throws──→ stuck ──resumed──→ idle: it is undone again
//     ├──that step is a subflow under way──→ waits for its end ──→ idle
//     ├──that step is open and the flow has changes to write──→ waits for the disk ──→ idle
//     └──no step is left──→ compensated, or failed where no undo did anything
//
// A step is undone once. It is withdrawn before its undo runs, and a command is withdrawn only after the reason of the
// compensation is on disk: else a crash could leave the flow running without the command.
import { type ErrorRecord, fault, recordError } from '../../model/errors.ts'
import { commandIdOf, type FlowState, isUndoOf, type OpenCall, type Outcome } from '../../model/flow.ts'
import type { FunctionEnd } from './branches.ts'
import type { Step, StepResult } from './host.ts'
import type { StepNames } from './names.ts'
import { openCallOf } from './steps.ts'

/** Where a flow is: its journal has more, or not. */
export type Where = 'in the journal' | 'at the end'

/** What the compensation needs of its flow. */
export interface UndoFlow {
  readonly id: number
  readonly steps: { readonly open: Iterable<Step> }
  readonly journal: { readonly hasChanges: boolean; lose(step: Step): void }
  readonly replay: { readonly isDone: boolean }
  readonly delivery: {
    isOpen(step: Step): boolean
    deliverEndOf(step: Step): boolean
    conclude(step: Step, outcome: Outcome): void
  }
  readonly branches: { readonly hasLosers: boolean; run(fn: () => unknown): Promise<FunctionEnd> }
  readonly status: {
    readonly state: FlowState
    become(state: 'compensating' | 'compensated' | 'failed'): void
    halt(state: 'stuck', why: ErrorRecord): void
  }
  readonly host: UndoHost
}

/** What it needs of the engine. */
export interface UndoHost {
  /** Takes a command back that has not been handled; `unknown` where an attempt was running and was fenced. */
  withdraw(command: OpenCall): Promise<'never' | 'unknown'>
  /** Resolves in a later turn of the event loop. */
  turn(): Promise<void>
}

export class Undo {
  private readonly flow: UndoFlow
  private readonly names: StepNames
  /** Steps that may have to be undone, in the order in which they began. */
  private readonly left: Step[] = []
  private undone: Set<number> | undefined
  /** True once an undo did something. */
  private hasEffects = false
  private running: { readonly step: Step; end: FunctionEnd | undefined } | undefined
  /** The subflow whose end the compensation waits for, or the disk. */
  private waitsFor: Step | 'disk' | undefined

  constructor(flow: UndoFlow, names: StepNames) {
    this.flow = flow
    this.names = names
  }

  /** Adds a step that begins. */
  add(step: Step): void {
    this.left.push(step)
  }

  /** True where the compensation continues when the flow's changes are on disk. */
  get waitsForDisk(): boolean {
    return this.waitsFor === 'disk'
  }

  /** The changes of the flow are on disk. */
  saved(): void {
    if (this.waitsFor === 'disk') this.waitsFor = undefined
  }

  /** True where an undo runs that has begun a step which has not ended. */
  get awaitsStep(): boolean {
    return this.running !== undefined && this.running.end === undefined && this.hasOpen(this.running.step)
  }

  /** Forgets the undo that failed: it runs again. */
  retry(): void {
    this.running = undefined
  }

  /**
   * Undoes steps as far as that is possible without waiting. Where the journal has more, as far as that goes: nothing is
   * taken back and nothing ends that the journal does not have.
   */
  async advance(where: Where = 'at the end'): Promise<void> {
    const { flow } = this
    for (;;) {
      if (this.running !== undefined && !this.finish(this.running)) return
      const step = this.last()
      if (step === undefined) {
        if (where === 'in the journal') return
        if (!flow.branches.hasLosers) flow.status.become(this.hasEffects ? 'compensated' : 'failed')
        return
      }
      if (where === 'in the journal' && step.outcome === undefined && !flow.delivery.deliverEndOf(step)) return
      if (step.entry.kind === 'flow' && step.outcome === undefined && !flow.delivery.deliverEndOf(step)) {
        flow.status.become('compensating')
        if (this.waitsFor !== step) flow.journal.lose(step)
        this.waitsFor = step
        return
      }
      if (flow.delivery.isOpen(step) && flow.journal.hasChanges) {
        flow.status.become('compensating')
        this.waitsFor = 'disk'
        return
      }
      const result = await this.resultOf(step)
      if (result === undefined || step.plan.undo === undefined) {
        this.done(step)
        this.hasEffects ||= step.entry.kind === 'flow'
        continue
      }
      flow.status.become('compensating')
      this.begin(step, result)
      await flow.host.turn()
    }
  }

  /** The last step that can be undone. */
  private last(): Step | undefined {
    for (; ; this.left.pop()) {
      const step = this.left.at(-1)
      if (step === undefined) return undefined
      const { plan, entry, outcome } = step
      const undoable = plan.undo !== undefined || (entry.kind === 'flow' && outcome === undefined)
      if (undoable && !this.undone?.has(entry.n)) return step
    }
  }

  private done({ entry }: Step): void {
    this.undone = (this.undone ?? new Set()).add(entry.n)
  }

  private begin(step: Step, result: StepResult): void {
    this.names.openUndo(step.entry.step)
    const running: NonNullable<Undo['running']> = { step, end: undefined }
    this.running = running
    this.flow.branches
      .run(() => step.plan.undo!(result))
      .then((end) => {
        running.end = end
      })
  }

  /** Looks at the undo that runs; returns whether it has succeeded. */
  private finish({ step, end }: NonNullable<Undo['running']>): boolean {
    if (end === undefined) {
      this.checkAwaits(step)
      return false
    }
    this.running = undefined
    if (!end.ok) {
      const why = recordError(end.value)
      this.flow.status.halt('stuck', { ...why, message: `undo of "${step.entry.step}": ${why.message}` })
      return false
    }
    this.done(step)
    this.hasEffects = true
    return true
  }

  /** An undo that has not ended awaits a step of its own, or else something that no journal has. */
  private checkAwaits(step: Step): void {
    const { replay, status } = this.flow
    const { entry } = step
    if (!replay.isDone || status.state !== 'compensating' || this.hasOpen(step)) return
    const what = `undo of "${entry.step}": it waits for something that is no step of \`flow\``
    this.flow.status.halt('stuck', recordError(fault('millrace/flow-waits-outside', what)))
  }

  /** True where the undo of a step has an open step. */
  private hasOpen({ entry }: Step): boolean {
    for (const step of this.flow.steps.open) if (isUndoOf(step.entry.step, entry.step)) return true
    return false
  }

  /** The result of a step, as its undo gets it; an open one is withdrawn first. Undefined: it had no effect. */
  private async resultOf(step: Step): Promise<StepResult | undefined> {
    const { delivery } = this.flow
    if (step.outcome === undefined && !delivery.deliverEndOf(step)) {
      const effects = await this.flow.host.withdraw(openCallOf(this.flow.id, step))
      // It may have ended while it was being withdrawn.
      if (step.outcome === undefined) {
        delivery.conclude(step, { ok: false, code: 'millrace/flow-cancelled', message: 'withdrawn', effects })
      }
    }
    const outcome = step.outcome!
    const commandId = this.commandIdOf(step)
    if (outcome.ok) return { state: 'done', reply: outcome.value, commandId }
    return outcome.effects === 'unknown' ? { state: 'unknown', commandId } : undefined
  }

  /** The id of the last command of a step; a step that was taken over from another flow has that of the other. */
  private commandIdOf({ entry, attempt }: Step): string {
    const copied = (entry.data as { commandId?: string } | null)?.commandId
    return attempt === entry.n ? (copied ?? commandIdOf(this.flow.id, entry.n)) : commandIdOf(this.flow.id, attempt)
  }
}
