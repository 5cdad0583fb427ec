// One processor on one stream: takes messages in order, sorts them into lanes, runs handlers, decides what follows
// from their failures.
//
// A lane is open (its messages come from the log) or at the desk (see desk-lanes.ts). Invariants: at most one message of
// a lane is between start and durable commit; nothing of a lane starts before the commit of the one before it is
// durable; a message ends exactly once: its position is done, or its entry at the desk is.
import { decode, isOwn, type Refusal, refusalOf, type Stored } from '../../model/codec.ts'
import { type DeskEntry, withTry } from '../../model/desk.ts'
import { type ErrorRecord, fault, isMillraceError, recordError } from '../../model/errors.ts'
import { toldOfFrozen } from '../../model/frozen.ts'
import type { MessageType } from '../../model/message.ts'
import { inBrief } from '../../model/people.ts'
import { promiseOf } from '../../model/promise.ts'
import type { PublishOptions } from '../../model/publish.ts'
import { isRefused } from '../../model/refused.ts'
import type { Query } from '../../model/tx.ts'
import type { DeskHead, LaneKey } from '../../seam/desk.ts'
import type { Subscribed } from '../../seam/progress.ts'
import type { World } from '../../seam/world.ts'
import type { AskedEnd } from '../commit/asked.ts'
import type { Ending } from '../commit/handled.ts'
import type { RecentMessages } from '../commit/recent-messages.ts'
import { Fifo } from '../kit/fifo.ts'
import { type ProcessorSpec, unknownType } from '../spec.ts'
import type { Surroundings } from '../surroundings.ts'
import { Attempt, type AttemptHost } from './attempt.ts'
import { Deadlines } from './deadlines.ts'
import { Decisions } from './decisions.ts'
import { Delivery } from './delivery.ts'
import { DeskLane, DeskLanes } from './desk-lanes.ts'
import { changed, DeskWrites } from './desk-writes.ts'
import { HandlerContext } from './handler-context.ts'
import { type OpenLane, OpenLanes } from './lanes.ts'
import { Probing } from './probing.ts'
import { Progress } from './progress.ts'
import { Reader } from './reader.ts'
import { type Consequence, consequence, policyFor } from './retry.ts'

/** How many messages are passed over before that is written. */
const saveEvery = 8_192
/** How long the head of a lane may hold others back before its lane is parked at the desk, milliseconds. */
const parkAfterMs = 1_000

export class Consumer implements AttemptHost {
  readonly name: string
  readonly spec: ProcessorSpec
  readonly progress: Progress
  readonly read: Query
  readonly now: () => number
  readonly log: World['log']
  private readonly around: Surroundings
  private readonly reader: Reader
  readonly deadlines: Deadlines
  private readonly desk: DeskLanes
  private readonly probing: Probing
  private readonly lanes: OpenLanes
  private readonly ready = new Fifo<Delivery | DeskLane>()
  private oldest: Attempt | undefined
  private newest: Attempt | undefined
  private running = 0
  /** Attempts whose time is over and whose handler has not ended. */
  private lingering = 0
  /** Messages of which the store is asked whether their lane is at the desk. */
  private looking = 0
  private pumping = false
  private stopping = false
  private paused = false
  /** Up to this position, and to this message at the desk, each start is marked: the process died before they were done. */
  private readonly markUpTo: number
  private readonly markItemsUpTo: number
  private readonly suspects: DeskLane[] = []
  /** What runs alone now. */
  private suspect: { readonly item: number; readonly ended: () => void } | undefined
  /** Attempts that outlived their time and are still running, by the message at the desk. */
  private readonly outlived = new Map<number, Promise<void>>()
  /** What waits for one of these to end. */
  private waitingForEnd = 0
  readonly decisions: Decisions
  private readonly writes: DeskWrites

