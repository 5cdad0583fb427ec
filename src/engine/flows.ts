// The flows of an app: those under way, in memory as long as something is done with them or there is room, and all that
// comes for them: events that start or continue them, ends of their commands, times, what people say.
//
// Every input to a flow goes the same way: the flow is there (made anew from its journal where it is not), it is told,
// runs until it rests, and what that leaves (entries, commands, its state) is written in one commit. The end of a command
// is in the journal with the commit of the command; all other inputs are entries of that one commit. So a crash loses
// nothing: a flow whose journal ends with something that it was told is begun again at the next start.
import { decode, type Stored } from '../model/codec.ts'
import type { Actor, Audit } from '../model/desk.ts'
import { type ErrorRecord, fault, recordError } from '../model/errors.ts'
import {
  commandIdOf,
  type JournalEntry,
  type Outcome,
  outcomeOf,
  outcomeOfFlow,
  stepOfCommand,
  withoutVoided,
} from '../model/flow.ts'
import type { Message, MessageType } from '../model/message.ts'
import type { Delay } from '../model/time.ts'
import type { DeskChange, FlowChange, FlowRow, RequestChange, Store } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import { Alarm } from './alarm.ts'
import { type Attempt, HandlerContext } from './attempt.ts'
import type { Committer, Job } from './committer.ts'
import { Flow } from './conduct.ts'
import { type FlowHost, FlowRun, type MediatorSpec, type Outbox } from './flow.ts'
import type { HandlerSpec } from './spec.ts'
import type { Withdrawals } from './withdrawals.ts'

/** What belongs to the end of an attempt that starts flows, or gives them mail. */
export interface Also {
  readonly flows: readonly FlowChange[]
  readonly outgoing: readonly Stored[]
  readonly written: () => void
  /** Called when the attempt comes to nothing after all. */
  readonly dropped?: () => void
}

export interface FlowsAround {
  readonly world: World
  readonly store: Store
  readonly committer: Committer
  readonly withdrawals: Withdrawals
  readonly mediators: readonly MediatorSpec[]
  /** Flows in memory that wait for something. */
  readonly hotFlowsMax: number
  encode(
    type: MessageType,
    data: unknown,
    mediator: string,
    cause: Stored,
    id: string,
    asked: boolean,
    delay?: Delay,
  ): Stored
  /** Makes an initiating event that no topic has. */
  encodeStart(spec: MediatorSpec, data: unknown, by: string, cause: Stored, id: string): Stored
  typeOf(name: string): MessageType | undefined
  maybeIdle(): void
}

const timersAtOnce = 1_000
/** Turns that flows have to come to rest before what they leave has to wait for the next batch. */
const aheadTurns = 3
/** How often it is looked whether an attempt that has the same `oncePer` has come to nothing, milliseconds. */
const claimMs = 20
const onceCharsMax = 1_024

/** What is said of a flow when there is something for people to say. */
type Action = 'cancelled' | 'stopped' | 'paused' | 'resumed' | 'answered' | 'run again'

export class Flows {
  private readonly around: FlowsAround
  private readonly specs: ReadonlyMap<string, MediatorSpec>
  private readonly hot = new Map<number, FlowRun>()
  private readonly loading = new Map<number, Promise<FlowRun | undefined>>()
  /** Flows that are being put into a state from outside. */
  private readonly changing = new Map<number, Promise<void>>()
  /** Those that are made from their journals now. */
  private readonly making = new Map<number, FlowRun>()
  /** Of serial flows, by mediator and context: the one that begins just now. */
  private readonly turns = new Map<string, number>()
  /** Flows that are to be told something when they are made, and how often. */
  private readonly wanted = new Map<number, number>()
  private readonly alarm: Alarm
  private busy = 0
  private open = true
  private fire: Promise<void> | undefined
  /** Ends of commands that flows were told before they were durable. */
  private readonly toldAhead = new Set<RequestChange>()
  /** Values of `oncePer` whose first flow is being written. */
  private readonly claims = new Map<string, { readonly attempt: Attempt; readonly free: Promise<void> }>()

  constructor(around: FlowsAround) {
    this.around = around
    this.specs = new Map(around.mediators.map((spec) => [spec.name, spec]))
    this.alarm = new Alarm(around.world, () => this.look())
  }

