// The flows of an app: those under way, in memory as long as something is done with them or there is room, and all that
// comes for them: events that start or continue them, ends of their commands, times, what people say.
//
// Every input to a flow goes the same way: the flow is there (made anew from its journal where it is not), it is told,
// runs until it rests, and what that leaves (entries, commands, its state) is written in one commit. The end of a command
// is in the journal with the commit of the command; all other inputs are entries of that one commit. So a crash loses
// nothing: a flow whose journal ends with something that it was told is begun again at the next start.
import { decode, type Stored } from '../model/codec.ts'
import { type Actor, checkText } from '../model/desk.ts'
import { fault } from '../model/errors.ts'
import type { Message, MessageType } from '../model/message.ts'
import type { FlowChange, FlowRow, RequestChange, Store } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import { Alarm } from './alarm.ts'
import { HandlerContext } from './attempt.ts'
import type { Committer } from './committer.ts'
import type { Consumer } from './consumer.ts'
import { type FlowHost, FlowRun, type MediatorSpec, outcomeOf, stepOfCommand } from './flow.ts'
import type { HandlerSpec } from './spec.ts'

/** What belongs to the end of an attempt that starts a flow, or gives it mail. */
export interface Also {
  readonly flows: readonly FlowChange[]
  readonly outgoing: readonly Stored[]
  readonly written: () => void
}

export interface FlowsAround {
  readonly world: World
  readonly store: Store
  readonly committer: Committer
  readonly mediators: readonly MediatorSpec[]
  encode(type: MessageType, data: unknown, mediator: string, cause: Stored, id: string, asked: boolean): Stored
  /** The processor that serves commands of a type. */
  serving(type: string): Consumer | undefined
  typeOf(name: string): MessageType | undefined
  maybeIdle(): void
}

/** Flows in memory that wait for something. */
const hotMax = 10_000
const timersAtOnce = 1_000

export class Flows {
  private readonly around: FlowsAround
  private readonly specs: ReadonlyMap<string, MediatorSpec>
  private readonly hot = new Map<number, FlowRun>()
  private readonly loading = new Map<number, Promise<FlowRun | undefined>>()
  private readonly alarm: Alarm
  private busy = 0
  private open = true
  private fire: Promise<void> | undefined

  constructor(around: FlowsAround) {
    this.around = around
    this.specs = new Map(around.mediators.map((spec) => [spec.name, spec]))
    this.alarm = new Alarm(around.world, () => this.look())
  }

  /** Goes on with flows that were told something before the last run ended. */
  async takeUp(): Promise<void> {
    if (this.specs.size === 0) return
    for (const id of this.around.store.flows.unfinished()) void this.during(async () => void (await this.load(id)))
    this.look()
  }

  /** Commands that are never to be handled any more. */
  readonly withdrawn = new Set<string>()