  constructor(spec: ProcessorSpec, subscribed: Subscribed, tail: RecentMessages, clean: boolean, around: Surroundings) {
    this.name = spec.name
    this.spec = spec
    this.around = around
    this.lanes = new OpenLanes(2 * around.limits.windowMessages)
    this.progress = new Progress(subscribed)
    this.deadlines = new Deadlines(spec, this.progress, around.world)
    this.reader = new Reader(
      {
        progress: this.progress,
        limits: around.limits,
        read: (...where) => around.store.log.read(this.progress.stream, ...where),
        take: (message) => this.offered(message),
        taken: () => this.pump(),
        caughtUp: () => this.pull(),
        cannotRead: (error) =>
          this.log('error', `processor "${this.name}" cannot read its stream`, { error: inBrief(error) }),
      },
      tail,
    )
    this.markUpTo = clean ? 0 : tail.head
    this.markItemsUpTo = clean ? 0 : around.deskNumbers.next()
    this.probing = new Probing(spec)
    this.read = around.store.query
    this.now = () => around.world.now()
    this.log = (level, text, fields) => around.world.log(level, text, fields)
    this.writes = new DeskWrites({
      name: spec.name,
      follower: this,
      now: this.now,
      nextNumber: () => around.deskNumbers.next(),
      write: (job) => around.committer.write(job),
      left: (message) => this.reader.left(message),
      resolved: (entry, state) => around.resolved(this, entry, state),
    })
    this.decisions = new Decisions({
      spec,
      limits: around.limits,
      writes: this.writes,
      now: this.now,
      entry: (item) => around.store.desk.entry(item),
      written: (job) => around.committer.written(job),
      resume: (entry) => this.desk.resume(entry),
      requeue: (entry, lane) => this.requeue(entry, lane),
      advance: (entry, lane) => this.advanceAfter(entry, lane),
      logHeld: (entry) => this.logHeld(entry.message, entry.attempts, entry.error!),
      notHandled: (item) => around.ended(item, false),
      isWithdrawn: (id) => around.withdrawals.has(id),
      withdraw: (id) => this.withdraw(id),
    })
    this.desk = new DeskLanes({
      heldContextsMax: around.limits.heldContextsMax,
      windowMessages: around.limits.windowMessages,
      writes: this.writes,
      nextNumber: () => around.deskNumbers.next(),
      line: (context, after, limit) => around.store.desk.line(this.laneKey(context), after, limit),
      ready: (lane) => void this.ready.push(lane),
      pump: () => this.pump(),
      maybeIdle: () => around.maybeIdle(),
      cannotRead: (context, error) =>
        this.log('error', `cannot read the line of "${context}"`, { error: inBrief(error) }),
    })
  }

  // ── taking messages ────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes what there is room for. */
  pull(): void {
    if (!this.reader.pull()) return
    this.pump()
    this.around.maybeIdle()
  }

  /** Takes messages that are committed and not durable yet. Returns whether it took any. */
  pullAhead(messages: readonly Stored[]): boolean {
    if (this.paused || !this.reader.pullAhead(messages)) return false
    this.pump()
    return true
  }

  private offered(message: Stored): void {
    if (this.spec.passedOver.has(message.type)) {
      this.passOver(message.position)
      return
    }
    this.reader.entered(message)
    this.deadlines.note(message)
    this.queue(new Delivery(message, undefined))
  }

  /** Puts a message at the end of its lane, wherever that is. */
  private queue(delivery: Delivery): void {
    const { context } = delivery.message
    if (context === null) {
      this.ready.push(delivery)
      return
    }
    const lane = this.lanes.of(context)
    const last = lane.newest
    if (last !== undefined) {
      last.next = delivery
      join(lane, delivery)
      return
    }
    const atDesk = this.desk.has(context)
    if (atDesk === 'yes') {
      this.desk.join(delivery)
      return
    }
    join(lane, delivery)
    if (atDesk === 'no') this.ready.push(delivery)
    else this.lookUp(delivery, context)
  }

  /** Whether the lane of a message is at the desk is on disk only: until that is read, others queue behind it. */
  private lookUp(first: Delivery, context: string): void {
    this.looking++
    this.headOf(context).then(
      (head) => {
        this.looking--
        if (head === undefined && this.desk.has(context) !== 'yes') this.ready.push(first)
        else this.moveToLine(first)
        this.pump()
        this.around.maybeIdle()
      },
      (error) => this.log('error', `cannot look for "${context}" at the desk`, { error: inBrief(error) }),
    )
  }

  /** Done without being handled; written with the next commit, or when much has come together. */
  private passOver(position: number): void {
    this.progress.done(position)
    if (this.progress.low - this.progress.rowLow < saveEvery) return
    this.progress.rowLow = this.progress.low
    this.around.committer.save(this)
  }

  // ── running ────────────────────────────────────────────────────────────────────────────────────────────────────

  private pump(): void {
    if (this.pumping) return
    this.pumping = true
    while (this.mayStart()) {
      const next = this.ready.shift()
      if (next instanceof DeskLane) this.take(next)
      else this.begin(next)
    }
    this.pumping = false
  }

