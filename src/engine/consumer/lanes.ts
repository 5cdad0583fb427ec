// The lanes of one processor, and the way of a message into its lane.
//
//   open: its messages come from the log ──its head is to be tried later, or holds the low-water back──→ at the desk
//     │                                  └─its head has used up its attempts (failing.ts: hold)─────────→ at the desk
//   asking: whether the lane is at the desk is known on disk only ──→ open | at the desk
//   at the desk (desk-lanes.ts): its messages come from the desk ──none of it is left there──→ open
//
// Invariants: at most one message of a lane is between start and durable commit; nothing of a lane starts before the
// commit of the message before it is durable.
import type { DeskEntry } from '../../model/desk.ts'
import type { DeskHead } from '../../seam/desk.ts'
import type { Delivery, OpenLane } from './delivery.ts'
import type { DeskLane, DeskLanes } from './desk-lanes.ts'
import { changed, type DeskWrites } from './desk-writes.ts'
import { OpenLanes } from './open-lanes.ts'

export interface LanesHost {
  readonly windowMessages: number
  readonly desk: Pick<DeskLanes, 'has' | 'of' | 'join' | 'begin' | 'advance'>
  readonly writes: Pick<DeskWrites, 'keep'>
  now(): number
  after(ms: number, fn: () => void): void
  /** Draws a place at the end of each lane. */
  nextNumber(): number
  /** Asks the store for the head of a lane at the desk. */
  headOf(context: string): Promise<DeskHead | undefined>
  /** The turn of a message or lane has come. */
  ready(next: Delivery | DeskLane): void
  /** Starts the messages and lanes that are ready. */
  pump(): void
  /** A question to the store is answered. */
  maybeIdle(): void
  cannotAsk(context: string, error: unknown): void
}

/** A lane with a longer wait leaves memory, milliseconds. */
const unloadAfterMs = 1_000

export class Lanes {
  private readonly host: LanesHost
  private readonly open: OpenLanes
  private questions = 0

  constructor(host: LanesHost) {
    this.host = host
    this.open = new OpenLanes(2 * host.windowMessages)
  }

  /** Whether the store is asked where a lane is. */
  get isAsking(): boolean {
    return this.questions > 0
  }

  /** Puts a message at the end of its lane. */
  queue(delivery: Delivery): void {
    const { context } = delivery.message
    if (context === null) {
      this.host.ready(delivery)
      return
    }
    const lane = this.open.of(context)
    const last = lane.newest
    if (last !== undefined) {
      last.next = delivery
      join(lane, delivery)
      return
    }
    const atDesk = this.host.desk.has(context)
    if (atDesk === 'yes') {
      this.host.desk.join(delivery)
      return
    }
    join(lane, delivery)
    if (atDesk === 'no') this.host.ready(delivery)
    else this.ask(delivery, context)
  }

  /** Others of the lane queue behind the first message until the store has answered. */
  private ask(first: Delivery, context: string): void {
    const { host } = this
    this.questions++
    host.headOf(context).then(
      (head) => {
        this.questions--
        if (head === undefined && host.desk.has(context) !== 'yes') host.ready(first)
        else this.moveToLine(first, context)
        host.pump()
        host.maybeIdle()
      },
      (error) => host.cannotAsk(context, error),
    )
  }

  /** Whether a lane is open with messages, or at the desk. */
  async isTaken(context: string): Promise<boolean> {
    if (this.open.has(context)) return true
    const known = this.host.desk.has(context)
    return known === 'maybe' ? (await this.host.headOf(context)) !== undefined : known === 'yes'
  }

  /** A message is done, or passed over at the desk: the next of its lane has its turn. */
  advance(delivery: Delivery, deskLane: DeskLane | undefined): void {
    if (deskLane !== undefined) {
      this.host.desk.advance(deskLane)
      return
    }
    const { next, lane } = delivery
    if (lane === undefined) return
    delivery.next = undefined
    if (next === undefined) lane.newest = undefined
    else this.host.ready(next)
  }

  /** Puts a message back to where its turn comes again, at the end. */
  again(delivery: Delivery): void {
    const { entry, attempts, tries } = delivery
    const lane = entry === undefined ? undefined : this.host.desk.of(entry)
    if (lane === undefined) {
      this.host.ready(delivery)
      return
    }
    if (lane.entry !== undefined) lane.entry = changed(entry!, { attempts, tries })
    this.host.ready(lane)
  }

  /** Lets a message wait at the desk for its next attempt, durably; the messages behind it join the line. */
  wait(delivery: Delivery, fields: Partial<DeskEntry> & { readonly dueAt: number }): DeskLane {
    const { entry } = delivery
    const known = entry === undefined ? undefined : this.host.desk.of(entry)
    if (known === undefined) return this.moveToDesk(delivery, fields)
    known.entry = this.host.writes.keep(delivery, fields, () => ({ written: () => this.unload(known, fields.dueAt) }))
    return known
  }

  /** Moves an open lane to the desk, head first. */
  moveToDesk(head: Delivery, fields: Partial<DeskEntry>): DeskLane {
    const { host } = this
    const { context } = head.message
    // A message that came from the desk into an open lane goes before those behind it.
    const place = head.entry === undefined ? {} : { place: host.nextNumber() }
    const entry = host.writes.keep(head, { ...fields, ...place, lane: context }, ({ dueAt }) => ({
      written: () => this.unload(lane, dueAt),
    }))
    const lane = host.desk.begin(entry)
    lane.mayHaveLine = head.next !== undefined
    lane.entry = entry
    if (context !== null) this.moveToLine(head.next, context)
    head.next = undefined
    return lane
  }

  /** The messages of an open lane, from one on, join the line at the desk. */
  moveToLine(first: Delivery | undefined, context: string): void {
    this.open.end(context)
    for (let next = first; next !== undefined; next = next.next) this.host.desk.join(next)
  }

  /** The turn of a lane at the desk comes after a delay, and when `gone` resolves. */
  wake(lane: DeskLane, delayMs: number, gone?: Promise<void>): void {
    const { host } = this
    const ready = () => {
      host.ready(lane)
      host.pump()
    }
    host.after(delayMs, () => {
      if (gone === undefined) ready()
      else gone.then(ready)
    })
  }

  private unload(lane: DeskLane, dueAt: number): void {
    if (lane.entry?.dueAt === dueAt && dueAt - this.host.now() > unloadAfterMs) lane.entry = undefined
  }
}

function join(lane: OpenLane, delivery: Delivery): void {
  delivery.lane = lane
  lane.newest = delivery
}
