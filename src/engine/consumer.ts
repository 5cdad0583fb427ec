// One processor on one stream: takes messages in order, sorts them into lanes, runs handlers, decides what follows
// from their failures.
//
// A lane is open (its messages come from the log) or at the desk (they come from the desk, and later ones of its
// context join the line there):
//
//   open ──hold, or parked because its head holds the low-water back──→ at the desk
//   at the desk: held ──release──→ trying ──done, none in line──→ open
//                  ↑                 │└──done, next in line──→ trying
//                  └───held again────┘
//
// Invariants: at most one message of a lane is between start and durable commit; nothing of a lane starts before the
// commit of the one before it is durable; a message ends exactly once: its position is done, or its entry is removed.
import { decode, type Stored } from '../model/codec.ts'
import { fault, recordError } from '../model/errors.ts'
import type { MessageType } from '../model/message.ts'
import type { Query } from '../model/tx.ts'
import type { DeskEntry, DeskLaneRow, Store, Subscribed } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import { Attempt, HandlerContext } from './attempt.ts'
import type { Committer } from './committer.ts'
import { Delivery } from './delivery.ts'
import { Progress } from './progress.ts'
import { consequence } from './retry.ts'
import type { EngineLimits, ProcessorSpec } from './spec.ts'
import type { Tail } from './stream.ts'

/** What a consumer needs of the engine around it. */
export interface Surroundings {
  readonly world: World
  readonly store: Store
  readonly committer: Committer
  readonly limits: EngineLimits
  /** Makes a message of what a handler publishes or sends. */
  encode(type: MessageType, data: unknown, processor: string, cause: Stored): Stored
  /** Something runs or rests: from now on `tick` has to be called now and then. */
  watch(): void
  /** Nothing may be under way any more, perhaps. */
  maybeIdle(): void
}

interface DeskLane {
  readonly context: string | null
  head: DeskEntry
  state: 'held' | 'trying'
  /** How many are in line behind the head, those not yet written included. */
  waiting: number
  /** The next of them, as far as they are in memory. */
  line: DeskEntry[]
  /** The head is done and the next in line is not written yet. */
  starved: boolean
  /** How many were written to the line since the lane closed. */
  written: number
}

/** How many of a line are read at once. */
const lineRows = 64
/** How many messages are read from disk at once. */
const readMessages = 512
/** How many messages are passed over before that is written. */
const saveEvery = 8_192
/** How long the head of a lane may hold others back before its lane is parked at the desk, milliseconds. */
const parkAfterMs = 1_000

export class Consumer {
  readonly name: string
  readonly spec: ProcessorSpec
  readonly progress: Progress
  readonly read: Query
  readonly now: () => number
  readonly log: World['log']
  private readonly around: Surroundings
  private readonly tail: Tail
  /** The newest message of each open lane. */
  private readonly lanes = new Map<string, Delivery>()
  /** Lanes at the desk: those with a context, and by the entry of the head those without. */
  private readonly closed = new Map<string, DeskLane>()
  private readonly alone = new Map<DeskEntry, DeskLane>()
  private ready: Delivery[] = []
  private readyStart = 0
  private oldest: Attempt | undefined
  private newest: Attempt | undefined
  private readonly resting = new Set<Delivery>()
  private running = 0
  /** Attempts whose time is over and whose handler has not ended. */
  private lingering = 0
  private cursor: number
  private outstanding = 0
  private outstandingChars = 0
  private pulling = false
  private pumping = false
  private stopping = false
  /** Up to this position each start is marked, because the process died before they were done. */
  private readonly markUpTo: number
  private readonly suspects: DeskLane[] = []
  /** What runs alone now. */
  private suspect: { readonly delivery: Delivery; readonly ended: () => void } | undefined

  constructor(spec: ProcessorSpec, subscribed: Subscribed, tail: Tail, clean: boolean, around: Surroundings) {
    this.name = spec.name
    this.spec = spec
    this.around = around
    this.tail = tail
    this.progress = new Progress(subscribed)
    this.cursor = this.progress.low
    this.markUpTo = clean ? 0 : tail.head
    this.read = around.store.query
    this.now = () => around.world.now()
    this.log = (level, text, fields) => around.world.log(level, text, fields)
  }