  private mayStart(): boolean {
    if (this.ready.isEmpty || this.stopping || this.paused) return false
    if (!this.probing.active) return this.running < this.spec.concurrency
    return this.runningNow === 0 && !this.stuck && this.probing.due(this.around.world.elapsed())
  }

  /** Begins with the head of a lane at the desk, which may be on disk only. */
  private take(lane: DeskLane): void {
    if (lane.entry !== undefined) {
      this.begin(new Delivery(lane.entry.message, lane.entry))
      return
    }
    this.running++
    this.around.store.desk.entry(lane.headId).then(
      (entry) => {
        this.running--
        if (entry === undefined) this.desk.drop(lane)
        else if (!this.stopping) {
          lane.entry = entry
          this.begin(new Delivery(entry.message, entry))
        }
        this.pump()
        this.around.maybeIdle()
      },
      (error) => this.log('error', `cannot read message ${lane.headId} at the desk`, { error: inBrief(error) }),
    )
  }

  private begin(delivery: Delivery): void {
    const { entry, message } = delivery
    const marked = entry === undefined ? message.position <= this.markUpTo : entry.id <= this.markItemsUpTo
    const alone = entry !== undefined && this.suspect?.item === entry.id
    if (!marked || alone || (entry === undefined && delivery.attempts > 0)) {
      this.start(delivery)
      return
    }
    this.running++
    this.around.committer.mark({
      processor: this.name,
      stream: this.progress.stream,
      position: entry === undefined ? message.position : -entry.id,
      written: () => {
        this.running--
        if (this.stopping) return
        if (this.paused) this.again(delivery)
        else this.start(delivery)
      },
    })
  }

  private start(delivery: Delivery): void {
    const { message } = delivery
    const { world } = this.around
    const now = world.elapsed()
    if (delivery.headSince === 0) delivery.headSince = now
    if (message.asked !== undefined && this.around.withdrawals.has(message.id)) {
      this.letPass(delivery)
      return
    }
    const handler = this.spec.handlers.get(message.type)
    if (handler === undefined && this.spec.passedOver.has(message.type)) {
      this.letPass(delivery)
      return
    }
    let attempt: Attempt
    let result: unknown
    try {
      if (handler === undefined) throw unknownType(this.spec, message.type)
      if (delivery.entry === undefined && delivery.attempts === 0) this.deadlines.check(message)
      const decoded = decode(handler.type, message)
      attempt = new Attempt(this, delivery, handler, now)
      this.enter(attempt)
      try {
        result = world.guard(attempt, handler.handle, decoded, new HandlerContext(attempt))
      } catch (error) {
        this.leave(attempt)
        this.failed(delivery, error)
        return
      }
    } catch (error) {
      // The message itself cannot be read: that is as final as a refusal.
      this.tried(delivery, recordError(error))
      this.giveUp(delivery, recordError(error))
      return
    }
    const promise = promiseOf(result)
    if (promise === undefined) this.ended(attempt, result)
    else
      promise.then(
        (value) => this.ended(attempt, value),
        (error: unknown) => this.threw(attempt, error),
      )
  }

  /** The same function, which runs later for whom this is called for now. */
  bind<A extends unknown[], T>(fn: (...args: A) => T): (...args: A) => T {
    return this.around.world.bind(fn)
  }

  /** Calls code that belongs to an attempt; what it throws later is told to that. */
  callback<T>(attempt: Attempt, fn: () => T): T {
    return this.around.world.callback(attempt, fn)
  }

  /** Not to be handled: its type was retired meanwhile, or who asked for it has withdrawn it. */
  private letPass(delivery: Delivery): void {
    const { entry, message } = delivery
    const ending = entry === undefined ? { consumer: this, position: message.position } : this.deskEnd(delivery)
    const { withdrawals } = this.around
    const passed = message.attributes === null && withdrawals.has(message.id) ? withdrawals.pass(message.id) : undefined
    this.around.committer.write({
      ...ending,
      ...(passed === undefined ? {} : { flows: [{ do: 'passed', id: message.id }] }),
      written: () => {
        passed?.()
        this.committed(delivery)
        this.pump()
        this.around.maybeIdle()
      },
    })
  }

  private ended(attempt: Attempt, result: unknown): void {
    try {
      attempt.checkResult(result)
    } catch (error) {
      this.threw(attempt, error)
      return
    }
    const counts = this.leave(attempt)
    if (counts) {
      this.probing.ended()
      this.around.committer.finish(attempt)
    }
    this.pump()
  }

  private threw(attempt: Attempt, error: unknown): void {
    const counts = this.leave(attempt)
    attempt.also?.dropped?.()
    if (counts) this.failed(attempt.delivery, error)
    this.pump()
  }