  /** Goes on with flows that were told something before the last run ended. */
  takeUp(): void {
    if (this.specs.size === 0) return
    const { flows } = this.around.store
    for (const id of [...flows.unfinished(), ...flows.queued()]) void this.during(() => this.load(id))
    void this.during(async () => {
      await this.write({ flows: [{ do: 'awake', mediators: [...this.specs.keys()] }] })
      this.look()
    })
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
  async start(spec: MediatorSpec, stored: Stored, message: Message, attempt: Attempt): Promise<Also | undefined> {
    const once = spec.oncePer === undefined ? null : checkOnce(spec, spec.oncePer(message.data))
    let free = () => {}
    if (once !== null) {
      const claimed = await this.claim(spec, once, attempt)
      if (claimed === undefined) return undefined
      free = claimed
    }
    const row: FlowRow = { ...this.rowOf(spec, stored), once }
    if (spec.serial && row.context !== null) {
      const { context } = row
      const written = () => {
        free()
        this.next(spec.name, context)
      }
      return { flows: [{ do: 'start', row: { ...row, state: 'queued' } }], outgoing: [], written, dropped: free }
    }
    const run = this.runOf(spec, row, message)
    try {
      await run.begin([], (of) => new Flow(of))
    } catch (error) {
      free()
      throw error
    }
    const outbox = run.takeOutbox()
    const written = () => {
      free()
      // What came with the same sync may have begun to make it from its journal.
      if (!this.hot.has(run.id) && !this.loading.has(run.id)) this.keep(run)
      this.after(run, outbox)
    }
    return { flows: [{ do: 'start', row }, ...outbox.changes], outgoing: outbox.outgoing, written, dropped: free }
  }

  /** Starts a flow with data of a route, about the message of an attempt. */
  startFrom(spec: MediatorSpec, data: unknown, attempt: Attempt, index: number): Promise<Also | undefined> {
    const { consumer, delivery } = attempt
    if (!this.specs.has(spec.name)) {
      throw fault('millrace/unknown-part', `mediator "${spec.name}" is not running: its flows cannot be started`)
    }
    const id = `${delivery.message.id}/${index}`
    const stored = this.around.encodeStart(spec, data, consumer.name, delivery.message, id)
    return this.start(spec, stored, decode(spec.startedBy, stored), attempt)
  }

  /** Takes a value of `oncePer`; gives what ends that, undefined where it was taken. */
  private async claim(spec: MediatorSpec, once: string, attempt: Attempt): Promise<(() => void) | undefined> {
    const { store, world } = this.around
    const key = `${spec.name} ${once}`
    for (let other = this.claims.get(key); other !== undefined; other = this.claims.get(key)) {
      // An attempt that was fenced or has failed leaves nothing.
      if (other.attempt.state === 'expired') break
      await Promise.race([other.free, new Promise<void>((resolve) => void world.after(claimMs, resolve))])
    }
    if (store.flows.hasOnce(spec.name, once)) return undefined
    const { promise: free, resolve } = Promise.withResolvers<void>()
    const mine = { attempt, free }
    this.claims.set(key, mine)
    return () => {
      if (this.claims.get(key) === mine) this.claims.delete(key)
      resolve()
    }
  }

  private rowOf(spec: MediatorSpec, message: Stored): FlowRow {
    const { store, world } = this.around
    return {
      id: store.flows.newFlowId(),
      mediator: spec.name,
      version: spec.version,
      context: message.context,
      state: 'running',
      message,
      once: null,
      parent: null,
      rerunOf: null,
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
    const written = () => {
      for (const id of store.flows.underWay(spec.name, context)) {
        const run = this.hot.get(id)
        // One that does not wait for it looks into the mailbox when it does.
        if (run === undefined) void this.during(() => this.load(id))
        else if (run.works || run.awaited.has(stored.type)) this.offerMails(run)
      }
    }
    return { flows: [{ do: 'mail', mail }], outgoing: [], written }
  }

  /** What has become of commands is durable. */
  written(changes: readonly RequestChange[]): void {
    for (const change of changes) {
      if (change.do !== 'end' || change.asker !== 'flow' || this.toldAhead.delete(change)) continue
      this.stepEnded(stepOfCommand(change.id).flow, endOfCall(change))
    }
  }

  /**
   * Tells flows how their commands have ended before that is durable: they only compute, and what follows goes with the
   * same sync. Those with which something else is being done are told afterwards.
   */
  async ahead(changes: readonly RequestChange[], begins: boolean): Promise<Job[]> {
    const runs = new Set<FlowRun>()
    const { promise, resolve: letGo } = Promise.withResolvers<void>()
    for (const change of changes) {
      if (change.do !== 'end' || change.asker !== 'flow') continue
      const run = this.hot.get(stepOfCommand(change.id).flow)
      this.comes(endOfCall(change), stepOfCommand(change.id).flow)
      if (run === undefined || (!runs.has(run) && !run.isFree)) continue
      this.toldAhead.add(change)
      runs.add(run)
      run.ahead = promise
      void run.input(() => run.stepEnded(endOfCall(change)))
    }
    if (runs.size === 0 && !begins) return []
    // What begins takes a turn to come to rest, and its attempt another.
    if (begins) await this.turn()
    for (let turn = 0; turn < aheadTurns && [...runs].some(({ works }) => works); turn++) await this.turn()
    if (begins) await this.turn()
    const jobs: Job[] = []
    for (const run of runs) {
      run.ahead = undefined
      // One that undoes may wait for others: what it leaves is written when it rests, all together.
      const job = run.works ? undefined : this.leftBy(run)
      if (run.works) void this.during(async () => this.flush(run, await run.rests()))
      else if (job !== undefined) jobs.push(job)
    }
    letGo()
    return jobs
  }

  /** One that is not in memory is made from its journal, which has this end already. */
  private stepEnded(flow: number, entry: JournalEntry): void {
    this.comes(entry, flow)
    if (this.hot.has(flow)) void this.tell(flow, (there) => there.stepEnded(entry))
    else void this.during(() => this.load(flow))
  }

  private comes(entry: JournalEntry, flow: number): void {
    const run = this.hot.get(flow) ?? this.making.get(flow)
    run?.stepEnded(entry)
  }

  // ── people ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Errors: `millrace/unknown-flow`, `millrace/flow-ended`, `millrace/unknown-part`, `millrace/past-no-return`. */
  async cancel(id: number, actor: Actor): Promise<void> {
    const row = this.conducted(await this.underWay(id))
    const why = `cancelled by ${actor.by}${actor.reason === undefined ? '' : `: ${actor.reason}`}`
    const changes = [this.recorded(row, 'cancelled', actor)]
    if (row.state === 'queued') {
      const error = { code: 'millrace/flow-cancelled', message: why }
      if (await this.become(row, 'failed', error, changes)) return
    }
    if (row.state === 'paused') await this.become(row, 'running', null)
    await this.say(id, (run) => run.cancel(why), changes)
  }

  /** Ends a flow as it is: nothing is undone. Errors: `millrace/unknown-flow`, `millrace/flow-ended`. */
  async stop(id: number, actor: Actor): Promise<void> {
    const row = await this.underWay(id)
    const message = `stopped by ${actor.by}${actor.reason === undefined ? '' : `: ${actor.reason}`}`
    await this.become(row, 'stopped', { code: 'millrace/flow-stopped', message }, [
      this.recorded(row, 'stopped', actor),
    ])
  }

  /** What comes for it waits. Errors: `millrace/unknown-flow`, `millrace/flow-ended`. */
  async pause(id: number, actor: Actor): Promise<void> {
    const row = await this.underWay(id)
    if (row.state === 'paused') return
    if (row.state !== 'running') throw fault('millrace/flow-busy', `flow ${id} is ${row.state} and cannot be paused`)
    const message = `paused by ${actor.by}${actor.reason === undefined ? '' : `: ${actor.reason}`}`
    await this.become(row, 'paused', { code: 'millrace/flow-paused', message }, [this.recorded(row, 'paused', actor)])
  }

  /**
   * Goes on with a flow that is paused, or stuck.
   *
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`, `millrace/unknown-part`
   */
  async resume(id: number, actor: Actor): Promise<void> {
    const row = this.conducted(await this.underWay(id))
    const changes = [this.recorded(row, 'resumed', actor)]
    if (row.state === 'paused') await this.again(row, undefined, changes)
    else if (row.state === 'stuck') {
      const run = await this.during(() => this.load(id))
      if (run === undefined) throw await this.busyNow(id)
      if (run.onlyForward) await this.again(row, run.failedStep, changes)
      else await this.say(id, (there) => there.resume(), changes)
    }
  }

  /** Errors: `millrace/unknown-flow`, `millrace/flow-ended`, `millrace/not-asked`, `millrace/bad-data`. */
  async answer(id: number, step: string, value: unknown, actor: Actor): Promise<void> {
    const row = await this.underWay(id)
    if (row.state === 'paused') {
      throw fault('millrace/flow-busy', `flow ${id} is paused: resume it, then answer`)
    }
    const changes = [this.recorded(row, 'answered', actor, { step, value })]
    await this.say(id, (run) => run.answer(step, value), changes)
  }

  /**
   * Runs a flow that has ended again as a new one, from a step on; what came before it is taken over with its results.
   *
   * @throws `millrace/unknown-flow`, `millrace/flow-busy`, `millrace/unknown-step`
   */
  async runAgain(id: number, from: string | undefined, actor: Actor): Promise<number> {
    const { store } = this.around
    const row = await store.lookAtFlows((flows) => flows.row(id))
    if (row === undefined) throw fault('millrace/unknown-flow', `there is no flow ${id}`)
    if (row.endedAt === null)
      throw fault('millrace/flow-busy', `flow ${id} is ${row.state}: only an ended one runs again`)
    const spec = this.specs.get(row.mediator)
    if (spec === undefined) throw fault('millrace/unknown-part', `mediator "${row.mediator}" is not running`)
    const journal = await store.lookAtFlows((flows) => flows.journal(id))
    const kept = from === undefined ? [] : upTo(journal, from, id, () => store.flows.newEntryId())
    const fresh: FlowRow = {
      ...this.rowOf(spec, row.message),
      version: from === undefined ? spec.version : row.version,
      rerunOf: id,
    }
    const changes = [this.recorded(row, 'run again', actor, { as: fresh.id, from: from ?? null })]
    await this.write({ flows: [{ do: 'start', row: fresh, journal: kept }], changes })
    await this.during(() => this.load(fresh.id))
    return fresh.id
  }

  private recorded(
    { id, mediator }: FlowRow,
    action: Action,
    { by, reason }: Actor,
    detail: unknown = null,
  ): DeskChange {
    const subject = `flow ${id} of ${mediator}`
    const at = this.around.world.now()
    const audit: Audit = { at, by, item: null, subject, action, reason: reason ?? null, detail }
    return { do: 'record', audit }
  }

  private async underWay(id: number): Promise<FlowRow> {
    const row = await this.around.store.lookAtFlows((flows) => flows.row(id))
    if (row === undefined) throw fault('millrace/unknown-flow', `there is no flow ${id}`)
    if (row.endedAt === null) return row
    throw fault('millrace/flow-ended', `flow ${id} of mediator "${row.mediator}" has ended already: ${row.state}`)
  }

  /** Tells a flow what a person says; an error of that is theirs. */
  private async say(id: number, apply: (run: FlowRun) => void, changes: readonly DeskChange[]): Promise<void> {
    let said = false
    let wrong: { readonly error: unknown } | undefined
    const run = await this.tell(
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

  private conducted(row: FlowRow): FlowRow {
    if (this.specs.has(row.mediator)) return row
    throw fault('millrace/unknown-part', `mediator "${row.mediator}" is not running`)
  }

  /** Why a flow takes nothing now. */
  private async busyNow(id: number): Promise<Error> {
    this.conducted(await this.underWay(id))
    return fault('millrace/flow-busy', `flow ${id} is being changed just now: try again`)
  }

  /** Puts a flow into a state from outside: what is in memory of it counts no more. Gives whether it did. */
  private async become(
    row: FlowRow,
    state: 'running' | 'paused' | 'stopped' | 'failed',
    error: ErrorRecord | null,
    changes: readonly DeskChange[] = [],
  ): Promise<boolean> {
    const { world } = this.around
    const act = async () => {
      await this.dismiss(row.id)
      // It may have ended meanwhile; one that was queued may have begun, and has to undo what it did.
      const now = await this.underWay(row.id)
      if (state === 'failed' && now.state !== 'queued') return false
      const ends = state === 'stopped' || state === 'failed'
      const ended: FlowRow = { ...row, state, error, endedAt: ends ? world.now() : null }
      const change: FlowChange = { do: 'state', flow: row.id, state, error, endedAt: ended.endedAt }
      await this.write({ flows: [change, ...(ends ? this.toParent(ended) : [])], changes })
      if (ends) this.hasEnded(ended)
      // Times that have come while it was paused.
      else this.look()
      return true
    }
    return this.counted(() => this.inTurn(row.id, act))
  }

  /** Two who put a flow into a state from outside do so one after the other: it ends once. */
  private async inTurn<T>(id: number, act: () => Promise<T>): Promise<T> {
    while (this.changing.has(id)) await this.changing.get(id)
    const done = act()
    const over = done
      .catch(() => undefined)
      .then(() => {
        if (this.changing.get(id) === over) this.changing.delete(id)
      })
    this.changing.set(id, over)
    return done
  }

  /** Lets go of what is in memory of a flow, when what it has left is written. */
  private async dismiss(id: number): Promise<void> {
    await this.loading.get(id)
    const run = this.hot.get(id)
    if (run === undefined) return
    // What it does now may take commands back: that has to be in its journal.
    await run.rests()
    run.dismiss()
    while (run.unwritten > 0 || run.ahead !== undefined) await this.write({ flows: [] })
    this.hot.delete(id)
  }

  /** Begins a flow anew from its journal, with a step that had failed done again. */
  private async again(row: FlowRow, repeat: number | undefined, changes: readonly DeskChange[]): Promise<void> {
    await this.become(row, 'running', null, changes)
    await this.during(() => this.load(row.id, repeat))
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
    let late: ReturnType<FlowRun['timeUp']>
    const run = await this.tell(flow, (there) => {
      late = there.timeUp(n)
    })
    const told = run !== undefined && (late === undefined || (await this.giveUp(run, late, 'took too long')))
    const row = this.around.store.flows.row(flow)
    if (row === undefined || row.endedAt !== null) return
    // Told, its time is not to come again, whatever became of the step. Not told it is being put into another state, or
    // ends just now: its time comes again when that is written, where it goes on.
    const change: FlowChange = { do: this.specs.has(row.mediator) ? 'untimer' : 'asleep', flow, n }
    await this.write({ flows: told || change.do === 'asleep' ? [change] : [] })
  }

  /** A step that nobody waits for any more is taken back; gives whether its flow was told. */
  private async giveUp(
    run: FlowRun,
    step: Outbox['lost'][number],
    why: 'took too long' | 'lost a race',
  ): Promise<boolean> {
    if (step.entry.kind === 'flow') {
      const { flow } = step.entry.data as { flow: number }
      const row = this.around.store.flows.row(flow)
      if (row === undefined || row.endedAt !== null) return true
      const reason = `flow ${run.id}, which started it, ${why === 'lost a race' ? 'goes on without it' : 'waited too long'}`
      // What becomes of it, that one is told when it has been undone.
      await this.cancel(flow, { by: `flow ${run.id}`, reason }).catch((error) => {
        this.around.world.log('warn', `flow ${flow} cannot be cancelled`, { error: String(error) })
      })
      return true
    }
    const effects = await this.around.withdrawals.ofFlow(run.callOf(step))
    return (await this.tell(run.id, (there) => there.withdrawn(step, effects, why))) !== undefined
  }

  // ── one flow ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Tells a flow something, and writes what follows. Gives it, where it is under way. */
  private tell(
    id: number,
    apply: (run: FlowRun) => void,
    also: () => readonly DeskChange[] = () => [],
  ): Promise<FlowRun | undefined> {
    return this.during(async () => {
      const told = await this.withRun(id, (run) => ({ run, rests: run.input(() => apply(run)) }))
      if (told === undefined) return undefined
      const { run, rests } = told
      await rests
      if (run.dismissed) return undefined
      await this.flush(run, also())
      return run
    })
  }

  /** Makes a flow where it is not in memory, and uses it: till then it does not leave memory for others. */
  private async withRun<T>(id: number, use: (run: FlowRun) => T): Promise<T | undefined> {
    this.wanted.set(id, (this.wanted.get(id) ?? 0) + 1)
    try {
      if (!this.hot.has(id)) await this.load(id)
      const run = this.hot.get(id)
      return run === undefined || run.over || !this.open ? undefined : use(run)
    } finally {
      const others = this.wanted.get(id)! - 1
      if (others === 0) this.wanted.delete(id)
      else this.wanted.set(id, others)
    }
  }

  /** Makes a flow from its journal, and goes on with it where it was told something last. */
  private async load(id: number, repeat?: number): Promise<FlowRun | undefined> {
    // One that is put into another state now is made when it has that.
    while (this.changing.has(id)) await this.changing.get(id)
    const there = this.hot.get(id)
    if (there !== undefined) return there
    let loading = this.loading.get(id)
    if (loading === undefined) {
      loading = this.make(id, repeat).finally(() => {
        this.loading.delete(id)
        this.making.delete(id)
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
      const first = this.turns.get(turn) ?? flows.queued(row.mediator, row.context)[0]
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
    const missing = this.missing(row, spec)
    if (missing !== undefined) {
      const error = recordError(missing)
      await this.write({ flows: [{ do: 'state', flow: id, state: 'paused', error, endedAt: null }] })
      return undefined
    }
    const journal = flows.journal(id)
    const run = this.runOf(spec, row, this.messageOf(row.message))
    this.making.set(id, run)
    await run.begin(journal, (of) => new Flow(of), repeat)
    // What ended while it was made: the journal has more by now.
    const last = journal.at(-1)?.n ?? 0
    for (const entry of flows.journal(id)) {
      if (entry.n > last && entry.of !== null && (entry.kind === 'call' || entry.kind === 'flow')) {
        await run.input(() => run.stepEnded(entry))
      }
    }
    this.keep(run)
    await this.flush(run)
    // What came while nobody told it.
    this.offerMails(run)
    return run
  }

  /** What the app has not, or no more, for a flow to go on. */
  private missing({ id, mediator, version, message: { type } }: FlowRow, spec: MediatorSpec): Error | undefined {
    const what = `flow ${id} of mediator "${mediator}" began with`
    if (!spec.runs.has(version)) {
      return fault('millrace/flow-mismatch', `${what} version ${version}, which is not in versions`)
    }
    if (this.around.typeOf(type) !== undefined) return undefined
    return fault('millrace/unknown-type', `${what} "${type}", a type that the app has no more`)
  }

  private runOf(spec: MediatorSpec, row: FlowRow, message: Message): FlowRun {
    return new FlowRun(this.hostOf(spec, row), row, message, spec.runs.get(row.version)!)
  }

  private keep(run: FlowRun): void {
    this.hot.delete(run.id)
    if (run.over) return
    this.hot.set(run.id, run)
    if (this.hot.size <= this.around.hotFlowsMax) return
    for (const [id, oldest] of this.hot) {
      if (oldest === run || !oldest.isFree || this.wanted.has(id)) continue
      this.hot.delete(id)
      break
    }
  }

  private async flush(run: FlowRun, changes: readonly DeskChange[] = []): Promise<void> {
    // What is written ahead of the disk is written first.
    while (run.ahead !== undefined) await run.ahead
    const job = this.leftBy(run, changes)
    if (job === undefined) return
    await new Promise<void>((resolve, dropped) => {
      const written = () => {
        job.written?.()
        resolve()
      }
      this.around.committer.write({ ...job, written, dropped })
    })
  }

  /** What a run leaves to be written, in the order in which this is asked for. */
  private leftBy(run: FlowRun, changes: readonly DeskChange[] = []): Job | undefined {
    if (run.dismissed) return undefined
    const outbox = run.takeOutbox()
    const { outgoing } = outbox
    const ends = outbox.changes.some((change) => change.do === 'state' && change.endedAt !== null)
    const flows = ends ? [...outbox.changes, ...this.toParent(this.endOf(run))] : outbox.changes
    if (flows.length === 0 && outgoing.length === 0 && changes.length === 0) {
      // One that was made anew may have losers that were not taken back.
      if (outbox.lost.length > 0) this.after(run, outbox)
      return undefined
    }
    run.unwritten++
    const written = () => {
      run.unwritten--
      this.after(run, outbox)
    }
    return { flows, outgoing, changes, written }
  }

  /** What a run has left is written: what follows from it begins. */
  private after(run: FlowRun, { changes, waits, starts, lost }: Outbox): void {
    // Not before that is written: who asks for it meanwhile would make it from a journal without its end.
    if (changes.some(leaves)) this.hot.delete(run.id)
    if (changes.some((change) => change.do === 'timer')) this.look()
    if (run.waitsForDisk) void this.tell(run.id, (there) => there.saved())
    if (waits) this.offerMails(run)
    for (const id of starts) void this.during(() => this.load(id))
    for (const step of lost) {
      if (step.outcome === undefined) void this.during(() => this.giveUp(run, step, 'lost a race'))
    }
    if (changes.some((change) => change.do === 'state' && change.endedAt !== null)) this.hasEnded(this.endOf(run))
  }

  private endOf(run: FlowRun): FlowRow {
    return { ...run.row, state: run.state, error: run.obstacle ?? run.failure, result: run.result }
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
    if (parent === null || flows.row(parent.flow)?.endedAt !== null) return undefined
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
    const [first] = this.around.store.flows.queued(mediator, context)
    if (first !== undefined && first !== after) void this.during(() => this.load(first))
  }

  /** What the mailbox has for the waits of a flow: the oldest that it has not had. */
  private offerMails({ id, row: { context, mediator } }: FlowRun): void {
    if (context === null) return
    void this.tell(id, (run) => {
      for (const type of run.awaited) {
        for (const { n, message } of this.around.store.flows.mails(mediator, context, type)) {
          if (!run.awaited.has(type)) break
          run.mail(n, this.messageOf(message))
        }
      }
    })
  }

  private hostOf(spec: MediatorSpec, row: FlowRow): FlowHost {
    const { world, store, encode, encodeStart } = this.around
    return {
      spec,
      now: () => world.now(),
      random: () => world.random(),
      newId: () => world.newId(),
      entryId: () => store.flows.newEntryId(),
      endsInJournal: (after) => store.flows.endsOfFlows(row.id, after),
      encode: (type, data, id, asked, delay) => encode(type, data, spec.name, row.message, id, asked, delay),
      newFlow: (other, data, id) => {
        const first = this.rowOf(other, encodeStart(other, data, spec.name, row.message, id))
        return other.serial && first.context !== null ? { ...first, state: 'queued' } : first
      },
      turn: () => this.turn(),
      guard: (owner, fn) => world.guard(owner, fn, undefined, undefined),
      blame: (error, owner) => world.blame(error, owner),
      owner: () => world.owner(),
      late: (error) => {
        const what = `mediator "${spec.name}", flow ${row.id}, threw what nobody waits for`
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
    if (type === undefined) throw fault('millrace/unknown-type', `the app has no type "${stored.type}" any more`)
    return decode(type, stored)
  }

  private write(job: {
    readonly flows: readonly FlowChange[]
    readonly outgoing?: readonly Stored[]
    readonly changes?: readonly DeskChange[]
  }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.around.committer.write({ ...job, written: resolve, dropped: reject })
    })
  }

  /** What is done with flows, counted, so that it is known when all rests; its trouble is told. */
  private async during<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.counted(work)
    } catch (error) {
      if (this.open) this.around.world.log('error', 'a flow cannot go on', { error: String(error) })
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

function endOfCall({ id, n, state, outcome, at }: RequestChange & { readonly do: 'end' }): JournalEntry {
  const { n: of } = stepOfCommand(id)
  return { n, of, kind: 'call', step: '', what: '', data: outcomeOf(state, outcome), at }
}

function checkOnce({ name }: MediatorSpec, once: unknown): string {
  if (typeof once === 'string' && once.length > 0 && once.length <= onceCharsMax) return once
  const what = `oncePer must give a text of 1 to ${onceCharsMax} characters, not ${JSON.stringify(once)}`
  throw fault('millrace/bad-option', `mediator "${name}": ${what}`)
}

/**
 * The part of a journal before a step began, as that of another flow: with the ends of its steps, those that came later
 * too. What had no end there has failed here.
 */
function upTo(journal: readonly JournalEntry[], from: string, flow: number, newN: () => number): JournalEntry[] {
  const { entries, again } = withoutVoided(journal)
  const isOwn = ({ of, kind, step }: JournalEntry) =>
    of === null && kind !== 'cancel' && kind !== 'resume' && !step.startsWith('undo ')
  const cut = entries.findIndex((entry) => isOwn(entry) && entry.step === from)
  if (cut === -1) {
    const steps = entries.filter(isOwn).map(({ step }) => `"${step}"`)
    throw fault('millrace/unknown-step', `flow ${flow} has no step "${from}"; it has ${steps.join(', ') || 'none'}`)
  }
  const attempts = new Map([...again].map(([later, first]) => [first, later]))
  const numbers = new Map<number, number>()
  const open = new Map<number, JournalEntry>()
  const kept: JournalEntry[] = []
  entries.forEach((entry, index) => {
    const { n, of, kind, data } = entry
    if (of === null) {
      if (index >= cut || !isOwn(entry)) return
      const command = { commandId: commandIdOf(flow, attempts.get(n) ?? n) }
      const own = { ...entry, n: newN(), data: kind === 'call' ? { ...command, ...(data as object) } : data }
      numbers.set(n, own.n)
      if (withEnd.has(kind)) open.set(own.n, own)
      kept.push(own)
    } else if (numbers.has(of)) {
      open.delete(numbers.get(of)!)
      kept.push({ ...entry, n: newN(), of: numbers.get(of)! })
    }
  })
  for (const entry of open.values()) {
    const outcome: Outcome = {
      ok: false,
      code: 'millrace/step-cancelled',
      message: `"${entry.step}" had not ended in flow ${flow}`,
    }
    kept.push({ ...entry, n: newN(), of: entry.n, data: outcome })
  }
  return kept
}

const withEnd: ReadonlySet<string> = new Set(['call', 'wait', 'sleep', 'ask', 'flow'])

/** Handles the event that starts flows of a mediator. */
export function startsFlow(spec: MediatorSpec): HandlerSpec['handle'] {
  return async (message, context) => {
    const attempt = HandlerContext.attemptOf(context)
    attempt.also = await attempt.consumer.flows.start(spec, attempt.delivery.message, message, attempt)
  }
}

/** Handles a message of a route, which may start flows. */
export function startsFlows(
  choose: (message: Message, context: HandlerContext, start: (spec: MediatorSpec, data: unknown) => void) => unknown,
): HandlerSpec['handle'] {
  return (message, context) => {
    const attempt = HandlerContext.attemptOf(context)
    const begin: { readonly spec: MediatorSpec; readonly data: unknown }[] = []
    const result = choose(message, context, (spec, data) => void begin.push({ spec, data }))
    if (begin.length === 0 && typeof (result as PromiseLike<unknown> | undefined)?.then !== 'function') return
    return (async () => {
      await result
      const { flows } = attempt.consumer
      const all: Also[] = []
      try {
        for (const [index, { spec, data }] of begin.entries()) {
          const also = await flows.startFrom(spec, data, attempt, index)
          if (also !== undefined) all.push(also)
        }
      } catch (error) {
        for (const also of all) also.dropped?.()
        throw error
      }
      attempt.also = {
        flows: all.flatMap((also) => also.flows),
        outgoing: all.flatMap((also) => also.outgoing),
        written: () => {
          for (const also of all) also.written()
        },
        dropped: () => {
          for (const also of all) also.dropped?.()
        },
      }
    })()
  }
}

/** Handles an event that flows of a mediator may wait for. */
export function takesMail(spec: MediatorSpec, type: string): HandlerSpec['handle'] {
  return (message, context) => {
    const to = spec.waits.get(type)!(message)
    if (to === undefined) return
    const attempt = HandlerContext.attemptOf(context)
    attempt.also = attempt.consumer.flows.mail(spec, attempt.delivery.message, to)
  }
}
