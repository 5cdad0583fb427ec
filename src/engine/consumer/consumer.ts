// One processor on one stream: takes messages in order, sorts them into lanes, starts handlers, and ends messages.
//
//   running ⇄ paused          running, paused ──the run ends──→ stopped
//
// Nothing starts while it is paused or stopped; attempts under way continue. Invariant: a message ends exactly once: its
// position is done, or its entry at the desk is. The states of its parts are drawn in reader, lanes, desk-lanes, attempts,
// failing, recovery, decisions and probing.
import type { Stored } from '../../model/codec.ts'
import { fault, recordError } from '../../model/errors.ts'
import { inBrief } from '../../model/people.ts'
import type { Job } from '../commit/writes.ts'
import type { ProcessorSpec } from '../spec.ts'
import type { AttemptHost } from './attempt.ts'
import { attemptHostOf } from './attempt-host.ts'
import { Attempts } from './attempts.ts'
import { Deadlines } from './deadlines.ts'
import type { Decisions } from './decisions.ts'
import { Delivery } from './delivery.ts'
import type { DeskLane } from './desk-lanes.ts'
import { DeskSide } from './desk-side.ts'
import type { Looked } from './health.ts'
import type { ConsumerHost, Subscription } from './host.ts'
import type { OwnWrites } from './own-writes.ts'
import { Preparing } from './preparing.ts'
import { Progress } from './progress.ts'
import { Reader } from './reader.ts'
import type { Recovery } from './recovery.ts'
import { Starts } from './starts.ts'
import { next, type Status } from './status.ts'
import { Turns } from './turns.ts'

export class Consumer {
  readonly name: string
  readonly spec: ProcessorSpec
  readonly progress: Progress
  /** The same processor, as commits and attempts know it. */
  readonly processor: AttemptHost
  readonly decisions: Decisions
  readonly recovery: Recovery
  readonly writes: OwnWrites
  private status: Status = 'running'
  private readonly host: ConsumerHost
  private readonly reader: Reader
  private readonly turns: Turns<Delivery | DeskLane>
  private readonly attempts: Attempts
  private readonly deadlines: Deadlines
  private readonly side: DeskSide
  private readonly preparing: Preparing

  constructor({ spec, subscribed, recent, clean, concurrency }: Subscription, host: ConsumerHost) {
    const progress = new Progress(subscribed)
    this.name = spec.name
    this.spec = spec
    this.host = host
    this.writes = host.committer
    this.progress = progress
    const isDone = (position: number) => progress.isDone(position)
    this.turns = new Turns({ mayStart: () => this.mayStart(), start: (next) => this.preparing.begin(next) })
    this.deadlines = new Deadlines(spec, { now: () => host.world.now(), isDone })
    this.processor = attemptHostOf({
      spec,
      progress,
      keyName: subscribed.keyName,
      generation: subscribed.generation,
      run: host,
      attempts: () => this.attempts,
      writes: () => this.side.writes,
      failing: () => this.side.failing,
      pull: () => this.pull(),
      committed: (delivery) => this.committed(delivery),
    })
    const readerHost = {
      progress,
      limits: host.limits,
      isPassedOver: (type: string) => spec.passedOver.has(type),
      read: (...where: [number, number, number]) => host.store.log.read(progress.stream, ...where),
      take: (message: Stored) => {
        this.reader.entered(message)
        this.deadlines.note(message)
        this.side.lanes.queue(new Delivery(message, undefined))
      },
      taken: () => this.turns.pump(),
      caughtUp: () => this.pull(),
      save: () => this.writes.write({ consumer: this.processor }),
      cannotRead: (error: unknown) => this.logError(`processor "${spec.name}" cannot read its stream`, error),
    }
    this.reader = new Reader(readerHost, recent)
    const pump = () => this.turns.pump()
    const shared = { spec, name: spec.name, stream: progress.stream, processor: this.processor, concurrency, pump }
    this.side = new DeskSide({
      ...shared,
      run: host,
      marked: clean ? { position: 0, item: 0 } : { position: recent.head, item: host.deskNumbers.next() },
      isDone,
      isPaused: () => this.isPaused,
      entered: (message) => this.reader.entered(message),
      left: (message) => this.reader.left(message),
      ready: (next) => this.turns.push(next),
      finish: (delivery, more) => this.finish(delivery, more),
      attempts: () => this.attempts,
      askRule: (item) => host.askRule(this, item),
    })
    const { failing, lanes, desk } = this.side
    this.decisions = this.side.decisions
    this.recovery = this.side.recovery
    this.attempts = new Attempts({
      ...shared,
      world: host.world,
      watch: () => host.watch(),
      returned: (attempt) => {
        failing.probing.returned()
        this.writes.finish(attempt)
      },
      failed: (delivery, error, gone) => failing.failed(delivery, error, gone),
    })
    const starts = new Starts({
      spec,
      deadlines: this.deadlines,
      elapsed: () => host.world.elapsed(),
      isWithdrawn: (id) => host.withdrawals.has(id),
      passOver: (delivery) => this.passOver(delivery),
      unreadable: (delivery, error) => failing.unreadable(delivery, error),
      begin: (delivery, handler, message, now) => this.attempts.begin(delivery, handler, message, now),
    })
    this.preparing = new Preparing({
      ...shared,
      attempts: this.attempts,
      recovery: this.recovery,
      desk,
      lanes,
      status: () => this.status,
      entry: (item) => host.store.desk.entry(item),
      mark: (mark) => this.writes.mark(mark),
      start: (delivery) => starts.start(delivery),
      maybeIdle: () => host.maybeIdle(),
      cannotRead: (item, error) => this.logError(`cannot read message ${item} at the desk`, error),
    })
  }