  private enter(attempt: Attempt): void {
    this.running++
    attempt.before = this.newest
    if (this.newest === undefined) this.oldest = attempt
    else this.newest.after = attempt
    this.newest = attempt
    this.around.watch()
  }

  /** Takes an ended attempt out of the running ones; false when it had expired and counts no more. */
  private leave(attempt: Attempt): boolean {
    this.running--
    if (attempt.state === 'expired') {
      this.lingering--
      attempt.gone?.()
      return false
    }
    this.unlink(attempt)
    attempt.state = 'ended'
    return true
  }

  private unlink(attempt: Attempt): void {
    const { before, after } = attempt
    if (before === undefined) this.oldest = after
    else before.after = after
    if (after === undefined) this.newest = before
    else after.before = before
    attempt.before = undefined
    attempt.after = undefined
  }

  /** Called now and then while anything runs or rests: ends what took too long, parks what holds others back. */
  tick(): void {
    const now = this.around.world.elapsed()
    while (this.oldest !== undefined && now - this.oldest.startedAt >= this.spec.timeoutMs) this.expire(this.oldest)
    if (this.reader.isFull) this.park(now)
    this.deadlines.forget()
  }

  /** An error that came outside the promise of its handler. */
  late(attempt: Attempt, error: unknown): void {
    if (attempt.state === 'running') {
      this.fail(attempt, error)
      return
    }
    const { type, id } = attempt.delivery.message
    const said = fault('millrace/late-error', `processor "${this.name}" threw after its attempt had ended`, {
      cause: error,
    })
    this.log('error', said.message, { code: said.code, type, id, error: recordError(error) })
  }

  private expire(attempt: Attempt): void {
    const { timeoutMs } = this.spec
    const what = `an attempt of processor "${this.name}" took longer than ${timeoutMs} ms`
    this.fail(attempt, fault('millrace/timed-out', what))
  }

  /** Fails an attempt whose handler has not ended. */
  private fail(attempt: Attempt, error: unknown): void {
    const ended = this.fence(attempt, error)
    this.failed(attempt.delivery, error, ended)
  }

  /** An attempt at what was withdrawn meanwhile: at its next turn it is passed over. It is no failure of the processor. */
  private passBy(attempt: Attempt, why: Error): void {
    const { delivery } = attempt
    const ended = this.fence(attempt, why)
    this.suspectEnded(delivery)
    this.rest(delivery, recordError(why), 0, ended)
  }

  /** Nothing of an attempt counts any more. Gives when its handler has ended at last, or is not waited for any longer. */
  private fence(attempt: Attempt, error: unknown): Promise<void> {
    const { lingerMs } = this.spec
    this.unlink(attempt)
    attempt.abort(error)
    this.lingering++
    // The next attempt waits for this one to end, but not forever.
    return new Promise<void>((resolve) => {
      attempt.gone = resolve
      this.around.world.after(lingerMs, resolve)
    })
  }

  /** Whether no handler can start because all slots are taken by attempts that outlived their time. */
  get stuck(): boolean {
    return this.lingering >= this.spec.concurrency
  }

  get flows(): object {
    return this.around.flows
  }

  get probes(): boolean {
    return this.probing.active
  }

  // ── failing ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A failed attempt: the lane waits for the next one, or the message has failed for good. */
  failed(delivery: Delivery, thrown: unknown, before?: Promise<void>): void {
    const { world } = this.around
    const { message } = delivery
    this.suspectEnded(delivery)
    const { messageBytesMax } = this.around.limits
    let error = toldOfFrozen(`processor "${this.name}"`, thrown, message.decoded)
    if (isRefused(thrown)) {
      try {
        const refusal = refusalOf(this.spec.handlers.get(message.type)!.type, thrown, messageBytesMax)
        if (message.asked !== undefined) {
          this.refuse(delivery, refusal)
          return
        }
      } catch (unfit) {
        error = unfit
      }
    }
    const record = recordError(error, messageBytesMax)
    const counts = isRefused(error) || this.probing.counts(world.elapsed())
    if (counts) this.tried(delivery, record)
    if (!isRefused(error)) this.mayProbe(message)
    const next: Consequence = counts ? this.consequence(delivery, error) : { do: 'retry', delayMs: 0 }
    if (next.do === 'hold') {
      this.giveUp(delivery, record, before)
      return
    }
    const what = counts ? `attempt ${delivery.attempts}` : 'a probe'
    this.log('warn', `${what} of processor "${this.name}" failed`, {
      type: message.type,
      id: message.id,
      context: message.context,
      error: record.message,
      nextInMs: Math.round(next.delayMs),
    })
    if (next.delayMs === 0 && before === undefined) {
      this.again(delivery)
      this.pump()
    } else this.rest(delivery, record, next.delayMs, before)
  }

