// One run of a mediator for one initiating event: the function of the mediator, and its journal. It holds the order of
// events; each leaf owns its fields. `status.ts` draws the phases and states.
//
// The journal has an entry for each step that began and one for each that ended, in the order in which the function got
// them. A run that is not in memory is made anew from it: the function runs from its beginning, each step that it begins
// is found by its name, and the ends are delivered in the order of the journal, one by one, each when the function has
// done everything that follows from the one before. So it takes the same way, and nothing is done twice.
//
//   begin ──→ an entry of the journal ──→ a turn of the event loop ──→ … ──→ advance ──→ resting
//   input ──→ an end or an input ──→ a turn ──→ advance ──→ … nothing is left ──→ resting
//
// advance decides what follows when the function waits: nothing, its end, the next undo, or a halt.
//
// Who may write what, and when:
//   status           this file; `calls` the point of no return; `undo` the states of a compensation
//   steps            `calls` begins them, while the inbox replays or works; `delivery` closes them, once each
//   journal          `calls` begins, `delivery` ends, `status` the state, this file what people do
//   inbox            `delivery` puts ends in and takes them out; this file the inputs
//   undo             in phase undoing, when the function has done everything that follows from what it got

import type { ErrorRecord } from '../../model/errors.ts'
import { recordError } from '../../model/errors.ts'
import type { JournalEntry } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { Message } from '../../model/message.ts'
import { Branches, type FunctionEnd } from './branches.ts'
import { Calls } from './calls.ts'
import { Flow } from './context.ts'
import { Differences } from './differences.ts'
import { EndDelivery } from './end-delivery.ts'
import { Ending } from './ending.ts'
import type { FlowHost, Step } from './host.ts'
import { Inbox } from './inbox.ts'
import { Journal } from './journal.ts'
import { StepNames } from './names.ts'
import { Outside } from './outside.ts'
import { Replay } from './replay.ts'
import { Status } from './status.ts'
import { Steps } from './steps.ts'
import { successorOf } from './successor.ts'
import { Undo, type Where } from './undo.ts'

export class FlowRun {
  readonly id: number
  readonly row: FlowRow
  readonly host: FlowHost
  readonly ending: Ending
  readonly journal: Journal
  readonly status: Status
  readonly inbox: Inbox
  readonly replay = new Replay()
  readonly steps = new Steps()
  readonly branches: Branches
  readonly differences: Differences
  readonly delivery: EndDelivery
  readonly outside: Outside
  readonly undo: Undo
  private readonly calls: Calls

  constructor(host: FlowHost, row: FlowRow) {
    const names = new StepNames()
    this.host = host
    this.row = row
    this.id = row.id
    this.ending = new Ending(host.spec.name)
    this.journal = new Journal(row.id, host)
    this.status = new Status(this)
    this.inbox = new Inbox(row.mailAfter)
    this.branches = new Branches(host)
    this.differences = new Differences(this)
    this.delivery = new EndDelivery(this)
    this.outside = new Outside(this)
    this.undo = new Undo(this, names)
    this.calls = new Calls(this, names)
  }

  /** Begins the function; with a journal, up to where that ends. The step with the number `repeat` is done again. */
  async begin(message: Message, journal: readonly JournalEntry[], repeat?: number): Promise<void> {
    const { inbox, replay, host } = this
    replay.load(journal, repeat)
    this.delivery.loaded(journal.at(-1)?.n ?? 0)
    if (this.status.state === 'queued') this.status.become('running')
    inbox.become('replaying')
    const run = host.spec.runs.get(this.row.version)!
    this.branches.run(() => run(message, new Flow(this.calls))).then((end) => this.ending.ended(end))
    await host.turn()
    while (this.differences.mismatch === undefined) {
      // Cancelled while it was paused: the function does not get the ends that came before that.
      const cancel = replay.cancelAhead()
      if (cancel !== undefined) this.cancelNow(cancel.what)
      const entry = replay.next()
      if (entry === undefined) break
      this.closeEnded()
      await this.replayEntry(entry)
    }
    await this.advance()
    inbox.become('resting')
  }

  private async replayEntry(entry: JournalEntry): Promise<void> {
    const { steps, replay } = this
    if (entry.of === null) {
      if (entry.kind === 'cancel') this.cancelNow(entry.what)
      else if (entry.kind === 'resume') await this.replayResume()
      else if (!steps.has(entry.n)) {
        // An undo begins when everything before it is done.
        await this.advance('in the journal')
        if (!steps.has(entry.n)) this.differences.lacks(entry)
      }
    } else if (!replay.repeats.isVoid(entry.of)) this.delivery.deliver(entry)
    await this.host.turn()
  }

  private async replayResume(): Promise<void> {
    // The undo that failed may have begun no step: it fails again first, so that the next one gets its own name.
    await this.advance('in the journal')
    // Where today's code does not fail, the undo waits for a step of its own: run again, it would do that twice.
    if (!this.undo.awaitsStep) this.undoAgain()
  }

