// The flows of an app: those under way, in memory as long as something is done with them or there is room, and all that
// comes for them: events that start or continue them, ends of their commands, times, what people decide.
//
// Every input to a flow goes the same way:
//
//   it comes ──→ the flow is in memory (`memory`) ──→ told, until it rests (`run`) ──→ what it leaves is written in one
//   commit (`writing`) ──→ durable: what follows begins (`written` here)
//
// The end of a command, or of a flow that another waits for, is in the journal with the commit that ends it (`ends`); all
// other inputs are entries of that one commit. So a crash loses nothing: a flow whose journal ends with something that it
// was told is begun again at the next start (`take-up`).
import type { OpenCall } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { DueTime } from '../../seam/flow-times.ts'
import type { FlowChange, StepEnded } from '../../seam/flows.ts'
import type { FlowOutcome } from '../commit/handled.ts'
import type { Job } from '../commit/writes.ts'
import { FlowActions } from './actions.ts'
import { Claims } from './claims.ts'
import { DueTimes } from './due-times.ts'
import type { FlowsHost } from './flows-host.ts'
import type { MediatorSpec, Outbox, Step } from './host.ts'
import { Loading } from './loading.ts'
import { MailDelivery } from './mail-delivery.ts'
import { Making } from './making.ts'
import { Memory } from './memory.ts'
import { FlowNumbers } from './numbers.ts'
import type { FlowRun } from './run.ts'
import { Starting } from './starting.ts'
import { become } from './states.ts'
import { StepEnds } from './step-ends.ts'
import { takeUpUnfinished, takeUpWaiting, wakeTimes } from './take-up.ts'
import { TakingBack } from './taking-back.ts'
import { Times } from './times.ts'
import { Work } from './work.ts'
import { hasEnded, Writing } from './writing.ts'

export class Flows {
  readonly actions: FlowActions
  readonly starting: Starting
  private readonly host: FlowsHost
  private readonly specs: ReadonlyMap<string, MediatorSpec>
  private readonly work: Work
  private readonly memory: Memory<FlowRun>
  private readonly numbers = new FlowNumbers()
  private readonly making: Making
  private readonly writing: Writing
  private readonly ends: StepEnds<FlowRun, Job>
  private readonly times: Times
  private readonly mails: MailDelivery<FlowRun>
  private readonly takingBack: TakingBack

  constructor(host: FlowsHost) {
    const { world, store, envelopes, committer, withdrawals } = host
    const { numbers } = this
    const { rows, mail, times } = store.flows
    this.host = host
    this.specs = new Map(host.mediators.map((spec) => [spec.name, spec]))
    this.work = new Work(world, host.maybeIdle)
    const turn = () => this.turn()
    const runs = (mediator: string) => this.specs.has(mediator)
    const withdraw = (command: OpenCall) => withdrawals.ofFlow(command)
    this.making = new Making({
      world,
      envelopes,
      numbers,
      typeOf: host.typeOf,
      endsBehind: (flow) => this.ends.behind(flow),
      unprompted: (flow, why) => void this.tell(flow, (run) => run.pause(why)),
      withdraw,
      turn,
    })
    this.writing = new Writing({
      now: () => world.now(),
      write: (job) => committer.write(job),
      written: (run, outbox) => this.after(run, outbox),
    })
    this.ends = new StepEnds({
      newEntry: () => numbers.newEntry(),
      find: (id) => this.memory.find(id),
      hearing: (id) => this.memory.hearing(id),
      tell: (id, apply) => void this.tell(id, apply),
      load: (id) => this.load(id),
      leftBy: (run) => this.writing.leftBy(run),
      flushAtRest: (run) => void this.work.during(() => this.writing.flushAtRest(run)),
      turn,
    })
    this.starting = new Starting({
      claims: new Claims(world, store.flows.rows),
      envelopes,
      making: this.making,
      runs,
      begun: (run, outbox) => {
        // What came with the same sync may have begun to make it from its journal.
        if (!this.memory.has(run.id)) this.memory.keep(run)
        this.after(run, outbox)
      },
      queued: (mediator, context) => this.next(mediator, context),
    })
    const due = new DueTimes({
      world,
      times,
      stateOf: (flow) => rows.stateOf(flow),
      runs,
      tell: (time) => this.timeUp(time),
      write: (flows) => this.write({ flows }),
    })
    this.times = new Times(world, {
      tellDue: () => this.work.during(() => due.tell()),
      told: () => host.maybeIdle(),
    })
    this.mails = new MailDelivery({
      mail,
      find: (id) => this.memory.find(id),
      load: (id) => this.load(id),
      withRun: (id, use) => this.memory.use(id, use),
      flush: async (run) => {
        await this.writing.flush(run)
        this.memory.mayLeave(run)
      },
      messageOf: (stored) => this.making.messageOf(stored),
      during: (work) => this.work.during(work),
    })
    const specOf = (mediator: string) => this.specs.get(mediator)
    const loading = new Loading({
      rows,
      making: this.making,
      specOf,
      inJournal: (...read) => this.ends.inJournal(...read),
      keep: (run) => this.memory.keep(run),
      flush: (run) => this.writing.flush(run),
      offerMail: (run) => this.mails.offer(run),
      next: (mediator, context, after) => this.next(mediator, context, after),
      write: (flows) => this.write({ flows }),
    })
    const isOpen = () => this.work.isOpen
    this.memory = new Memory({ isOpen, make: (...given) => loading.make(...given) }, host.hotFlowsMax)
    const states = {
      memory: this.memory,
      now: () => world.now(),
      underWay: (id: number) => this.actions.underWay(id),
      write: (job: Pick<Job, 'flows' | 'ends' | 'changes'>) => this.write(job),
      ended: (row: FlowRow) => this.hasEnded(row),
    }
    this.actions = new FlowActions({
      world,
      reads: store.flowReads,
      numbers,
      specOf,
      rowOf: (spec, message) => this.making.rowOf(spec, message),
      become: (row, to) => this.work.counted(() => become(row, to, states)),
      load: (id, repeat) => this.load(id, repeat),
      use: (id, use) => this.work.counted(() => this.memory.use(id, use)),
      tell: (id, apply, changes) => this.tell(id, apply, changes),
      write: (job) => this.write(job),
    })
    this.takingBack = new TakingBack({
      world,
      rows,
      withdraw,
      tell: (id, apply) => this.tell(id, apply),
      cancel: (id, by, reason) => this.actions.cancel(id, { by, reason }),
      settled: () => this.write({}),
    })
    numbers.takeOver(host.found.last)
    this.times.changed(host.found.nextDue)
  }