  /** Who asked is told at once; the command is done. */
  private refuse(delivery: Delivery, outcome: Refusal): void {
    const { message, entry } = delivery
    const ending = entry === undefined ? { consumer: this, position: message.position } : this.deskEnd(delivery)
    this.around.committer.write({
      ...ending,
      requests: [this.writes.requestEnd(message, 'refused', outcome)],
      written: () => {
        this.committed(delivery)
        this.pump()
        this.around.maybeIdle()
      },
    })
  }

  /** An attempt under way at a message can commit no more. Gives whether there was one. */
  fenceMessage(id: string, why: Error): boolean {
    for (let attempt = this.oldest; attempt !== undefined; attempt = attempt.after) {
      if (!isOwn(attempt.delivery.message, id)) continue
      this.passBy(attempt, why)
      return true
    }
    return false
  }

  /**
   * Never handles a command that it has not handled, and that has been withdrawn. One that is held leaves the desk.
   */
  async withdraw(id: string): Promise<'never' | 'unknown'> {
    const entry = await this.around.store.desk.askedEntry(id)
    if (entry === undefined) return 'never'
    const effects = entry.failures > 0 || entry.attempts > 0 ? 'unknown' : 'never'
    // One that is held by a processor that does not run is passed over when that does.
    const own = entry.processor === this.name && entry.message.stream === this.progress.stream
    if (own && entry.state === 'held') {
      try {
        await this.decisions.decide(entry.id, { do: 'retry' }, { by: 'millrace', reason: 'withdrawn by its caller' })
      } catch (error) {
        // A person, or another withdrawal, has been quicker: at its turn it is passed over all the same.
        if (!isMillraceError(error, 'millrace/not-held')) throw error
      }
    }
    return effects
  }

  /** How large the reply to a command may be, bytes. */
  get replyBytesMax(): number {
    return this.around.limits.messageBytesMax
  }

  /** The reply of a command that was asked. */
  replied(message: Stored, reply: unknown): AskedEnd {
    return this.writes.requestEnd(message, 'replied', reply)
  }

  /** The handler ended well, its commit did not. */
  commitFailed(delivery: Delivery, error: unknown): void {
    this.probing.takeBack()
    this.failed(delivery, error)
  }

  private tried(delivery: Delivery, record: ErrorRecord): void {
    delivery.attempts++
    delivery.tries = withTry(delivery.tries, this.around.world.now(), record)
  }

  private consequence(delivery: Delivery, error: unknown): Consequence {
    const { retry } = this.spec
    const { world } = this.around
    const { attempts, message } = delivery
    const { id, type, context } = message
    let policy = retry
    try {
      const about = { id, type, context: context ?? undefined }
      const choose = () => policyFor(`processor "${this.name}": retry`, retry, { error, attempts, message: about })
      policy = world.callback({ late: (why) => this.byErrorFailed(why) }, choose)
    } catch (why) {
      this.byErrorFailed(why)
    }
    return consequence(error, attempts, policy, world.random())
  }

  private byErrorFailed(why: unknown): void {
    const what = `byError of processor "${this.name}" failed; the other numbers of its retry policy apply`
    this.log('error', what, { error: recordError(why).message })
  }

  /** What all lanes depend on may be down: then one message at a time is tried until one succeeds. */
  private mayProbe({ context, id }: Stored): void {
    const { world } = this.around
    const was = this.probing.active
    const waitMs = this.probing.failed(context ?? id, world.elapsed())
    if (waitMs === undefined) return
    // A timer may come a little early by the other clock.
    world.after(waitMs + 1, () => this.pump())
    if (!was)
      this.log(
        'error',
        `processor "${this.name}" is probing: its last attempts all failed; it now tries one message at a time`,
      )
  }

  /** Back to where its turn comes again, at the end. */
  private again(delivery: Delivery): void {
    const { entry } = delivery
    const lane = entry === undefined ? undefined : this.desk.of(entry)
    if (lane === undefined) this.ready.push(delivery)
    else {
      const { attempts, tries } = delivery
      if (lane.entry !== undefined) lane.entry = changed(entry!, { attempts, tries })
      this.ready.push(lane)
    }
  }

