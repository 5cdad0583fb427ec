// The flows of an app: those under way, in memory as long as something is done with them or there is room, and all that
// comes for them: events that start or continue them, ends of their commands, times, what people say.
//
// Every input to a flow goes the same way: the flow is there (made anew from its journal where it is not), it is told,
// runs until it rests, and what that leaves (entries, commands, its state) is written in one commit. The end of a command
// is in the journal with the commit of the command; all other inputs are entries of that one commit. So a crash loses
// nothing: a flow whose journal ends with something that it was told is begun again at the next start.
import { decode, type Stored } from '../../model/codec.ts'
import { type ErrorRecord, fault, recordError } from '../../model/errors.ts'
import { flowEnds, type JournalEntry, outcomeOfFlow, type ParentFlow } from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { Message, MessageType } from '../../model/message.ts'
import { inBrief } from '../../model/people.ts'
import { isPromise } from '../../model/promise.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { FlowsFound, UnderWay, WaitingFlow } from '../../seam/flow-take-up.ts'
import type { SleepingTime } from '../../seam/flow-times.ts'
import type { FlowChange, StepEnded } from '../../seam/flows.ts'
import type { Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'
import type { StepEnd } from '../commit/asked.ts'
import type { FlowOutcome as Also } from '../commit/handled.ts'
import type { Job } from '../commit/writes.ts'
import { KeyedMutex } from '../kit/keyed-mutex.ts'
import type { Withdrawals } from '../request/withdrawals.ts'
import { FlowActions } from './actions.ts'
import type { Attempted } from './attempted.ts'
import { Claims } from './claims.ts'
import { EndsUnderWay } from './ends-under-way.ts'
import type { FlowEnvelopes, FlowHost, MediatorSpec, Outbox } from './host.ts'
import { MailDelivery } from './mail-delivery.ts'
import { FlowNumbers } from './numbers.ts'
import { FlowRun } from './run.ts'
import { openCallOf } from './steps.ts'
import { Times } from './times.ts'

export interface FlowsAround {
  readonly world: World
  readonly store: Store
  readonly committer: { write(job: Job): void; written(job: Job): Promise<void> }
  readonly withdrawals: Withdrawals
  readonly mediators: readonly MediatorSpec[]
  /** Flows in memory that wait for something. */
  readonly hotFlowsMax: number
  /** What the take-over has found. */
  readonly found: FlowsFound
  readonly envelopes: FlowEnvelopes
  typeOf(name: string): MessageType | undefined
  maybeIdle(): void
}

const timersAtOnce = 1_000
/** How often a flow is told of a time that it cannot be told. */
const triesMax = 100
/** Turns that flows have to come to rest before what they leave has to wait for the next group. */
const aheadTurns = 3
const onceCharsMax = 1_024
/** At how many of the oldest it is looked whether one can leave memory for a new one. */
const evictLooks = 16
/** How many flows are looked up at once, where there may be many. */
const sliceFlows = 256

export class Flows {
  readonly actions: FlowActions
  private readonly around: FlowsAround
  readonly specs: ReadonlyMap<string, MediatorSpec>
  private readonly hot = new Map<number, FlowRun>()
  private readonly loading = new Map<number, Loading>()
  /** Flows that are being put into a state from outside. */
  private readonly changing = new KeyedMutex<number>()
  /** Of serial flows, by mediator and context: one at a time asks for its turn and begins. */
  private readonly turns = new KeyedMutex<string>()
  /** Flows that are to be told something when they are made, and how often. */
  private readonly wanted = new Map<number, number>()
  private readonly times: Times
  private readonly mails: MailDelivery<FlowRun>
  private readonly numbers = new FlowNumbers()
  private readonly ends = new EndsUnderWay(() => this.numbers.newEntry())
  /** Times that flows could not be told yet, and how often. */
  private readonly untold = new Map<string, number>()
  private busy = 0
  private open = true
  /** Ends of commands that flows were told before they were durable. */
  private readonly toldAhead = new Set<StepEnded>()
  private readonly claims: Claims

  constructor(around: FlowsAround) {
    this.around = around
    this.actions = new FlowActions(this, around.store, around.world, this.numbers)
    this.specs = new Map(around.mediators.map((spec) => [spec.name, spec]))
    this.claims = new Claims(around.world, around.store)
    this.times = new Times(around.world, {
      tellDue: () => this.during(() => this.tellDue()),
      told: () => around.maybeIdle(),
    })
    this.mails = new MailDelivery({
      mail: around.store.flows.mail,
      find: (id) => this.hot.get(id),
      load: (id) => this.during(() => this.load(id)),
      withRun: (id, use) => this.withRun(id, use),
      flush: async (run) => {
        await this.flush(run)
        this.mayLeave(run)
      },
      messageOf: (stored) => this.messageOf(stored),
      during: (work) => this.during(work),
    })
    this.numbers.takeOver(around.found.last)
    this.times.changed(around.found.nextDue)
  }

  /** Goes on with flows that were told something before the last run ended. */
  takeUp(): void {
    if (this.specs.size === 0) return
    for (const mediator of this.specs.keys()) {
      void this.during(() => this.takeUpUnfinished(mediator))
      void this.during(() => this.takeUpWaiting(mediator))
    }
    void this.during(() => this.wake())
  }

  /** Times that nobody was there for come again; of a flow that was paused since they were read the commit leaves them. */
  private async wake(): Promise<void> {
    this.times.begin()
    for (let last: SleepingTime | undefined; this.open; ) {
      const slice = await this.around.store.flows.times.asleep(last, sliceFlows)
      if (slice.length === 0) break
      const awake = slice.filter(({ mediator, state }) => state !== 'paused' && this.specs.has(mediator))
      if (awake.length > 0) await this.write({ flows: awake.map(({ flow, n }) => ({ do: 'awake', flow, n })) })
      else await this.turn()
      last = slice.at(-1)
    }
  }

  private async takeUpUnfinished(mediator: string): Promise<void> {
    const { takeUp } = this.around.store.flows
    for (let last: UnderWay | undefined; this.open; ) {
      const slice = await takeUp.underWay(mediator, last, sliceFlows)
      if (slice.length === 0) return
      await this.loadAll(slice.filter(({ unfinished }) => unfinished))
      last = slice.at(-1)
    }
  }

  private async takeUpWaiting(mediator: string): Promise<void> {
    const { takeUp, rows } = this.around.store.flows
    for (let last = ''; this.open; ) {
      const slice = await takeUp.waiting(mediator, last, sliceFlows)
      if (slice.length === 0) return
      const first: WaitingFlow[] = []
      for (const waiting of slice) {
        if ((await rows.next(mediator, waiting.context)) === waiting.id) first.push(waiting)
      }
      await this.loadAll(first)
      last = slice.at(-1)!.context
    }
  }

  private async loadAll(flows: readonly { readonly id: number }[]): Promise<void> {
    await Promise.all(flows.map(({ id }) => this.during(() => this.load(id))))
    // Others have their turn, however few there were to load.
    await this.turn()
  }

  end(): void {
    this.open = false
    this.times.end()
  }

  get idle(): boolean {
    return this.busy === 0 && this.times.idle
  }

  // ── what starts and continues flows ────────────────────────────────────────────────────────────────────────────

  /**
   * Starts a flow; what it leaves is written with the end of the attempt at its initiating event. Undefined where there
   * is one for that value already.
   */
  async start(spec: MediatorSpec, stored: Stored, message: Message, attempt: Attempted): Promise<Also | undefined> {
    const once = spec.oncePer === undefined ? null : checkOnce(spec, spec.oncePer(message.data))
    let free = () => {}
    if (once !== null) {
      const claimed = await this.claims.take(spec.name, once, attempt)
      if (claimed === undefined) return undefined
      free = claimed
    }
    const row = this.rowOf(spec, stored, once)
    if (spec.serial && row.context !== null) {
      const { context } = row
      const written = () => {
        free()
        this.next(spec.name, context)
      }
      return { flows: [{ do: 'start', row: { ...row, state: 'queued' } }], outgoing: [], written, dropped: free }
    }
    const run = new FlowRun(this.hostOf(spec, row), row)
    try {
      await run.begin(message, [])
    } catch (error) {
      free()
      throw error
    }
    const outbox = run.journal.take()
    const written = () => {
      free()
      // What came with the same sync may have begun to make it from its journal.
      if (!this.hot.has(run.id) && !this.loading.has(run.id)) this.keep(run)
      this.after(run, outbox)
    }
    return { flows: [{ do: 'start', row }, ...outbox.changes], outgoing: outbox.outgoing, written, dropped: free }
  }

  /** Starts a flow with data of a route, about the message of an attempt. */
  startFrom(spec: MediatorSpec, data: unknown, attempt: Attempted, index: number): Promise<Also | undefined> {
    const { processor, message } = attempt
    if (!this.specs.has(spec.name)) {
      throw fault('millrace/unknown-part', `mediator "${spec.name}" is not running: its flows cannot be started`)
    }
    const { envelopes } = this.around
    const origin = envelopes.derivedFrom(message, processor.name, `${message.id}/${index}`)
    const stored = envelopes.unplaced(spec.startedBy, data, origin)
    return this.start(spec, stored, decode(spec.startedBy, stored), attempt)
  }

  rowOf(spec: MediatorSpec, message: Stored, once: string | null = null): FlowRow {
    const { world } = this.around
    return {
      id: this.numbers.newFlow(),
      mediator: spec.name,
      version: spec.version,
      context: message.context,
      state: 'running',
      message,
      once,
      parent: null,
      rerunOf: null,
      continues: null,
      mailAfter: null,
      error: null,
      result: undefined,
      startedAt: world.now(),
      endedAt: null,
    }
  }

  /** Keeps an event for flows of its context that wait for it, or will. */
  mail(spec: MediatorSpec, stored: Stored, context: string): Also {
    const { world } = this.around
    const mail = { n: this.numbers.newMail(), mediator: spec.name, context, message: stored, at: world.now() }
    const written = () => this.mails.written(spec.name, context, stored.type)
    return { flows: [{ do: 'mail', mail }], outgoing: [], written }
  }

  /** The number of the end of a step, in the transaction that is being made. */
  numberOf(flow: number, of: number): number {
    return this.ends.begin(flow, of)
  }

  /** Steps have ended, which is durable; and when the next time comes, where that has changed. */
  written(ended: readonly StepEnded[], nextDue: number | null | undefined): void {
    for (const change of ended) {
      if (!this.toldAhead.delete(change)) this.stepEnded(change.flow, change.entry)
    }
    if (nextDue !== undefined) this.times.changed(nextDue)
  }

  /**
   * Tells flows how their steps have ended before that is durable: they only compute, and what follows goes with the
   * same sync. Those with which something else is being done are told afterwards.
   */
  async ahead(ended: readonly StepEnded[], begins: boolean): Promise<Job[]> {
    const runs = new Set<FlowRun>()
    const { promise, resolve: letGo } = Promise.withResolvers<void>()
    for (const change of ended) {
      const { flow } = change
      const entry = this.ends.written(flow, change.entry)
      const run = this.hot.get(flow)
      this.there(flow)?.delivery.receive(entry)
      if (run === undefined || (!runs.has(run) && !run.isFree)) continue
      this.toldAhead.add(change)
      runs.add(run)
      run.journal.ahead = promise
      void run.input(() => run.delivery.receive(entry))
    }
    if (runs.size === 0 && !begins) return []
    // What begins takes a turn to come to rest, and its attempt another.
    if (begins) await this.turn()
    for (let turn = 0; turn < aheadTurns && [...runs].some(({ inbox }) => inbox.works); turn++) await this.turn()
    if (begins) await this.turn()
    const jobs: Job[] = []
    for (const run of runs) {
      run.journal.ahead = undefined
      // One that undoes may wait for others: what it leaves is written when it rests, all together.
      const job = run.inbox.works ? undefined : this.leftBy(run)
      if (run.inbox.works) void this.during(() => this.flushAtRest(run))
      else if (job !== undefined) jobs.push(job)
    }
    letGo()
    return jobs
  }

  /** One that is not in memory is made from its journal, which has this end already. */
  private stepEnded(flow: number, written: JournalEntry): void {
    const entry = this.ends.written(flow, written)
    this.there(flow)?.delivery.receive(entry)
    if (this.hot.has(flow)) void this.tell(flow, (there) => there.delivery.receive(entry))
    else void this.during(() => this.load(flow))
  }

  private there(flow: number): FlowRun | undefined {
    return this.hot.get(flow) ?? this.loading.get(flow)?.run
  }

  // ── states from outside ────────────────────────────────────────────────────────────────────────────────────────

  /** Puts a flow into a state from outside: what is in memory of it counts no more. Gives whether it did. */
  async become(
    row: FlowRow,
    state: 'running' | 'paused' | 'stopped' | 'failed',
    error: ErrorRecord | null,
    changes: readonly DeskChange[] = [],
    entries: () => Promise<readonly FlowChange[]> = async () => [],
  ): Promise<boolean> {
    const { world } = this.around
    const act = async () => {
      await this.dismiss(row.id)
      // It may have ended meanwhile; one that was queued may have begun, and has to undo what it did.
      const now = await this.actions.underWay(row.id)
      if (state === 'failed' && now.state !== 'queued') return false
      const ends = state === 'stopped' || state === 'failed'
      const ended: FlowRow = { ...row, state, error, endedAt: ends ? world.now() : null }
      const change: FlowChange = { do: 'state', flow: row.id, state, error, endedAt: ended.endedAt }
      await this.write({
        flows: [...(await entries()), change],
        ends: ends ? toParent(ended, world.now()) : [],
        changes,
      })
      if (ends) this.hasEnded(ended)
      return true
    }
    // Of two who do so at once the second finds what the first did: it ends once.
    return this.counted(() => this.changing.take(row.id, act))
  }

  /** Lets go of what is in memory of a flow, when what it has left is written. */
  private async dismiss(id: number): Promise<void> {
    await this.loading.get(id)?.made
    const run = this.hot.get(id)
    if (run === undefined) return
    // What it does now may take commands back: that has to be in its journal.
    await run.inbox.rests
    run.status.dismiss()
    while (run.journal.unwritten > 0 || run.journal.ahead !== undefined) await this.write({ flows: [] })
    this.hot.delete(id)
  }

  // ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private async tellDue(): Promise<void> {
    const { store, world } = this.around
    const due = await store.flows.times.due(world.now(), timersAtOnce)
    await Promise.all(due.map(({ flow, n }) => this.timeUp(flow, n)))
    // It was taken away by a commit that is to answer.
    if (due.length === 0) await this.write({})
  }

  private async timeUp(flow: number, n: number): Promise<void> {
    let late: ReturnType<FlowRun['outside']['timeUp']>
    const run = await this.tell(flow, (there) => {
      late = there.outside.timeUp(n)
    })
    const told = run !== undefined && (late === undefined || (await this.giveUp(run, late, 'took too long')))
    await this.write({ flows: await this.afterTime(flow, n, told) })
  }

  /** What becomes of a time that has come. */
  private async afterTime(flow: number, n: number, told: boolean): Promise<FlowChange[]> {
    const there = told ? undefined : await this.around.store.flows.rows.stateOf(flow)
    const key = `${flow}/${n}`
    const tries = told ? 0 : (this.untold.get(key) ?? 0) + 1
    this.untold.delete(key)
    // Told, its time is not to come again, whatever became of the step.
    if (told || there === undefined || flowEnds.includes(there.state)) return [{ do: 'untimer', flow, n }]
    if (there.state === 'paused' || !this.specs.has(there.mediator)) return [{ do: 'asleep', flow, n }]
    // It is being put into another state, or ends just now: its time comes again when that is written.
    if (tries < triesMax) {
      this.untold.set(key, tries)
      return []
    }
    this.around.world.log('error', `flow ${flow} did not learn that a time has come; it does at the next start`)
    return [{ do: 'asleep', flow, n }]
  }

  /** A step that nobody waits for any more is taken back; gives whether its flow was told. */
  private async giveUp(
    run: FlowRun,
    step: Outbox['lost'][number],
    why: 'took too long' | 'lost a race',
  ): Promise<boolean> {
    if (step.entry.kind === 'flow') {
      const reason = `flow ${run.id}, which started it, ${why === 'lost a race' ? 'continues without it' : 'waited too long'}`
      // What becomes of it, that one is told when it has been undone.
      await this.cancelStarted({ flow: run.id, n: step.attempt }, reason)
      if (run.branches.awaits(step)) await this.tell(run.id, (there) => there.branches.release(step))
      return true
    }
    if (step.outcome !== undefined) return true
    const effects = await this.around.withdrawals.ofFlow(openCallOf(run.id, step))
    return (await this.tell(run.id, (there) => there.outside.withdrawn(step, effects, why))) !== undefined
  }

  /** Cancels what a flow has started, or what goes on for that. */
  private async cancelStarted(parent: ParentFlow, reason: string): Promise<void> {
    const { store, world } = this.around
    for (let tries = 1; ; tries++) {
      const flow = await store.flows.rows.startedBy(parent)
      if (flow === undefined) return
      try {
        await this.actions.cancel(flow, { by: `flow ${parent.flow}`, reason })
        return
      } catch (error) {
        const state = (await store.flows.rows.stateOf(flow))?.state
        if (state === 'compensating') return
        if (state === 'stuck' || tries >= triesMax) {
          world.log('warn', `flow ${flow} cannot be cancelled`, { error: inBrief(error) })
          return
        }
        // It ends just now, or another goes on for it: that is known when it is written.
        await this.write({ flows: [] })
      }
    }
  }

  // ── one flow ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Tells a flow something, and writes what follows. Gives it, where it is under way. */
  tell(
    id: number,
    apply: (run: FlowRun) => void,
    also: () => readonly DeskChange[] = () => [],
  ): Promise<FlowRun | undefined> {
    return this.during(async () => {
      const told = await this.withRun(id, (run) => ({ run, rests: run.input(() => apply(run)) }))
      if (told === undefined) return undefined
      const { run, rests } = told
      await rests
      if (run.status.isDismissed) return undefined
      await this.flush(run, also())
      this.mayLeave(run)
      return run
    })
  }

  /** Makes a flow where it is not in memory, and uses it: till then it does not leave memory for others. */
  private async withRun<T>(id: number, use: (run: FlowRun) => T): Promise<T | undefined> {
    this.wanted.set(id, (this.wanted.get(id) ?? 0) + 1)
    try {
      if (!this.hot.has(id)) await this.load(id)
      const run = this.hot.get(id)
      return run === undefined || run.status.hasEnded || !this.open ? undefined : use(run)
    } finally {
      const others = this.wanted.get(id)! - 1
      if (others === 0) this.wanted.delete(id)
      else this.wanted.set(id, others)
    }
  }

  /** Makes a flow from its journal, and goes on with it where it was told something last. */
  async load(id: number, repeat?: number): Promise<FlowRun | undefined> {
    // One that is put into another state now is made when it has that.
    for (let over = this.changing.over(id); over !== undefined; over = this.changing.over(id)) await over
    const there = this.hot.get(id)
    if (there !== undefined) return there
    const loading = this.loading.get(id)
    if (loading !== undefined) {
      loading.again = true
      return loading.made
    }
    const fresh = new Loading()
    this.loading.set(id, fresh)
    fresh.made = this.loadNow(id, fresh, repeat)
    const run = await fresh.made
    if (run !== undefined) this.mayLeave(run)
    return run
  }

  private async loadNow(id: number, loading: Loading, repeat: number | undefined): Promise<FlowRun | undefined> {
    try {
      for (;;) {
        loading.again = false
        const run = await this.make(id, repeat)
        // Who has asked since may know of something that the reads did not show.
        if (run !== undefined || !loading.again) return run
      }
    } finally {
      this.loading.delete(id)
    }
  }

  private async make(id: number, repeat: number | undefined): Promise<FlowRun | undefined> {
    const { rows } = this.around.store.flows
    const row = await rows.row(id)
    const spec = row && this.specs.get(row.mediator)
    if (row === undefined || spec === undefined || row.endedAt !== null || row.state === 'paused') return undefined
    const { mediator, context } = row
    if (row.state !== 'queued' || context === null) return this.fromJournal(row, spec, repeat)
    // An older one may be written while this one begins: it waits then for this one.
    const begin = async () => {
      if ((await rows.next(mediator, context)) !== id) return undefined
      return this.fromJournal(row, spec, repeat).finally(() => {
        // It may have ended as it began.
        this.next(mediator, context, id)
      })
    }
    return this.turns.take(JSON.stringify([mediator, context]), begin)
  }

  private async fromJournal(
    row: FlowRow,
    spec: MediatorSpec,
    repeat: number | undefined,
  ): Promise<FlowRun | undefined> {
    const { id } = row
    let message: Message
    try {
      message = this.beganWith(row, spec)
    } catch (error) {
      const why = recordError(error)
      await this.write({ flows: [{ do: 'state', flow: id, state: 'paused', error: why, endedAt: null }] })
      return undefined
    }
    const run = new FlowRun(this.hostOf(spec, row), row)
    // From here on it hears of the ends that the journal may not show yet.
    this.loading.get(id)!.run = run
    const journal = await this.around.store.flows.rows.journal(id)
    await run.begin(message, journal, repeat)
    this.keep(run)
    // What has ended since the journal was read.
    await run.input(() => {})
    await this.flush(run)
    // What came while nobody told it.
    this.mails.offer(run)
    return run
  }

  /** What a flow began with. Errors where the app has what it needs no more, or that fits no more. */
  private beganWith({ id, mediator, version, message }: FlowRow, spec: MediatorSpec): Message {
    if (spec.runs.has(version)) return this.messageOf(message)
    const what = `flow ${id} of mediator "${mediator}" began with version ${version}, which is not in versions`
    throw fault('millrace/flow-mismatch', what)
  }

  private keep(run: FlowRun): void {
    this.hot.delete(run.id)
    if (run.status.hasEnded) return
    this.hot.set(run.id, run)
    if (this.hot.size <= this.around.hotFlowsMax) return
    let looked = 0
    for (const oldest of this.hot.values()) {
      if (++looked > evictLooks || (oldest !== run && this.mayLeave(oldest))) break
    }
  }

  /** Beyond the bound whoever rests leaves memory, and is not just made for somebody. Gives whether it did. */
  private mayLeave(run: FlowRun): boolean {
    const { id } = run
    if (this.hot.size <= this.around.hotFlowsMax || !run.isFree) return false
    if (this.wanted.has(id) || this.loading.has(id)) return false
    return this.hot.get(id) === run && this.hot.delete(id)
  }

  private async flushAtRest(run: FlowRun): Promise<void> {
    await run.inbox.rests
    await this.flush(run)
  }

  private async flush(run: FlowRun, changes: readonly DeskChange[] = []): Promise<void> {
    // What is written ahead of the disk is written first.
    while (run.journal.ahead !== undefined) await run.journal.ahead
    const job = this.leftBy(run, changes)
    if (job === undefined) return
    await new Promise<void>((resolve, dropped) => {
      const written = (heads: readonly number[]) => {
        job.written?.(heads)
        resolve()
      }
      this.around.committer.write({ ...job, written, dropped })
    })
  }

  /** What a run leaves to be written, in the order in which this is asked for. */
  private leftBy(run: FlowRun, changes: readonly DeskChange[] = []): Job | undefined {
    if (run.status.isDismissed) return undefined
    const outbox = run.journal.take()
    const { outgoing } = outbox
    const ends = outbox.changes.some((change) => change.do === 'state' && change.endedAt !== null)
    // Who waits for it waits for what goes on in its place.
    const told = ends && run.row.parent !== null && !run.isContinued
    const { changes: flows } = outbox
    if (flows.length === 0 && outgoing.length === 0 && changes.length === 0) {
      // One that was made anew may have losers that were not taken back.
      if (outbox.lost.length > 0) this.after(run, outbox)
      return undefined
    }
    run.journal.unwritten++
    const written = () => {
      run.journal.unwritten--
      this.after(run, outbox)
    }
    return {
      flows,
      ends: told ? toParent(this.endOf(run), this.around.world.now()) : undefined,
      outgoing,
      changes,
      written,
    }
  }

  /** What a run has left is written: what follows from it begins. */
  private after(run: FlowRun, { changes, waits, starts, lost }: Outbox): void {
    // Not before that is written: who asks for it meanwhile would make it from a journal without its end.
    if (changes.some(leaves)) this.hot.delete(run.id)
    const { unprompted } = run.differences
    if (unprompted !== undefined) void this.tell(run.id, (there) => there.pause(unprompted))
    if (run.undo.waitsForDisk) void this.tell(run.id, (there) => there.undo.saved())
    if (waits) this.mails.offer(run)
    for (const id of starts) void this.during(() => this.load(id))
    for (const step of lost) {
      if (step.outcome === undefined) void this.during(() => this.giveUp(run, step, 'lost a race'))
    }
    if (changes.some((change) => change.do === 'state' && change.endedAt !== null)) this.hasEnded(run.row)
    this.mayLeave(run)
  }

  private endOf(run: FlowRun): FlowRow {
    return { ...run.row, state: run.status.state, error: run.ending.error, result: run.ending.result }
  }

  private hasEnded({ id, mediator, context }: FlowRow): void {
    this.ends.forget(id)
    if (this.specs.get(mediator)?.serial && context !== null) this.next(mediator, context)
  }

  /** Begins the flow whose turn it is in a context. */
  private next(mediator: string, context: string, after?: number): void {
    void this.during(async () => {
      const first = await this.around.store.flows.rows.next(mediator, context)
      if (first !== undefined && first !== after) await this.load(first)
    })
  }

  private hostOf(spec: MediatorSpec, row: FlowRow): FlowHost {
    const { world, envelopes } = this.around
    const origin = (id: string) => envelopes.derivedFrom(row.message, spec.name, id)
    return {
      spec,
      now: () => world.now(),
      random: () => world.random(),
      newId: () => world.newId(),
      entryId: () => this.numbers.newEntry(),
      endsBehind: () => this.ends.putBehind(row.id),
      encode: (type, data, id, delay) => envelopes.encode(type, data, origin(id), delay),
      encodeCall: (type, data, id) => envelopes.encode(type, data, { ...origin(id), asked: 'flow' }),
      newFlow: (other, data, id) => {
        const first = this.rowOf(other, envelopes.unplaced(other.startedBy, data, origin(id)))
        return other.serial && first.context !== null ? { ...first, state: 'queued' } : first
      },
      turn: () => this.turn(),
      guard: (owner, fn) => world.guard(owner, fn, undefined, undefined),
      blame: (error, owner) => world.blame(error, owner),
      owner: () => world.owner(),
      strayed: (why) => void this.tell(row.id, (run) => run.pause(why)),
      late: (error) => {
        const what = `mediator "${spec.name}", flow ${row.id}, threw an error that no step awaits`
        world.log('error', what, { code: 'millrace/late-error', error: recordError(error) })
      },
      withdraw: (command) => this.around.withdrawals.ofFlow(command),
    }
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => this.around.world.soon(resolve))
  }

  private messageOf(stored: Stored): Message {
    const type = this.around.typeOf(stored.type)
    if (type === undefined) throw fault('millrace/unknown-type', `the app no longer has type "${stored.type}"`)
    return decode(type, stored)
  }

  write(job: Pick<Job, 'flows' | 'ends' | 'outgoing' | 'changes'>): Promise<void> {
    return this.around.committer.written(job)
  }

  /** What is done with flows, counted, so that it is known when all rests; its trouble is told. */
  async during<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.counted(work)
    } catch (error) {
      if (this.open) this.around.world.log('error', 'a flow cannot continue', { error: inBrief(error) })
      return undefined
    }
  }

  private async counted<T>(work: () => Promise<T>): Promise<T> {
    this.busy++
    try {
      return await work()
    } finally {
      this.busy--
      this.around.maybeIdle()
    }
  }
}

