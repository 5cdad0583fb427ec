// The lanes of one processor that are at the desk: their messages come from the desk, and later messages of their context
// join the line there.
//
//   open ──its head is to be tried later, or holds the low-water back──→ trying
//   open ──its head has used up its attempts──→ waiting ──a decision──→ trying
//   trying ──head done──→ reading ──next in line──→ trying          trying ──attempts used up──→ waiting
//                            ├ the next is not written yet → starved ──written──→ reading
//                            └ none in line ──→ open
//
// Waiting lanes cost a name each: the rest of them is on disk. Invariants: a lane opens only when none of it is at
// the desk, nor on the way there; its messages start in the order of their places, each when the one before is durable.
// A message on its way there may be read before that is durable: it counts as not written until then. So does a message
// in line that is pinned, while a person changes it: it has its turn after that, as it is then.
import type { Stored } from '../../model/codec.ts'
import type { DeskEntry } from '../../model/desk.ts'
import { type Arrows, assertArrow } from '../kit/arrows.ts'
import { Groups } from '../kit/groups.ts'
import type { Delivery } from './delivery.ts'
import type { DeskWrites } from './desk-writes.ts'
import { changed } from './desk-writes.ts'
import { HeldContexts } from './held-contexts.ts'

/** A lane whose head is being tried, or will be. */
export class DeskLane {
  /** Null where the message stands alone. */
  readonly context: string | null
  headId: number
  /** Place of the head. */
  place: number
  /** The head, while it is in memory. */
  entry: DeskEntry | undefined
  /** The next of its line, as far as they are in memory. */
  line: DeskEntry[] = []
  /** Whether messages may stand in line behind the head. */
  mayHaveLine = true
  /** How many were written to its line since it is in memory. */
  written = 0
  /** How many of its line were let go after a change; what was read before may be old. */
  unpinned = 0
  private state: LaneState = 'trying'

  constructor(context: string | null, { id, place }: Pick<DeskEntry, 'id' | 'place'>) {
    this.context = context
    this.headId = id
    this.place = place
  }

  get isStarved(): boolean {
    return this.state === 'starved'
  }

  become(state: LaneState): void {
    assertArrow('the lane', arrows, this.state, state)
    this.state = state
  }
}

/** `reading`: the head is done, and the line is read; `starved`: the next in line is not written yet. */
type LaneState = 'trying' | 'reading' | 'starved'

const arrows: Arrows<LaneState> = {
  trying: ['trying', 'reading'],
  reading: ['trying', 'reading', 'starved'],
  starved: ['reading'],
}

/** The head of a lane, or a message that stands alone. */
export type Head = Pick<DeskEntry, 'id' | 'place' | 'lane'>

export interface LaneHost {
  readonly heldContextsMax: number
  readonly windowMessages: number
  readonly writes: Pick<DeskWrites, 'keep'>
  /** Draws a place at the end of each lane. */
  nextNumber(): number
  /** Reads the line of a lane after a place. */
  line(context: string, afterPlace: number, limit: number): Promise<DeskEntry[]>
  /** It is durable that a message is in line. */
  inLine(message: Stored): void
  /** The turn of a lane has come. */
  ready(lane: DeskLane): void
  /** Starts the messages and lanes that are ready. */
  pump(): void
  /** A read has ended. */
  maybeIdle(): void
  cannotRead(context: string, error: unknown): void
}

/** How many of a line are read at once. */
const lineRows = 64

export class DeskLanes {
  private readonly host: LaneHost
  private readonly trying = new Map<string, DeskLane>()
  /** Messages that are tried and close no lane, by id. */
  private readonly alone = new Map<number, DeskLane>()
  private readonly waiting: HeldContexts
  /** The numbers of messages on their way into the line of each context. */
  private readonly joining = new Groups<number>()
  /** The numbers of messages in the line of each context that are changed now. */
  private readonly pinned = new Groups<number>()
  /** Entries of lines in memory. */
  private buffered = 0

  constructor(host: LaneHost) {
    this.host = host
    this.waiting = new HeldContexts(host.heldContextsMax)
  }

  /** Whether the lane of a context is at the desk. */
  has(context: string): 'yes' | 'no' | 'maybe' {
    return this.trying.has(context) ? 'yes' : this.waiting.has(context)
  }

  /** Whether no message at the desk is being tried, nor will be. */
  get idle(): boolean {
    return this.trying.size === 0 && this.alone.size === 0
  }

  /** Lanes and single messages that are tried. */
  get tried(): number {
    return this.trying.size + this.alone.size
  }

  /** The lane that a message at the desk heads; undefined when it is in an open one. */
  of(entry: DeskEntry): DeskLane | undefined {
    return entry.lane === null ? this.alone.get(entry.id) : this.trying.get(entry.lane)
  }