  /** Waits at the desk for its next attempt, durably; what waits behind it joins the line. */
  private rest(delivery: Delivery, error: ErrorRecord, delayMs: number, before: Promise<void> | undefined): void {
    const { world } = this.around
    const { attempts, tries } = delivery
    const dueAt = Math.ceil(world.now() + delayMs)
    const fields = { state: 'trying', dueAt, attempts, tries, error } as const
    const known = delivery.entry === undefined ? undefined : this.desk.of(delivery.entry)
    const lane = known ?? this.close(delivery, fields)
    if (known !== undefined) {
      lane.entry = this.writes.keep(delivery, fields, () => ({ written: () => this.unload(lane, dueAt) }))
    }
    this.wake(lane, delayMs, before)
  }

  private wake(lane: DeskLane, delayMs: number, before?: Promise<void>): void {
    const again = () => {
      if (this.stopping) return
      this.ready.push(lane)
      this.pump()
    }
    this.around.world.after(delayMs, () => {
      if (before === undefined) again()
      else before.then(again)
    })
  }

  /** A lane that has long to wait is needed on disk only. */
  private unload(lane: DeskLane, dueAt: number): void {
    if (lane.entry?.dueAt === dueAt && dueAt - this.around.world.now() > parkAfterMs) lane.entry = undefined
  }

  /** Moves an open lane to the desk, head first. */
  private close(head: Delivery, fields: Partial<DeskEntry>): DeskLane {
    const { context } = head.message
    // A message that came from the desk into an open lane goes before those behind it.
    const place = head.entry === undefined ? {} : { place: this.around.deskNumbers.next() }
    const entry = this.writes.keep(head, { ...fields, ...place, lane: context }, ({ dueAt }) => ({
      written: () => this.unload(lane, dueAt),
    }))
    const lane = this.desk.begin(entry)
    lane.mayHaveLine = head.next !== undefined
    lane.entry = entry
    if (context !== null) this.moveToLine(head.next, context)
    head.next = undefined
    return lane
  }

  /** An open lane is none any more: its messages, from one on, join the line at the desk. */
  private moveToLine(first: Delivery | undefined, context = first!.message.context!): void {
    this.lanes.end(context)
    for (let next = first; next !== undefined; next = next.next) this.desk.join(next)
  }

  /** Failed for good: at the desk, where a rule or a person decides about it. */
  private giveUp(delivery: Delivery, error: ErrorRecord, before?: Promise<void>): void {
    const { message, attempts, tries, entry: known } = delivery
    const { context, id, type } = message
    const deskLane = known === undefined ? undefined : this.desk.of(known)
    const blocks = this.spec.onHold === 'block' && context !== null
    const state = this.spec.desk?.rules.has(type) === true ? 'deciding' : 'held'
    const failures = (known?.failures ?? 0) + 1
    const fields = { state, lane: blocks ? context : null, dueAt: 0, attempts, tries, error, failures } as const
    const { code, message: text } = error
    if (state === 'held') this.logHeld(message, attempts, error)
    const entry = this.writes.keep(delivery, fields, (failed) => ({
      changes: [this.writes.record(failed, 'held', { by: 'millrace' }, { code, message: text, attempts })],
      outgoing: this.around.failed(this, failed),
      requests: message.asked === 'app' ? [{ do: 'held', id, item: failed.id }] : [],
      written: () => {
        if (state === 'deciding') this.around.judge(this, failed.id)
        else if (failures > 1) this.around.ended(failed.id, false)
        if (!blocks && context !== null) this.whenEnded(failed.id, () => this.advance(delivery, deskLane))
      },
    }))
    if (before !== undefined) {
      this.outlived.set(entry.id, before)
      before.then(() => this.outlived.delete(entry.id))
    }
    if (context === null) this.desk.forget(entry.id)
    else if (blocks) {
      this.desk.wait(context)
      if (deskLane === undefined) this.moveToLine(delivery.next, context)
      delivery.next = undefined
    }
    this.pump()
  }

  /** Goes on with a lane when no attempt at its message runs any more, or not for longer than `lingerMs`. */
  private whenEnded(item: number, goOn: () => void): void {
    const before = this.outlived.get(item)
    if (before === undefined) {
      goOn()
      return
    }
    this.waitingForEnd++
    before.then(() => {
      this.waitingForEnd--
      goOn()
    })
  }

  /** Only when no rule is left to ask: what a rule mends is nothing for operators. */
  private logHeld({ type, id, context }: Stored, attempts: number, { code, message: error }: ErrorRecord): void {
    this.log('error', `processor "${this.name}" holds a message`, { type, id, context, attempts, code, error })
  }