  /** Before anything is handled. */
  readWithdrawn(): void {
    for (const id of this.around.store.flows.withdrawn()) this.withdrawn.add(id)
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

  /** Starts a flow; what it leaves is written with the end of the attempt at its initiating event. */
  async start(spec: MediatorSpec, stored: Stored, message: Message): Promise<Also> {
    const { store, world } = this.around
    const row: FlowRow = {
      id: store.flows.newFlowId(),
      mediator: spec.name,
      context: stored.context,
      state: 'running',
      message: stored,
      error: null,
      startedAt: world.now(),
      endedAt: null,
    }
    const run = new FlowRun(this.hostOf(spec, row), row, message)
    await run.begin([])
    const { changes, outgoing, waits } = run.takeOutbox()
    const written = () => {
      this.keep(run)
      this.setAlarm(changes)
      if (waits.length > 0) this.offerMails(run, waits)
    }
    return { flows: [{ do: 'start', row }, ...changes], outgoing, written }
  }

  /** Keeps an event for flows of its context that wait for it, or will. */
  mail(spec: MediatorSpec, stored: Stored, context: string): Also {
    const { store, world } = this.around
    const mail = { n: store.flows.newMailId(), mediator: spec.name, context, message: stored, at: world.now() }
    const written = () => {
      for (const id of store.flows.underWay(spec.name, context)) {
        void this.tell(id, (run) => void run.mail(mail.n, this.messageOf(stored)))
      }
    }
    return { flows: [{ do: 'mail', mail }], outgoing: [], written }
  }

  /** What has become of commands is durable. */
  written(changes: readonly RequestChange[]): void {
    for (const change of changes) {
      if (change.do !== 'end' || change.asker !== 'flow') continue
      const { flow, n: of } = stepOfCommand(change.id)
      const entry = { n: change.n, of, kind: 'call' as const, step: '', what: '', data: outcomeOf(change) }
      // One that is not in memory is made from its journal, which has this end already.
      const run = this.hot.get(flow)
      if (run === undefined) void this.during(async () => void (await this.load(flow)))
      else void this.tell(flow, (there) => there.callEnded(entry))
    }
  }

  // ── people ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @throws `millrace/unknown-flow`, `millrace/flow-ended` */
  async cancel(id: number, { by, reason }: Actor): Promise<void> {
    await this.underWay(id)
    const why = `cancelled by ${by}${reason === undefined ? '' : `: ${checkText('cancel', 'reason', reason)}`}`
    await this.tell(id, (run) => run.cancel(why))
  }

  /**
   * Goes on with a flow that is stuck at an undo, or paused because its code did not fit.
   *
   * @throws `millrace/unknown-flow`, `millrace/flow-ended`
   */
  async resume(id: number): Promise<void> {
    const { state } = await this.underWay(id)
    if (state === 'paused') {
      this.hot.delete(id)
      await this.write({ flows: [{ do: 'state', flow: id, state: 'running', error: null, endedAt: null }] })
      await this.during(async () => void (await this.load(id)))
    } else await this.tell(id, (run) => run.resume())
  }

  private async underWay(id: number): Promise<FlowRow> {
    const row = this.around.store.flows.row(id)
    if (row === undefined) throw fault('millrace/unknown-flow', `there is no flow ${id}`)
    if (row.endedAt === null) return row
    throw fault('millrace/flow-ended', `flow ${id} of mediator "${row.mediator}" has ended already: ${row.state}`)
  }

  // ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private setAlarm(changes: readonly FlowChange[]): void {
    if (changes.some((change) => change.do === 'timer')) this.look()
  }

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
    if (run !== undefined && late !== undefined) {
      const { context } = late.data as { context: string | null }
      const effects = await this.withdraw({ id: `flow/${flow}/${n}`, type: late.what, context })
      await this.tell(flow, (there) => there.withdrawn(n, effects))
    }
    // Whatever became of the step: its time is not to come again.
    await this.write({ flows: [{ do: 'untimer', flow, n }] })
  }

  // ── one flow ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Tells a flow something, and writes what follows. Gives it, where it is under way. */
  private tell(id: number, apply: (run: FlowRun) => void): Promise<FlowRun | undefined> {
    return this.during(async () => {
      const run = this.hot.get(id) ?? (await this.load(id))
      if (run === undefined || run.over || !this.open) return undefined
      await run.input(() => apply(run))
      await this.flush(run)
      return run
    })
  }

  /** Makes a flow from its journal, and goes on with it where it was told something last. */
  private load(id: number): Promise<FlowRun | undefined> {
    const there = this.hot.get(id)
    if (there !== undefined) return Promise.resolve(there)
    let loading = this.loading.get(id)
    if (loading === undefined) {
      loading = this.make(id).finally(() => this.loading.delete(id))
      this.loading.set(id, loading)
    }
    return loading
  }

  private async make(id: number): Promise<FlowRun | undefined> {
    const { flows } = this.around.store
    const row = flows.row(id)
    const spec = row && this.specs.get(row.mediator)
    if (row === undefined || spec === undefined || row.endedAt !== null || row.state === 'paused') return undefined
    const journal = flows.journal(id)
    const run = new FlowRun(this.hostOf(spec, row), row, this.messageOf(row.message))
    await run.begin(journal)
    // What ended while it was made: the journal has more by now.
    const last = journal.at(-1)?.n ?? 0
    for (const entry of flows.journal(id)) {
      if (entry.n > last && entry.of !== null && entry.kind === 'call') await run.input(() => run.callEnded(entry))
    }
    this.keep(run)
    await this.flush(run)
    return run
  }

  private keep(run: FlowRun): void {
    this.hot.delete(run.id)
    if (run.over) return
    this.hot.set(run.id, run)
    if (this.hot.size <= hotMax) return
    for (const [id, oldest] of this.hot) {
      if (!oldest.atRest) continue
      this.hot.delete(id)
      break
    }
  }

  private async flush(run: FlowRun): Promise<void> {
    const { changes, outgoing, waits } = run.takeOutbox()
    if (changes.length > 0 || outgoing.length > 0) await this.write({ flows: changes, outgoing })
    if (run.over || run.state === 'paused') this.hot.delete(run.id)
    this.setAlarm(changes)
    if (waits.length > 0) this.offerMails(run, waits)
  }

  /** What came before a wait began. */
  private offerMails(run: FlowRun, waits: readonly number[]): void {
    const { context, mediator } = run.row
    if (context === null) return
    const { flows } = this.around.store
    const types = new Set(run.steppedSoFar().flatMap(({ entry }) => (waits.includes(entry.n) ? [entry.what] : [])))
    for (const type of types) {
      for (const mail of flows.mails(mediator, context, type)) {
        void this.tell(run.id, (there) => void there.mail(mail.n, this.messageOf(mail.message)))
      }
    }
  }

  private async withdraw(command: { id: string; type: string; context: string | null }): Promise<'never' | 'unknown'> {
    this.withdrawn.add(command.id)
    await this.write({ flows: [{ do: 'withdraw', id: command.id }] })
    return (await this.around.serving(command.type)?.withdraw(command.id, command.context)) ?? 'never'
  }

  private hostOf(spec: MediatorSpec, row: FlowRow): FlowHost {
    const { world, store, encode } = this.around
    return {
      spec,
      now: () => world.now(),
      random: () => world.random(),
      newId: () => world.newId(),
      entryId: () => store.flows.newEntryId(),
      encode: (type, data, id, asked) => encode(type, data, spec.name, row.message, id, asked),
      turn: () => new Promise((resolve) => world.soon(resolve)),
      withdraw: (command) => this.withdraw(command),
    }
  }

  private messageOf(stored: Stored): Message {
    const type = this.around.typeOf(stored.type)
    if (type === undefined) throw fault('millrace/unknown-type', `the app has no type "${stored.type}" any more`)
    return decode(type, stored)
  }

  private write(job: { readonly flows: readonly FlowChange[]; readonly outgoing?: readonly Stored[] }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.around.committer.write({ ...job, written: resolve, dropped: reject })
    })
  }

  /** What is done with flows, counted, so that it is known when all rests; its trouble is told. */
  private async during<T>(work: () => Promise<T>): Promise<T | undefined> {
    this.busy++
    try {
      return await work()
    } catch (error) {
      if (this.open) this.around.world.log('error', 'a flow cannot go on', { error: String(error) })
      return undefined
    } finally {
      this.busy--
      this.around.maybeIdle()
    }
  }
}

/** Handles the event that starts flows of a mediator. */
export function startsFlow(spec: MediatorSpec): HandlerSpec['handle'] {
  return async (message, context) => {
    const attempt = HandlerContext.attemptOf(context)
    attempt.also = await attempt.consumer.flows.start(spec, attempt.delivery.message, message)
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