  // ── taking messages ────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes what there is room for. */
  pull(): void {
    if (this.pulling) return
    while (this.cursor < this.tail.head && this.room()) {
      const found = this.tail.after(this.cursor)
      if (found === undefined) {
        if (!this.roomToRead()) break
        this.pulling = true
        this.catchUp().then(
          () => {
            this.pulling = false
            this.pull()
          },
          (error) => {
            this.pulling = false
            this.log('error', `processor "${this.name}" cannot read its stream`, { error: String(error) })
          },
        )
        return
      }
      const { messages } = found
      for (let index = found.index; index < messages.length && this.room(); index++) this.offer(messages[index]!)
    }
    this.pump()
    if (this.heldBack) this.around.watch()
    this.around.maybeIdle()
  }

  /** Reads from disk until it is back among what is in memory, or has no room. */
  private async catchUp(): Promise<void> {
    while (this.roomToRead() && this.cursor < this.tail.head && this.tail.after(this.cursor) === undefined) {
      // No more than there is room for: what does not fit would be read again with each message that ends.
      const free = this.around.limits.windowMessages - this.outstanding
      const limit = Math.min(readMessages, this.tail.head - this.cursor, free)
      const messages = await this.around.store.read(
        this.progress.stream,
        this.cursor,
        limit,
        this.around.limits.windowBytes,
      )
      if (messages.length === 0) {
        this.cursor = this.tail.head
        return
      }
      for (const message of messages) {
        if (message.position > this.tail.head || !this.room()) break
        this.offer(message)
      }
      this.pump()
    }
  }

  /** Reading pays when there is room for many: otherwise what is under way makes more of it first. */
  private roomToRead(): boolean {
    const free = this.around.limits.windowMessages - this.outstanding
    return this.room() && (this.outstanding === 0 || free >= this.around.limits.windowMessages / 4)
  }

  private room(): boolean {
    const { windowMessages, windowBytes } = this.around.limits
    return (
      this.outstanding < windowMessages &&
      this.outstandingChars < windowBytes &&
      this.progress.reaches(this.cursor + 1) &&
      !this.stopping
    )
  }

  private offer(message: Stored): void {
    const { position, context } = message
    for (let gap = this.cursor + 1; gap < position; gap++) if (!this.progress.isDone(gap)) this.progress.done(gap)
    this.cursor = position
    if (this.progress.isDone(position)) return
    if (this.spec.passedOver.has(message.type)) {
      this.passOver(position)
      return
    }
    this.outstanding++
    this.outstandingChars += message.json.length
    const delivery = new Delivery(message, undefined)
    if (context !== null) {
      const lane = this.closed.get(context)
      if (lane !== undefined) {
        this.joinLine(lane, delivery)
        return
      }
      const last = this.lanes.get(context)
      this.lanes.set(context, delivery)
      if (last !== undefined) {
        last.next = delivery
        return
      }
    }
    this.ready.push(delivery)
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
    while (this.running < this.spec.concurrency && this.readyStart < this.ready.length && !this.stopping) {
      const delivery = this.ready[this.readyStart]!
      this.ready[this.readyStart++] = undefined as never
      if (this.readyStart === this.ready.length) {
        this.ready = []
        this.readyStart = 0
      }
      if (delivery.entry === undefined && delivery.message.position <= this.markUpTo && delivery.attempts === 0) {
        this.running++
        this.around.committer.mark(delivery.message, this.name, () => {
          this.running--
          if (!this.stopping) this.start(delivery)
        })
      } else this.start(delivery)
    }
    this.pumping = false
  }

  private start(delivery: Delivery): void {
    const { message } = delivery
    const { world } = this.around
    const now = world.elapsed()
    if (delivery.headSince === 0) delivery.headSince = now
    const handler = this.spec.handlers.get(message.type)
    if (handler === undefined && this.spec.passedOver.has(message.type)) {
      this.letPass(delivery)
      return
    }
    let attempt: Attempt
    let result: unknown
    try {
      if (handler === undefined) throw this.unknownType(message)
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
      delivery.attempts++
      this.hold(delivery, error)
      return
    }
    if (typeof (result as PromiseLike<unknown> | undefined)?.then === 'function') {
      ;(result as PromiseLike<unknown>).then(
        (value) => this.ended(attempt, value),
        (error: unknown) => this.threw(attempt, error),
      )
    } else this.ended(attempt, result)
  }