  // ── taking messages ────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes as many messages as there is room for. */
  pull(): void {
    if (!this.reader.pull()) return
    this.turns.pump()
    this.host.maybeIdle()
  }

  /** Takes messages that are committed and not durable yet. Returns whether it took any. */
  pullAhead(messages: readonly Stored[]): boolean {
    if (this.isPaused || !this.reader.pullAhead(messages)) return false
    this.turns.pump()
    return true
  }

  // ── starting ───────────────────────────────────────────────────────────────────────────────────────────────────

  private mayStart(): boolean {
    if (this.status !== 'running') return false
    const { attempts } = this
    const { probing } = this.side.failing
    if (!probing.active) return attempts.hasRoom
    return attempts.counting === 0 && !attempts.stuck && probing.due(this.host.world.elapsed())
  }

  // ── ending ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Ends a message without an attempt: its type was retired, or its command was withdrawn. */
  private passOver(delivery: Delivery): void {
    const { message } = delivery
    const { withdrawals } = this.host
    const isWithdrawn = message.attributes === null && withdrawals.has(message.id)
    this.finish(delivery, isWithdrawn ? withdrawals.pass(message) : {})
  }

  /** Writes the end of a message. */
  private finish(delivery: Delivery, { written, ...more }: Job): void {
    const { entry, message } = delivery
    const { position } = message
    const end = entry === undefined ? { consumer: this.processor, position } : this.side.writes.ending(entry)
    this.writes.write({
      ...end,
      ...more,
      written: (heads) => {
        written?.(heads)
        this.committed(delivery)
        this.turns.pump()
        this.host.maybeIdle()
      },
    })
  }

  /** The end of a message is durable: its lane advances. */
  private committed(delivery: Delivery): void {
    const { side, host } = this
    const { entry, message } = delivery
    if (side.failing.probing.succeeded(host.world)) {
      host.world.log('info', `processor "${this.name}" has recovered: an attempt succeeded`)
    }
    this.recovery.survived(delivery)
    side.lanes.advance(delivery, entry === undefined ? undefined : side.desk.of(entry))
    if (entry === undefined) this.reader.left(message)
    else if (entry.failures > 0) host.ended(entry.id, 'handled')
  }

  /** Fences the attempt under way at a withdrawn command, which is passed over at its next turn. */
  fenceMessage(id: string, why: Error): boolean {
    const fenced = this.attempts.fenceMessage(id, why)
    if (fenced === undefined) return false
    this.recovery.survived(fenced.delivery)
    this.side.failing.wait(fenced.delivery, recordError(why), 0, fenced.gone)
    return true
  }

  withdraw(id: string): Promise<'never' | 'unknown'> {
    return this.decisions.withdraw(id)
  }

  private logError(what: string, error: unknown): void {
    this.host.world.log('error', what, { error: inBrief(error) })
  }

  // ── the whole ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Called at intervals while attempts run. Returns whether any still count. */
  tick(): boolean {
    const { attempts, reader, side } = this
    const now = this.host.world.elapsed()
    attempts.expireOverdue(now)
    if (reader.isFull) side.park(attempts.first, now)
    this.deadlines.forget()
    return attempts.first !== undefined
  }

  get isPaused(): boolean {
    return this.status === 'paused'
  }

  /** Starts nothing until it is resumed; attempts under way continue to their end. */
  pause(): void {
    if (this.status === 'running') this.status = next(this.status, 'paused')
  }

  resume(): void {
    if (this.status === 'paused') this.status = next(this.status, 'running')
    this.turns.pump()
  }

  /** Starts nothing from now on. */
  stopTaking(): void {
    if (this.status !== 'stopped') this.status = next(this.status, 'stopped')
    this.reader.stop()
  }

  /** Fences the attempts that still run. */
  abandon(): void {
    this.attempts.abandon()
  }

  /** Ends it alone: it writes nothing more. Resolves when its handlers have ended, at the latest after `lingerMs`. */
  close(): Promise<void> {
    const { name } = this
    this.stopTaking()
    this.writes.close(fault('millrace/not-held', `the message has ended: processor "${name}" was reset`))
    return this.attempts.fenceAll(fault('millrace/stopped', `processor "${name}" was reset during this attempt`))
  }

  /** Takes nothing from its stream until `goOn`. */
  wait(): void {
    this.reader.stop()
  }

  goOn(): void {
    if (this.status !== 'stopped') this.reader.goOn()
  }

  /** Every message up to this position is taken. */
  get position(): number {
    return this.reader.position
  }

  /** Whether every accepted message is done or held, or waits until the processor is resumed. */
  get idle(): boolean {
    const { attempts, side, reader } = this
    if (attempts.counting > 0 || side.lanes.isAsking || attempts.isWaitedFor) return false
    if (this.isPaused) return true
    if (reader.messages > 0 || reader.isBehind || this.recovery.isWaiting) return false
    return this.turns.isEmpty && side.desk.idle
  }

  /** Attempts that count, and reads before an attempt. */
  get runningNow(): number {
    return this.attempts.counting
  }

  get looked(): Looked {
    const { spec, status, progress, reader, attempts, deadlines, side, host } = this
    return { spec, status, progress, reader, attempts, deadlines, side, counters: host.counters }
  }
}