  private requeue(entry: DeskEntry, lane: DeskLane | undefined): void {
    this.whenEnded(entry.id, () => {
      if (lane === undefined) this.queue(new Delivery(entry.message, entry))
      else this.ready.push(lane)
      this.pump()
    })
  }

  private advanceAfter(entry: DeskEntry, lane: DeskLane): void {
    this.whenEnded(entry.id, () => {
      this.desk.advance(lane)
      this.pump()
      this.around.maybeIdle()
    })
  }

  /** What follows a message that was passed has its turn. */
  private advance(delivery: Delivery, deskLane: DeskLane | undefined): void {
    if (deskLane !== undefined) this.desk.advance(deskLane)
    else this.openNext(delivery)
    this.pump()
    this.around.maybeIdle()
  }

  /** The next of an open lane has its turn. */
  private openNext(delivery: Delivery): void {
    const { next, lane } = delivery
    delivery.next = undefined
    if (next === undefined) lane!.newest = undefined
    else this.ready.push(next)
  }

  /** Parks lanes whose head runs for long, so that those behind them in the stream are not held back. */
  private park(now: number): void {
    for (let attempt = this.oldest; attempt !== undefined; attempt = attempt.after) {
      const { delivery } = attempt
      if (delivery.entry === undefined && now - delivery.headSince >= parkAfterMs)
        this.close(delivery, { state: 'trying' })
    }
  }

  // ── ending ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The commit of an attempt is durable: its lane goes on. */
  committed(delivery: Delivery): void {
    const { entry, message } = delivery
    const { context } = message
    if (this.probing.succeeded()) this.log('info', `processor "${this.name}" has recovered: an attempt succeeded`)
    this.suspectEnded(delivery)
    const lane = entry === undefined ? undefined : this.desk.of(entry)
    if (lane !== undefined) this.desk.advance(lane)
    else if (context !== null) this.openNext(delivery)
    if (entry === undefined) this.reader.left(message)
    else if (entry.failures > 0) this.around.ended(entry.id, true)
  }

  deskEnd({ entry }: Delivery): Ending {
    if (entry === undefined) throw new Error('a message that is not at the desk has no end there')
    return this.writes.ending(entry)
  }

  // ── starting ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes up the lanes that are at the desk, and what was running when the process died twice. */
  async takeUp({ marks }: Subscribed): Promise<void> {
    const { store, world } = this.around
    const { stream } = this.progress
    const marked = new Set(marks)
    const now = world.now()
    const joining: number[] = []
    const long: DeskLane[] = []
    await store.desk.heads(this.name, stream, (head) => {
      const { id, lane, context, state } = head
      if (state === 'deciding') this.around.judge(this, id)
      else if (lane === null && context !== null) joining.push(id)
      else this.takeUpLane(head, marked.has(-id) || head.kills > 0, now, long)
    })
    await store.desk.lanes(this.name, stream, (context) => this.desk.found(context))
    for (const lane of long) await this.takeUpLong(lane, now)
    for (const id of joining) {
      const entry = await store.desk.entry(id)
      if (entry !== undefined) this.queue(new Delivery(entry.message, entry))
    }
    for (const position of marks) {
      if (position < 0 || this.progress.isDone(position)) continue
      const [message] = await store.log.read(stream, position - 1, 1, Number.POSITIVE_INFINITY)
      if (message?.position !== position) continue
      const { context } = message
      if (context !== null && (this.lanes.has(context) || (await this.isAtDesk(context)))) continue
      this.reader.entered(message)
      this.suspects.push(this.close(new Delivery(message, undefined), { state: 'trying' }))
    }
  }

  private takeUpLane(head: DeskHead, suspect: boolean, now: number, long: DeskLane[]): void {
    const lane = this.desk.begin(head)
    const waitMs = Math.max(0, head.dueAt - now)
    const { maxDelayMs, byError } = this.spec.retry
    if (suspect && waitMs === 0) this.suspects.push(lane)
    else if (waitMs === 0) this.ready.push(lane)
    // A wait that today's policy would not give is shortened to its longest, unless a function may have chosen it.
    else if (waitMs <= maxDelayMs || byError === undefined) this.wake(lane, Math.min(waitMs, maxDelayMs))
    else long.push(lane)
  }

