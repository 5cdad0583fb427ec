// The flows of an app: those under way, in memory as long as something is done with them or there is room, and all that
// comes for them: events that start or continue them, ends of their commands, times, what people say.
//
// Every input to a flow goes the same way: the flow is there (made anew from its journal where it is not), it is told,
// runs until it rests, and what that leaves (entries, commands, its state) is written in one commit. The end of a command
// is in the journal with the commit of the command; all other inputs are entries of that one commit. So a crash loses
// nothing: a flow whose journal ends with something that it was told is begun again at the next start.
import { decode, type Stored } from '../../model/codec.ts'
import { type ErrorRecord, fault, recordError } from '../../model/errors.ts'
import {
  flowEnds,
  type JournalEntry,
  outcomeOf,
  outcomeOfFlow,
  type ParentFlow,
  stepOfCommand,
} from '../../model/flow.ts'
import type { FlowRow } from '../../model/flow-views.ts'
import type { Message, MessageType } from '../../model/message.ts'
import { inBrief } from '../../model/people.ts'
import { isPromise } from '../../model/promise.ts'
import type { DeskChange } from '../../seam/desk.ts'
import type { FlowChange, SleepingTime, UnderWay } from '../../seam/flows.ts'
import type { RequestChange } from '../../seam/requests.ts'
import type { Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'
import type { FlowOutcome as Also } from '../commit/handled.ts'
import type { Job, RequestsWritten } from '../commit/writes.ts'
import { KeyedMutex } from '../kit/keyed-mutex.ts'
import type { Withdrawals } from '../request/withdrawals.ts'
import { Alarm } from '../time/alarm.ts'
import { FlowActions } from './actions.ts'
import type { Attempted } from './attempted.ts'
import { Claims } from './claims.ts'
import type { FlowEnvelopes, FlowHost, MediatorSpec, Outbox } from './host.ts'
import { FlowRun } from './run.ts'
import { openCallOf } from './steps.ts'

export interface FlowsAround {
  readonly world: World
  readonly store: Store
  readonly committer: { write(job: Job): void; written(job: Job): Promise<void> }
  readonly withdrawals: Withdrawals
  readonly mediators: readonly MediatorSpec[]
  /** Flows in memory that wait for something. */
  readonly hotFlowsMax: number
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
/** How many ends of sub-flows are looked up at once. */
const sliceEnds = 64

export class Flows {
  readonly actions: FlowActions
  private readonly around: FlowsAround
  readonly specs: ReadonlyMap<string, MediatorSpec>
  private readonly hot = new Map<number, FlowRun>()
  private readonly loading = new Map<number, Promise<FlowRun | undefined>>()
  /** Flows that are being put into a state from outside. */
  private readonly changing = new KeyedMutex<number>()
  /** Those that are made from their journals now. */
  private readonly making = new Map<number, FlowRun>()
  /** Of serial flows, by mediator and context: the one that begins just now. */
  private readonly turns = new Map<string, number>()
  /** Flows that are to be told something when they are made, and how often. */
  private readonly wanted = new Map<number, number>()
  private readonly alarm: Alarm
  /** Times that flows could not be told yet, and how often. */
  private readonly untold = new Map<string, number>()
  private busy = 0
  private open = true
  private fire: Promise<void> | undefined
  /** Ends of commands that flows were told before they were durable. */
  private readonly toldAhead = new Set<RequestChange>()
  private readonly claims: Claims

  constructor(around: FlowsAround) {
    this.around = around
    this.actions = new FlowActions(this, around.store, around.world)
    this.specs = new Map(around.mediators.map((spec) => [spec.name, spec]))
    this.claims = new Claims(around.world, around.store)
    this.alarm = new Alarm(around.world, () => this.look())
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
    for (let last: SleepingTime | undefined; this.open; ) {
      const slice = await this.around.store.flows.asleep(last, sliceFlows)
      if (slice.length === 0) break
      const awake = slice.filter(({ mediator, state }) => state !== 'paused' && this.specs.has(mediator))
      if (awake.length > 0) await this.write({ flows: awake.map(({ flow, n }) => ({ do: 'awake', flow, n })) })
      else await this.turn()
      last = slice.at(-1)
    }
    this.look()
  }

  private async takeUpUnfinished(mediator: string): Promise<void> {
    const { flows } = this.around.store
    for (let last: UnderWay | undefined; this.open; ) {
      const slice = await flows.takeUp(mediator, last, sliceFlows)
      if (slice.length === 0) return
      await this.loadAll(slice.filter(({ unfinished }) => unfinished))
      last = slice.at(-1)
    }
  }

  private async takeUpWaiting(mediator: string): Promise<void> {
    const { flows } = this.around.store
    for (let last = ''; this.open; ) {
      const slice = flows.waiting(mediator, last, sliceFlows)
      if (slice.length === 0) return
      await this.loadAll(slice.filter(({ context, id }) => flows.next(mediator, context) === id))
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
    this.alarm.cancel()
  }

  get idle(): boolean {
    const due = this.specs.size === 0 ? undefined : this.around.store.flows.nextDue()
    return this.busy === 0 && (due === undefined || due > this.around.world.now())
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
    const { store, world } = this.around
    return {
      id: store.flows.newFlowId(),
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
    const { store, world } = this.around
    const mail = { n: store.flows.newMailId(), mediator: spec.name, context, message: stored, at: world.now() }
    const written = () => void this.during(() => this.tellOfMail(spec.name, context, stored.type))
    return { flows: [{ do: 'mail', mail }], outgoing: [], written }
  }

  /** Those that wait for their turn look into the mailbox when they have it. */
  private async tellOfMail(mediator: string, context: string, type: string): Promise<void> {
    for (let last = 0; ; ) {
      const slice = this.around.store.flows.underWay(mediator, context, last, sliceFlows)
      const loads: Promise<unknown>[] = []
      for (const id of slice) {
        const run = this.hot.get(id)
        // One that does not wait for it looks into the mailbox when it does.
        if (run === undefined) loads.push(this.during(() => this.load(id)))
        else if (run.inbox.works || run.outside.awaited.has(type)) this.offerMails(run)
      }
      if (slice.length < sliceFlows) return
      await Promise.all(loads)
      last = slice.at(-1)!
    }
  }

  /** What has become of commands is durable. */
  written({ requests, entries }: RequestsWritten): void {
    for (const [index, change] of requests.entries()) {
      if (change.do !== 'end' || change.asker !== 'flow' || this.toldAhead.delete(change)) continue
      const { flow, entry } = endOfCall(change, entries[index]!)
      this.stepEnded(flow, entry)
    }
  }

  /**
   * Tells flows how their commands have ended before that is durable: they only compute, and what follows goes with the
   * same sync. Those with which something else is being done are told afterwards.
   */
  async ahead({ requests, entries }: RequestsWritten, begins: boolean): Promise<Job[]> {
    const runs = new Set<FlowRun>()
    const { promise, resolve: letGo } = Promise.withResolvers<void>()
    for (const [index, change] of requests.entries()) {
      if (change.do !== 'end' || change.asker !== 'flow') continue
      const { flow, entry } = endOfCall(change, entries[index]!)
      const run = this.hot.get(flow)
      this.comes(entry, flow)
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
  private stepEnded(flow: number, entry: JournalEntry): void {
    this.comes(entry, flow)
    if (this.hot.has(flow)) void this.tell(flow, (there) => there.delivery.receive(entry))
    else void this.during(() => this.load(flow))
  }

  private comes(entry: JournalEntry, flow: number): void {
    const run = this.hot.get(flow) ?? this.making.get(flow)
    run?.delivery.receive(entry)
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
      await this.write({ flows: [...(await entries()), change, ...(ends ? this.toParent(ended) : [])], changes })
      if (ends) this.hasEnded(ended)
      // Times that have come while it was paused.
      else this.look()
      return true
    }
    // Of two who do so at once the second finds what the first did: it ends once.
    return this.counted(() => this.changing.take(row.id, act))
  }

  /** Lets go of what is in memory of a flow, when what it has left is written. */
  private async dismiss(id: number): Promise<void> {
    await this.loading.get(id)
    const run = this.hot.get(id)
    if (run === undefined) return
    // What it does now may take commands back: that has to be in its journal.
    await run.inbox.rests
    run.status.dismiss()
    while (run.journal.unwritten > 0 || run.journal.ahead !== undefined) await this.write({ flows: [] })
    this.hot.delete(id)
  }

  // ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private look(): void {
    if (!this.open || this.fire !== undefined) return
    const { world, store } = this.around
    const due = store.flows.nextDue()
    if (due === undefined) return
    if (due > world.now()) {
      this.alarm.set(due)
      return
    }
    this.fire = this.during(() => this.fireDue()).finally(() => {
      this.fire = undefined
      this.look()
      this.around.maybeIdle()
    })
  }

  private async fireDue(): Promise<void> {
    const { store, world } = this.around
    const due = store.flows.due(world.now(), timersAtOnce)
    await Promise.all(due.map(({ flow, n }) => this.timeUp(flow, n)))
  }

  private async timeUp(flow: number, n: number): Promise<void> {
    let late: ReturnType<FlowRun['outside']['timeUp']>
    const run = await this.tell(flow, (there) => {
      late = there.outside.timeUp(n)
    })
    const told = run !== undefined && (late === undefined || (await this.giveUp(run, late, 'took too long')))
    await this.write({ flows: this.afterTime(flow, n, told) })
  }

  /** What becomes of a time that has come. */
  private afterTime(flow: number, n: number, told: boolean): FlowChange[] {
    const there = this.around.store.flows.stateOf(flow)
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
      const flow = store.flows.startedBy(parent)
      if (flow === undefined) return
      try {
        await this.actions.cancel(flow, { by: `flow ${parent.flow}`, reason })
        return
      } catch (error) {
        const state = store.flows.stateOf(flow)?.state
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
    let loading = this.loading.get(id)
    if (loading === undefined) {
      const made = this.make(id, repeat).finally(() => {
        this.loading.delete(id)
        this.making.delete(id)
      })
      loading = made.then((run) => {
        if (run !== undefined) this.mayLeave(run)
        return run
      })
      this.loading.set(id, loading)
    }
    return loading
  }

  private async make(id: number, repeat: number | undefined): Promise<FlowRun | undefined> {
    const { flows } = this.around.store
    const row = flows.row(id)
    const spec = row && this.specs.get(row.mediator)
    if (row === undefined || spec === undefined || row.endedAt !== null || row.state === 'paused') return undefined
    if (row.state === 'queued' && row.context !== null) {
      // An older one may be written while this one begins: it waits then for this one.
      const turn = JSON.stringify([row.mediator, row.context])
      const first = this.turns.get(turn) ?? flows.next(row.mediator, row.context)
      if (first !== id) return undefined
      this.turns.set(turn, id)
      return this.fromJournal(row, spec, repeat).finally(() => {
        this.turns.delete(turn)
        // It may have ended as it began.
        this.next(row.mediator, row.context!, id)
      })
    }
    return this.fromJournal(row, spec, repeat)
  }

  private async fromJournal(
    row: FlowRow,
    spec: MediatorSpec,
    repeat: number | undefined,
  ): Promise<FlowRun | undefined> {
    const { flows } = this.around.store
    const { id } = row
    let message: Message
    try {
      message = this.beganWith(row, spec)
    } catch (error) {
      const why = recordError(error)
      await this.write({ flows: [{ do: 'state', flow: id, state: 'paused', error: why, endedAt: null }] })
      return undefined
    }
    const journal = flows.journal(id)
    const run = new FlowRun(this.hostOf(spec, row), row)
    this.making.set(id, run)
    await run.begin(message, journal, repeat)
    // What ended while it was made: the journal has more by now.
    const last = journal.at(-1)?.n ?? 0
    for (const entry of flows.journal(id, last)) {
      if (entry.of !== null && (entry.kind === 'call' || entry.kind === 'flow')) {
        await run.input(() => run.delivery.receive(entry))
      }
    }
    this.keep(run)
    await this.flush(run)
    // What came while nobody told it.
    this.offerMails(run)
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
    const told = ends && run.row.parent !== null && !run.isContinued ? this.toParent(this.endOf(run)) : []
    const flows = told.length > 0 ? [...outbox.changes, ...told] : outbox.changes
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
    return { flows, outgoing, changes, written }
  }

  /** What a run has left is written: what follows from it begins. */
  private after(run: FlowRun, { changes, waits, starts, lost }: Outbox): void {
    // Not before that is written: who asks for it meanwhile would make it from a journal without its end.
    if (changes.some(leaves)) this.hot.delete(run.id)
    if (changes.some((change) => change.do === 'timer')) this.look()
    const { unprompted } = run.differences
    if (unprompted !== undefined) void this.tell(run.id, (there) => there.pause(unprompted))
    if (run.undo.waitsForDisk) void this.tell(run.id, (there) => there.undo.saved())
    if (waits) this.offerMails(run)
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

  /** The end of a flow is one of the step of the flow that has started it. */
  private toParent(row: FlowRow): FlowChange[] {
    const entry = this.endOfStep(row)
    return entry === undefined ? [] : [{ do: 'ended', flow: row.parent!.flow, entry }]
  }

  private readonly stepEnds = new Map<number, (FlowChange & { readonly do: 'ended' })['entry']>()

  private endOfStep(row: FlowRow) {
    const { parent } = row
    const { flows } = this.around.store
    const state = parent === null ? undefined : flows.stateOf(parent.flow)?.state
    if (parent === null || state === undefined || flowEnds.includes(state)) return undefined
    const data = outcomeOfFlow(row)
    const at = this.around.world.now()
    const entry = { n: 0, of: parent.n, kind: 'flow' as const, step: '', what: '', data, at }
    this.stepEnds.set(row.id, entry)
    return entry
  }

  private hasEnded({ id, mediator, context, parent }: FlowRow): void {
    const entry = this.stepEnds.get(id)
    this.stepEnds.delete(id)
    if (entry !== undefined) this.stepEnded(parent!.flow, entry)
    if (this.specs.get(mediator)?.serial && context !== null) this.next(mediator, context)
  }

  /** Begins the flow whose turn it is in a context. */
  private next(mediator: string, context: string, after?: number): void {
    const first = this.around.store.flows.next(mediator, context)
    if (first !== undefined && first !== after) void this.during(() => this.load(first))
  }

  /** What the mailbox has for the waits of a flow: the oldest that it has not had. */
  private offerMails({ id, row: { context, mediator }, outside: { awaited } }: FlowRun): void {
    // One that begins to wait while this is done looks into the mailbox by itself.
    if (context === null || awaited.size === 0) return
    const offer = (run: FlowRun): void => {
      for (const type of run.outside.awaited) {
        const mail = this.around.store.flows.nextMail(mediator, context, type, run.inbox.mailHad(type))
        if (mail === undefined || !run.outside.mail(mail.n, this.messageOf(mail.message))) continue
        // The next one when this has come to rest, as at a replay: it may have decided a race.
        void run.input(() => offer(run))
        return
      }
    }
    void this.tell(id, offer)
  }

  private hostOf(spec: MediatorSpec, row: FlowRow): FlowHost {
    const { world, store, envelopes } = this.around
    const origin = (id: string) => envelopes.derivedFrom(row.message, spec.name, id)
    return {
      spec,
      now: () => world.now(),
      random: () => world.random(),
      newId: () => world.newId(),
      entryId: () => store.flows.newEntryId(),
      endsInJournal: (after) => store.flows.endsOfFlows(row.id, after, sliceEnds),
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

  write(job: Pick<Job, 'flows' | 'outgoing' | 'changes'>): Promise<void> {
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

/** The flow whose call has ended, and what its journal has of that. */
function endOfCall({ id, state, outcome, at }: RequestChange & { readonly do: 'end' }, n: number) {
  const { flow, n: of } = stepOfCommand(id)
  const entry: JournalEntry = { n, of, kind: 'call', step: '', what: '', data: outcomeOf(state, outcome), at }
  return { flow, entry }
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