  /** Begins to try a message from the desk, at the head of its lane or alone. */
  begin({ id, place, lane: context }: Head): DeskLane {
    const lane = new DeskLane(context, { id, place })
    if (context === null) this.alone.set(id, lane)
    else this.trying.set(context, lane)
    return lane
  }

  /** Begins to try a message after a decision. */
  resume(head: Head): DeskLane {
    if (head.lane !== null) this.waiting.delete(head.lane)
    return this.begin(head)
  }

  /** The head of a lane waits for a decision: the lane leaves memory. */
  wait(context: string): void {
    const lane = this.trying.get(context)
    if (lane !== undefined) this.buffered -= lane.line.length
    this.trying.delete(context)
    this.waiting.add(context)
  }

  /** A lane was found at the desk: it waits, unless it is being tried. */
  found(context: string): void {
    if (!this.trying.has(context)) this.waiting.add(context)
  }

  /** Drops a message that stood alone. */
  forget(id: number): void {
    this.alone.delete(id)
  }

  /** Drops a lane whose head is not at the desk now: its processor was retired. */
  drop({ context, headId }: DeskLane): void {
    if (context === null) this.alone.delete(headId)
    else this.trying.delete(context)
  }

  /** Puts a message at the end of the line of its context. */
  join(delivery: Delivery): void {
    const context = delivery.message.context!
    const lane = this.trying.get(context)
    if (lane !== undefined) lane.mayHaveLine = true
    // A message that is new at the desk has its number as its place.
    const place = delivery.entry === undefined ? {} : { place: this.host.nextNumber() }
    const fields = { state: 'line', lane: context, dueAt: 0, ...place } as const
    const { id } = this.host.writes.keep(delivery, fields, (entry) => ({
      written: ([head]) => {
        if (head === entry.id) this.joined(context, changed(entry, { state: 'trying' }))
        else this.joined(context, entry)
      },
    }))
    this.joining.add(context, id)
  }

  /** Keeps a message in line from its turn, until `unpin`. Returns false when its turn has come already. */
  pin({ id, place, lane: context }: Head & { readonly lane: string }): boolean {
    const lane = this.trying.get(context)
    if (lane !== undefined) {
      if (lane.place >= place) return false
      const at = lane.line.findIndex((one) => one.id === id)
      if (at >= 0) this.buffered -= lane.line.splice(at).length
    }
    this.pinned.add(context, id)
    return true
  }

  unpin({ id, lane: context }: Head & { readonly lane: string }): void {
    this.pinned.delete(context, id)
    const lane = this.trying.get(context)
    if (lane === undefined) return
    lane.unpinned++
    if (lane.isStarved) this.advance(lane)
    this.host.pump()
  }

  private joined(context: string, entry: DeskEntry): void {
    if (entry.state === 'line' && entry.message.asked === 'app') this.host.inLine(entry.message)
    this.joining.delete(context, entry.id)
    const lane = this.trying.get(context)
    if (lane === undefined) {
      // The store found no lane: the message is the head of one.
      if (entry.state === 'trying') {
        const own = this.begin(entry)
        own.entry = entry
        this.host.ready(own)
        this.host.pump()
      }
      return
    }
    lane.written++
    if (lane.isStarved) this.advance(lane)
  }

  /** The head of a lane is done: the next in line has its turn, or the lane opens. */
  advance(lane: DeskLane): void {
    const { context } = lane
    lane.entry = undefined
    if (context === null) {
      this.alone.delete(lane.headId)
      return
    }
    const next = lane.line.shift()
    if (next !== undefined) {
      this.buffered--
      lane.headId = next.id
      lane.place = next.place
      lane.entry = changed(next, { state: 'trying' })
      lane.become('trying')
      this.host.ready(lane)
      return
    }
    if (!lane.mayHaveLine && this.joining.of(context).size === 0) {
      this.trying.delete(context)
      return
    }
    this.readLine(lane, context)
  }

  private readLine(lane: DeskLane, context: string): void {
    const { written, unpinned } = lane
    const room = Math.max(1, Math.min(lineRows, this.host.windowMessages - this.buffered))
    lane.become('reading')
    this.host.line(context, lane.place, room).then(
      (read) => {
        // Dropped in between, with its processor.
        if (this.trying.get(context) !== lane) return
        const joining = this.joining.of(context)
        const pinned = this.pinned.of(context)
        const isOld = lane.unpinned !== unpinned
        const end = isOld ? 0 : read.findIndex(({ id }) => joining.has(id) || pinned.has(id))
        const entries = end < 0 ? read : read.slice(0, end)
        lane.line = entries
        this.buffered += entries.length
        if (entries.length > 0 || isOld || lane.written !== written) this.advance(lane)
        else if (joining.size > 0 || pinned.size > 0) lane.become('starved')
        else this.trying.delete(context)
        this.host.pump()
        this.host.maybeIdle()
      },
      (error) => this.host.cannotRead(context, error),
    )
  }
}