  /** A wait longer than usual: chosen by `byError`, or the clock was set back meanwhile. The whole of it is enough. */
  private async takeUpLong(lane: DeskLane, now: number): Promise<void> {
    const { dueAt, tries, heldAt } = (await this.around.store.desk.entry(lane.headId))!
    this.wake(lane, Math.min(dueAt - now, dueAt - (tries.at(-1)?.at ?? heldAt)))
  }

  /** Reads the head of the lane of a context at the desk. */
  private headOf(context: string): Promise<DeskHead | undefined> {
    return this.around.store.desk.headOf(this.laneKey(context))
  }

  private laneKey(lane: string): LaneKey {
    return { processor: this.name, stream: this.progress.stream, lane }
  }

  private async isAtDesk(context: string): Promise<boolean> {
    const known = this.desk.has(context)
    return known === 'maybe' ? (await this.headOf(context)) !== undefined : known === 'yes'
  }

  /** Runs what may have killed the process, one message at a time; resolves when all are through. */
  async runSuspects(killsMax: number, aloneMs: number): Promise<void> {
    while (!this.paused && this.suspects.length > 0) {
      const lane = this.suspects.shift()!
      const head = lane.entry ?? (await this.around.store.desk.entry(lane.headId))
      if (head === undefined) continue
      lane.entry = head
      const delivery = new Delivery(head.message, head)
      if (head.kills >= killsMax) {
        const what = `the process died ${head.kills} times while processor "${this.name}" handled this message alone`
        this.giveUp(delivery, recordError(fault('millrace/killed-the-process', what)))
        continue
      }
      await new Promise<void>((resolve) => {
        this.suspect = { item: head.id, ended: resolve }
        this.around.world.after(aloneMs, resolve)
        const written = () => {
          this.ready.push(lane)
          this.pump()
        }
        lane.entry = this.writes.keep(delivery, { kills: head.kills + 1 }, () => ({ written }))
      })
    }
  }

  /** The handler did not kill the process this time. */
  private suspectEnded(delivery: Delivery): void {
    const { entry } = delivery
    if (entry === undefined || this.suspect?.item !== entry.id) return
    delivery.entry = changed(entry, { kills: 0 })
    this.suspect.ended()
    this.suspect = undefined
  }

  get isPaused(): boolean {
    return this.paused
  }

  /** Starts nothing more until it is resumed; what runs goes on to its end. */
  pause(paused: boolean): void {
    this.paused = paused
    this.pump()
  }

  // ── the whole ──────────────────────────────────────────────────────────────────────────────────────────────────

  get position(): number {
    return this.reader.position
  }

  /** Whether every accepted message is done or held, or waits until the processor is resumed. */
  get idle(): boolean {
    if (this.runningNow > 0 || this.looking > 0 || this.waitingForEnd > 0) return false
    if (this.paused) return true
    if (this.reader.messages > 0 || this.reader.isBehind || this.suspects.length > 0) return false
    return this.ready.isEmpty && this.desk.idle
  }

  /** Whether the deadlines or the window have to be looked at. */
  get active(): boolean {
    return this.oldest !== undefined
  }

  /** Attempts that count; those that outlived their time do not. */
  get runningNow(): number {
    return this.running - this.lingering
  }

  state() {
    return {
      name: this.name,
      destination: this.spec.destination.name,
      position: this.progress.low,
      head: this.reader.head,
      lag: Math.max(0, this.reader.head - this.progress.low),
      running: this.running,
      tried: this.desk.tried,
      inMemory: this.reader.messages,
      state: this.stateName,
    }
  }

  private get stateName(): 'paused' | 'stuck' | 'probing' | 'behind' | 'live' {
    if (this.paused) return 'paused'
    if (this.stuck) return 'stuck'
    if (this.probing.active) return 'probing'
    return this.reader.isBehind ? 'behind' : 'live'
  }

  /** Makes a message of what a handler publishes or sends. */
  encode(type: MessageType, data: unknown, cause: Stored, options: PublishOptions | undefined): Stored {
    return this.around.encode(type, data, { part: this.name, cause }, options)
  }

  /** Starts nothing more. */
  stopTaking(): void {
    this.stopping = true
    this.reader.stop()
  }

  /** Gives up what still runs: nothing of it counts any more. */
  abandon(): void {
    if (this.oldest === undefined) return
    const error = fault('millrace/stopped', `processor "${this.name}" was stopped during this attempt`)
    for (let attempt: Attempt | undefined = this.oldest; attempt !== undefined; attempt = attempt.after)
      attempt.abort(error)
  }
}

function join(lane: OpenLane, delivery: Delivery): void {
  delivery.lane = lane
  lane.newest = delivery
}