/** After it a flow is in memory no more. */
const leaves = (change: FlowChange) => change.do === 'state' && (change.endedAt !== null || change.state === 'paused')

/** The end of a flow is one of the step of the flow that has started it. */
function toParent(row: FlowRow, at: number): StepEnd[] {
  const { parent } = row
  return parent === null ? [] : [{ flow: parent.flow, of: parent.n, kind: 'flow', data: outcomeOfFlow(row), at }]
}

/** A flow that is being made from its journal. */
class Loading {
  made: Promise<FlowRun | undefined> = Promise.resolve(undefined)
  /** Set when it is about to read its journal: from then on it is told the ends of its steps. */
  run: FlowRun | undefined = undefined
  /** Somebody has asked for it since its making has begun. */
  again = false
}

function checkOnce({ name }: MediatorSpec, once: unknown): string {
  if (typeof once === 'string' && once.length > 0 && once.length <= onceCharsMax) return once
  if (isPromise(once)) {
    throw fault(
      'millrace/bad-option',
      `mediator "${name}": oncePer returned a promise, but must return its value at once`,
    )
  }
  const what = `oncePer must return a text of 1 to ${onceCharsMax} characters, not ${JSON.stringify(once)}`
  throw fault('millrace/bad-option', `mediator "${name}": ${what}`)
}