  /** Takes an input. Resolves when the flow rests again; what it leaves is in the journal then. */
  input(apply: () => void): Promise<void> {
    const { inbox } = this
    inbox.put(apply)
    if (!inbox.works) {
      inbox.become('working')
      inbox.rests = this.work()
    }
    return inbox.rests
  }

  private async work(): Promise<void> {
    const { inbox, delivery, status } = this
    try {
      while (!status.hasEnded && !status.isDismissed) {
        // As at a replay: one after the other, in the order of the journal.
        const end = delivery.next()
        if (end !== undefined) delivery.deliver(end)
        else {
          const apply = inbox.nextInput()
          if (apply === undefined) return
          apply()
          if (inbox.hasEnds) continue
        }
        await this.host.turn()
        await this.advance()
      }
      inbox.dropInputs()
    } finally {
      inbox.become('resting')
    }
  }

  /**
   * Decides what follows when the function has done everything that follows from what it got. A flow whose journal has
   * more does not end there.
   */
  private async advance(where: Where = 'at the end'): Promise<void> {
    const { status, ending, differences } = this
    if (differences.mismatch !== undefined) {
      status.halt('paused', recordError(differences.mismatch))
      return
    }
    if (status.hasEnded || status.isHalted || status.isDismissed) return
    const end = ending.function
    if (end === undefined) {
      this.checkAwaits()
      return
    }
    if (end.ok) {
      status.close('returned')
      if (where === 'at the end' && !this.branches.hasLosers) this.complete(end.value)
      return
    }
    if (status.isForward) {
      ending.failure = recordError(end.value)
      status.halt('stuck', ending.failure)
      return
    }
    // Steps that other branches of the function were about to begin lead nowhere.
    if (this.closeFailed(end)) await this.host.turn()
    await this.undo.advance(where)
  }

  /** A running flow without an open step awaits something that no journal has. */
  private checkAwaits(): void {
    const { status, steps, replay, differences } = this
    if (steps.open.size > 0 || !replay.isDone || status.state !== 'running') return
    status.halt('paused', differences.awaitsOutside())
  }

  private complete(result: unknown): void {
    const { ending, journal, row, inbox } = this
    const { successor } = this.calls
    ending.result = result
    this.status.become('completed')
    if (successor !== undefined) journal.start(successorOf({ row, mail: inbox.mailOfAll }, successor))
  }

  /** During a replay: the branches of a function that has ended get nothing more. */
  private closeEnded(): void {
    const end = this.ending.function
    if (end?.ok) this.status.close('returned')
    else if (end !== undefined) this.closeFailed(end)
  }

  /** Closes a function that has failed, unless its flow only goes forward; returns whether it did. */
  private closeFailed(end: FunctionEnd): boolean {
    if (this.status.isForward || !this.status.close('undoing')) return false
    this.ending.failed(end)
    return true
  }

  /** Errors: `millrace/past-no-return`, `millrace/flow-busy`, `millrace/flow-mismatch`. */
  cancel(reason: string): void {
    const { mismatch } = this.differences
    if (mismatch !== undefined) throw mismatch
    this.status.checkCancel()
    this.journal.record('cancel', reason)
    this.cancelNow(reason)
  }

  private cancelNow(reason: string): void {
    if (this.status.isOpen) this.ending.cancelled(reason)
  }

  /** Runs the undo again at which the flow is stuck. */
  resume(): void {
    if (this.status.state !== 'stuck') return
    this.journal.record('resume', '')
    this.undoAgain()
  }

  private undoAgain(): void {
    this.undo.retry()
    this.ending.obstacle = null
    this.status.become('compensating')
  }

  /** Stops a flow that cannot continue, with the reason. */
  pause(why: ErrorRecord): void {
    const { state } = this.status
    if (state === 'running' || state === 'compensating') this.status.halt('paused', why)
  }

  /** The step at which a flow that only goes forward is stuck. */
  get failedStep(): number | undefined {
    const end = this.ending.function
    return this.status.isForward && end !== undefined ? this.steps.failedWith(end.value)?.entry.n : undefined
  }

  /** A branch lost its race while a step of it was open. */
  lose(step: Step): void {
    const { kind, step: name } = step.entry
    if (kind === 'call' || kind === 'flow') this.journal.lose(step)
    else this.delivery.conclude(step, { ok: false, code: 'millrace/step-cancelled', message: `"${name}" lost a race` })
  }

  /** True where nothing is done with the flow and everything that it left is on disk. */
  get isFree(): boolean {
    return this.inbox.isResting && this.journal.isWritten && !this.branches.hasLosers
  }

  /** True where it has ended and another flow continues in its place. */
  get isContinued(): boolean {
    return this.status.state === 'completed' && this.calls.successor !== undefined
  }
}