  /** Continues with flows that were told something before the last run ended. */
  takeUp(): void {
    if (this.specs.size === 0) return
    const { rows, times, takeUp } = this.host.store.flows
    const host = {
      rows,
      times,
      takeUp,
      isOpen: () => this.work.isOpen,
      runs: (mediator: string) => this.specs.has(mediator),
      load: (id: number) => this.load(id),
      write: (flows: readonly FlowChange[]) => this.write({ flows }),
      turn: () => this.turn(),
    }
    for (const mediator of this.specs.keys()) {
      void this.work.during(() => takeUpUnfinished(mediator, host))
      void this.work.during(() => takeUpWaiting(mediator, host))
    }
    this.times.begin()
    void this.work.during(() => wakeTimes(host))
  }

  end(): void {
    this.work.end()
    this.times.end()
  }

  get idle(): boolean {
    return this.work.isIdle && this.times.idle
  }

  // ── what comes ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Keeps an event for flows of its context that wait for it, or will. */
  mail(spec: MediatorSpec, message: FlowRow['message'], context: string): FlowOutcome {
    const { name: mediator } = spec
    const mail = { n: this.numbers.newMail(), mediator, context, message, at: this.host.world.now() }
    const written = () => this.mails.written(mediator, context, message.type)
    return { flows: [{ do: 'mail', mail }], outgoing: [], written }
  }

  /** The number of the end of a step, in the transaction that is being made. */
  numberOf(flow: number, of: number): number {
    return this.ends.numberOf(flow, of)
  }

  /** Steps have ended, and that is committed. Returns what flows leave that can be written before it is durable. */
  ahead(ended: readonly StepEnded[], others: { readonly begins: boolean }): Promise<Job[]> {
    return this.ends.ahead(ended, others)
  }

  /** Steps have ended, and that is durable; and when the next time comes, where that has changed. */
  written(ended: readonly StepEnded[], nextDue: number | null | undefined): void {
    this.ends.written(ended)
    if (nextDue !== undefined) this.times.changed(nextDue)
  }

  private async timeUp({ flow, n }: DueTime): Promise<boolean> {
    let late: Step | undefined
    const run = await this.tell(flow, (there) => {
      late = there.outside.timeUp(n)
    })
    return run !== undefined && (late === undefined || this.takingBack.step(run, late, 'took too long'))
  }

  // ── one flow ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Tells a flow something, and writes what follows, with changes. Undefined where the flow is not under way. */
  private tell(
    id: number,
    apply: (run: FlowRun) => void,
    changes?: () => readonly DeskChange[],
  ): Promise<FlowRun | undefined> {
    return this.work.during(async () => {
      const told = await this.memory.use(id, (run) => ({ run, rests: run.input(() => apply(run)) }))
      if (told === undefined) return undefined
      const { run, rests } = told
      await rests
      if (run.status.isDismissed) return undefined
      await this.writing.flush(run, changes?.())
      this.memory.mayLeave(run)
      return run
    })
  }

  private load(id: number, repeat?: number): Promise<FlowRun | undefined> {
    return this.work.during(() => this.memory.load(id, repeat))
  }

  // ── what follows ───────────────────────────────────────────────────────────────────────────────────────────────

  /** What a flow has left is durable. */
  private after(run: FlowRun, outbox: Outbox): void {
    const { changes, waits, starts, lost } = outbox
    if (changes.some(leaves)) this.memory.drop(run.id)
    const { unprompted } = run.differences
    if (unprompted !== undefined) void this.tell(run.id, (there) => there.pause(unprompted))
    if (run.undo.waitsForDisk) void this.tell(run.id, (there) => there.undo.saved())
    if (waits) this.mails.offer(run)
    for (const id of starts) void this.load(id)
    for (const step of lost) {
      if (step.outcome === undefined) void this.work.during(() => this.takingBack.step(run, step, 'lost a race'))
    }
    if (hasEnded(outbox)) this.hasEnded(run.row)
    this.memory.mayLeave(run)
  }

  private hasEnded({ id, mediator, context }: FlowRow): void {
    this.ends.forget(id)
    if (this.specs.get(mediator)?.serial && context !== null) this.next(mediator, context)
  }

  /** Begins the flow whose turn it is in a context. */
  private next(mediator: string, context: string, after?: number): void {
    void this.work.during(async () => {
      const first = await this.host.store.flows.rows.next(mediator, context)
      if (first !== undefined && first !== after) await this.memory.load(first)
    })
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => this.host.world.soon(resolve))
  }

  private write(job: Pick<Job, 'flows' | 'ends' | 'outgoing' | 'changes'>): Promise<void> {
    return this.host.committer.written(job)
  }
}

/** After it a flow is not in memory. */
const leaves = (change: FlowChange) => change.do === 'state' && (change.endedAt !== null || change.state === 'paused')