  /** Its type was retired, or its handler given up, while it was at the desk. */
  private letPass(delivery: Delivery): void {
    const entry = delivery.entry!
    this.around.committer.desk({ do: 'remove', entry }, undefined, 0, () => {
      this.completed(delivery)
      this.pump()
    })
  }

  private unknownType(message: Stored) {
    return fault(
      'millrace/unknown-type',
      `"${message.type}" is no type of ${this.spec.source.kind} "${this.spec.source.name}"`,
    )
  }

  private ended(attempt: Attempt, result: unknown): void {
    try {
      attempt.judge(result)
    } catch (error) {
      this.threw(attempt, error)
      return
    }
    const counts = this.leave(attempt)
    if (counts) this.around.committer.finish(attempt)
    this.pump()
  }

  private threw(attempt: Attempt, error: unknown): void {
    const counts = this.leave(attempt)
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
    if (this.cursor < this.tail.head && !this.room() && !this.stopping) this.park(now)
  }

  /** An error that came outside the promise of its handler. */
  late(attempt: Attempt, error: unknown): void {
    if (attempt.state === 'running') {
      this.fence(attempt, error)
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
    this.fence(attempt, fault('millrace/timed-out', what))
  }

  /** Fails an attempt whose handler has not ended: nothing of it counts any more. */
  private fence(attempt: Attempt, error: unknown): void {
    const { lingerMs } = this.spec
    this.unlink(attempt)
    attempt.abort(error)
    this.lingering++
    // The next attempt waits for this one to end, but not forever.
    const ended = new Promise<void>((resolve) => {
      attempt.gone = resolve
      this.around.world.after(lingerMs, resolve)
    })
    this.failed(attempt.delivery, error, ended)
  }

  /** Whether no handler can start because all slots are taken by attempts that outlived their time. */
  get stuck(): boolean {
    return this.lingering >= this.spec.concurrency
  }

  // ── failing ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A failed attempt: the lane waits for the next one, or the message is held. */
  failed(delivery: Delivery, error: unknown, before?: Promise<void>): void {
    delivery.attempts++
    this.suspectEnded(delivery)
    const { world } = this.around
    const next = consequence(error, delivery.attempts, this.spec.retry, world.random())
    if (next.do === 'hold') {
      this.hold(delivery, error)
      return
    }
    this.log('warn', `attempt ${delivery.attempts} of processor "${this.name}" failed`, {
      type: delivery.message.type,
      id: delivery.message.id,
      context: delivery.message.context,
      error: recordError(error).message,
      nextInMs: Math.round(next.delayMs),
    })
    this.resting.add(delivery)
    this.around.watch()
    world.after(next.delayMs, () => {
      const again = () => {
        this.resting.delete(delivery)
        if (this.stopping) return
        this.ready.push(delivery)
        this.pump()
      }
      if (before === undefined) again()
      else before.then(again)
    })
  }

  /** Puts a message at the desk and closes its lane; what waits behind it joins the line. */
  private hold(delivery: Delivery, error: unknown): void {
    const { message } = delivery
    const record = recordError(error)
    this.log('error', `processor "${this.name}" holds a message`, {
      type: message.type,
      id: message.id,
      context: message.context,
      attempts: delivery.attempts,
      error: record.message,
    })
    if (delivery.entry !== undefined) {
      const lane = this.laneOf(delivery.entry)
      lane.state = 'held'
      Object.assign(delivery.entry, { state: 'held', attempts: delivery.attempts, error: record })
      this.around.committer.desk({ do: 'update', entry: delivery.entry }, undefined, 0)
      this.pump()
      return
    }
    this.close(delivery, 'held', record)
    this.pump()
  }

  /** Moves an open lane to the desk, head first. */
  private close(head: Delivery, state: 'held' | 'trying', error: DeskEntry['error']): void {
    const { context } = head.message
    const entry = this.put(head, state, error)
    const lane: DeskLane = { context, head: entry, state, waiting: 0, line: [], starved: false, written: 0 }
    if (context === null) {
      this.alone.set(entry, lane)
      return
    }
    this.lanes.delete(context)
    this.closed.set(context, lane)
    for (let next = head.next; next !== undefined; next = next.next) this.joinLine(lane, next)
    head.next = undefined
  }

  private joinLine(lane: DeskLane, delivery: Delivery): void {
    lane.waiting++
    this.put(delivery, 'line', null, () => {
      lane.written++
      if (!lane.starved) return
      this.advance(lane)
      this.pump()
    })
  }

  /** Copies a message to the desk in the commit that moves the position past it. */
  private put(delivery: Delivery, state: DeskEntry['state'], error: DeskEntry['error'], then?: () => void): DeskEntry {
    const { message, attempts } = delivery
    const heldAt = this.around.world.now()
    const entry: DeskEntry = { id: 0, processor: this.name, message, state, attempts, kills: 0, error, heldAt }
    delivery.entry = entry
    this.outstanding--
    this.outstandingChars -= message.json.length
    this.around.committer.desk({ do: 'put', entry }, this, message.position, then)
    return entry
  }

  /** Parks lanes whose head has been unresolved for long, so that those behind them in the stream are not held back. */
  private park(now: number): void {
    const old = (delivery: Delivery) => delivery.entry === undefined && now - delivery.headSince >= parkAfterMs
    for (const delivery of this.resting) if (old(delivery)) this.close(delivery, 'trying', null)
    for (let attempt = this.oldest; attempt !== undefined; attempt = attempt.after) {
      if (old(attempt.delivery)) this.close(attempt.delivery, 'trying', null)
    }
  }

  // ── ending ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The commit of an attempt is durable: its lane goes on. */
  completed(delivery: Delivery): void {
    if (delivery.entry !== undefined) {
      this.suspectEnded(delivery)
      this.advance(this.laneOf(delivery.entry))
      return
    }
    const { context, json } = delivery.message
    this.outstanding--
    this.outstandingChars -= json.length
    if (context !== null) {
      const { next } = delivery
      if (next === undefined) this.lanes.delete(context)
      else this.ready.push(next)
    }
  }

  /** The head of a lane at the desk is done: the next in line has its turn, or the lane opens. */
  private advance(lane: DeskLane): void {
    const { context } = lane
    lane.starved = false
    if (context === null) {
      this.alone.delete(lane.head)
      return
    }
    if (lane.waiting === 0) {
      this.closed.delete(context)
      return
    }
    const next = lane.line.shift()
    if (next !== undefined) {
      lane.waiting--
      lane.head = next
      lane.state = 'trying'
      this.ready.push(new Delivery(next.message, next))
      return
    }
    const { written } = lane
    this.around.store.line(this.name, context, lane.head.id, lineRows).then(
      (entries) => {
        lane.line = entries
        if (entries.length === 0 && lane.written === written) {
          lane.starved = true
          return
        }
        this.advance(lane)
        this.pump()
      },
      (error) => this.log('error', `cannot read the line of "${context}"`, { error: String(error) }),
    )
  }

  private laneOf(entry: DeskEntry): DeskLane {
    const { context } = entry.message
    const lane = context === null ? this.alone.get(entry) : this.closed.get(context)
    if (lane === undefined) throw new Error(`entry ${entry.id} of processor "${this.name}" has no lane`)
    return lane
  }

  // ── the desk ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes up the lanes that are at the desk, and what was running when the process died twice. */
  async takeUp({ lanes, marks }: Subscribed, clean: boolean): Promise<void> {
    for (const row of lanes) await this.takeUpLane(row, clean)
    for (const position of marks) {
      if (this.progress.isDone(position)) continue
      const [message] = await this.around.store.read(this.progress.stream, position - 1, 1, Number.POSITIVE_INFINITY)
      if (message?.position !== position) continue
      if (message.context !== null && this.closed.has(message.context)) continue
      this.outstanding++
      this.outstandingChars += message.json.length
      const delivery = new Delivery(message, undefined)
      this.close(delivery, 'trying', null)
      this.suspects.push(this.laneOf(delivery.entry!))
    }
  }

  private async takeUpLane({ headId, state, context, waiting }: DeskLaneRow, clean: boolean): Promise<void> {
    const head = (await this.around.store.deskEntry(headId))!
    const held = state === 'held'
    const lane: DeskLane = {
      context,
      head,
      state: held ? 'held' : 'trying',
      waiting,
      line: [],
      starved: false,
      written: 0,
    }
    if (context === null) this.alone.set(head, lane)
    else this.closed.set(context, lane)
    if (held) return
    if (clean) this.ready.push(new Delivery(head.message, head))
    else this.suspects.push(lane)
  }

  /** Runs what may have killed the process, one message at a time; resolves when all are through. */
  async runSuspects(killsMax: number, aloneMs: number): Promise<void> {
    for (const lane of this.suspects.splice(0)) {
      const { head } = lane
      const delivery = new Delivery(head.message, head)
      if (head.kills >= killsMax) {
        const error = fault(
          'millrace/killed-the-process',
          `the process died ${head.kills} times while processor "${this.name}" handled this message alone`,
        )
        this.hold(delivery, error)
        continue
      }
      head.kills++
      await new Promise<void>((resolve) => {
        this.suspect = { delivery, ended: resolve }
        this.around.world.after(aloneMs, resolve)
        this.around.committer.desk({ do: 'update', entry: head }, undefined, 0, () => {
          this.ready.push(delivery)
          this.pump()
        })
      })
    }
  }

  /** The handler did not kill the process this time. */
  private suspectEnded(delivery: Delivery): void {
    if (this.suspect?.delivery !== delivery) return
    delivery.entry!.kills = 0
    this.suspect.ended()
    this.suspect = undefined
  }

  /**
   * Lets a held message run again, and its line after it. Resolves when that is durable.
   *
   * @throws `millrace/not-held`, `millrace/unknown-item`
   */
  release(id: number): Promise<void> {
    const lane = this.findHead(id)
    if (lane === undefined) throw fault('millrace/not-held', `message ${id} is not held by processor "${this.name}"`)
    if (lane.state !== 'held') throw fault('millrace/not-held', `message ${id} was released already`)
    lane.state = 'trying'
    Object.assign(lane.head, { state: 'trying', attempts: 0, kills: 0 })
    return new Promise((resolve, reject) => {
      const written = () => {
        this.ready.push(new Delivery(lane.head.message, lane.head))
        this.pump()
        resolve()
      }
      this.around.committer.desk({ do: 'update', entry: lane.head }, undefined, 0, written, reject)
    })
  }

  private findHead(id: number): DeskLane | undefined {
    for (const lanes of [this.closed, this.alone])
      for (const lane of lanes.values()) if (lane.head.id === id) return lane
    return undefined
  }

  // ── the whole ──────────────────────────────────────────────────────────────────────────────────────────────────

  get position(): number {
    return this.cursor
  }

  /** Whether every accepted message is done or held. */
  get idle(): boolean {
    if (this.outstanding > 0 || this.runningNow > 0 || this.resting.size > 0 || this.cursor < this.tail.head)
      return false
    if (this.readyStart < this.ready.length || this.suspects.length > 0) return false
    for (const lanes of [this.closed, this.alone]) {
      for (const lane of lanes.values()) if (lane.state === 'trying') return false
    }
    return true
  }

  /** Whether the deadlines or the window have to be looked at. */
  get active(): boolean {
    return this.oldest !== undefined || this.heldBack
  }

  /** Whether what rests may stand in the way of messages that are not taken yet. */
  private get heldBack(): boolean {
    return this.resting.size > 0 && this.cursor < this.tail.head
  }

  /** Attempts that count; those that outlived their time do not. */
  get runningNow(): number {
    return this.running - this.lingering
  }

  state() {
    const { cursor, running, resting, outstanding } = this
    const lag = this.tail.head - this.progress.low
    return {
      name: this.name,
      source: this.spec.source.name,
      position: this.progress.low,
      head: this.tail.head,
      lag,
      running,
      resting: resting.size,
      inMemory: outstanding,
      lanesAtDesk: this.closed.size + this.alone.size,
      state: this.stuck ? ('stuck' as const) : cursor < this.tail.head ? ('behind' as const) : ('live' as const),
    }
  }

  /** Makes a message of what a handler publishes or sends. */
  encode(type: MessageType, data: unknown, cause: Stored): Stored {
    if (!this.spec.declared.has(type)) {
      const list = type?.kind === 'command' ? 'sends' : 'publishes'
      throw fault('millrace/undeclared', `processor "${this.name}": "${type?.name}" is not in its ${list}`)
    }
    return this.around.encode(type, data, this.name, cause)
  }

  /** Starts nothing more. */
  stopTaking(): void {
    this.stopping = true
  }

  /** Gives up what still runs: nothing of it counts any more. */
  abandon(): void {
    const error = fault('millrace/stopped', `processor "${this.name}" was stopped during this attempt`)
    for (let attempt = this.oldest; attempt !== undefined; attempt = attempt.after) attempt.abort(error)
  }
}
