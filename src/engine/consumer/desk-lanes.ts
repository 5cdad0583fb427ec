// The lanes of one processor that are at the desk: their messages come from the desk, and later ones of their context
// join the line there.
//
//   open ──its head is to be tried later, or holds the low-water back──→ trying
//   open ──its head has failed for good──→ waiting ──somebody decides──→ trying
//   trying ──head done, next in line──→ trying          trying ──failed for good──→ waiting
//   trying ──head done, none in line──→ open
//
// Waiting lanes cost a name each: everything else of them is on disk. Invariants: a lane opens only when none of it is at
// the desk, nor on the way there; its messages start in the order of their places, each when the one before is durable.
import type { DeskEntry } from '../../model/desk.ts'
import { inBrief } from '../../model/people.ts'
import type { DeskHead } from '../../seam/desk.ts'
import type { Job } from '../commit/writes.ts'
import type { Surroundings } from '../surroundings.ts'
import type { Delivery } from './delivery.ts'
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
  /** Whether there may be any behind the head. */
  mayHaveLine: boolean
  /** The head is done and the next in line is not written yet. */
  starved = false
  /** How many were written to its line since it is in memory. */
  written = 0

  constructor(context: string | null, { id, place }: Pick<DeskEntry, 'id' | 'place'>, mayHaveLine: boolean) {
    this.context = context
    this.headId = id
    this.place = place
    this.mayHaveLine = mayHaveLine
  }
}

/** What the lanes at the desk need of their processor. */
export interface LaneHost {
  readonly name: string
  readonly stream: number
  /** The turn of a message or lane has come. */
  ready(next: Delivery | DeskLane): void
  /** Starts what is ready. */
  pump(): void
  /** Writes what became of a message at the desk; the first time in the commit that moves the position past it. */
  keep(delivery: Delivery, fields: Partial<DeskEntry>, also: (entry: DeskEntry) => Job): DeskEntry
}

/** How many of a line are read at once. */
const lineRows = 64

export class DeskLanes {
  private readonly host: LaneHost
  private readonly around: Surroundings
  private readonly trying = new Map<string, DeskLane>()
  /** Messages that are tried and close no lane, by id. */
  private readonly alone = new Map<number, DeskLane>()
  private readonly waiting: HeldContexts
  /** Messages on their way into the line of each context. */
  private readonly joining = new Map<string, number>()
  /** Entries of lines in memory. */
  private buffered = 0

  constructor(host: LaneHost, around: Surroundings) {
    this.host = host
    this.around = around
    this.waiting = new HeldContexts(around.limits.heldContextsMax)
  }

  /** Whether the lane of a context is at the desk. */
  has(context: string): 'yes' | 'no' | 'maybe' {
    return this.trying.has(context) ? 'yes' : this.waiting.has(context)
  }

  /** Whether nothing is being tried from the desk, nor will be. */
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
  begin({ id, place, lane: context }: Pick<DeskEntry, 'id' | 'place' | 'lane'>, mayHaveLine: boolean): DeskLane {
    const lane = new DeskLane(context, { id, place }, mayHaveLine)
    if (context === null) this.alone.set(id, lane)
    else this.trying.set(context, lane)
    return lane
  }

  /** Goes on with a message about which somebody has decided. */
  resume(entry: DeskEntry): DeskLane {
    if (entry.lane !== null) this.waiting.delete(entry.lane)
    return this.begin(entry, true)
  }

  /** The head of a lane waits for a decision; nothing of the lane is needed in memory. */
  wait(context: string): void {
    const lane = this.trying.get(context)
    if (lane !== undefined) this.buffered -= lane.line.length
    this.trying.delete(context)
    this.waiting.add(context)
  }

  /** A lane is at the desk: it waits, unless it is being tried. */
  closed(context: string): void {
    if (!this.trying.has(context)) this.waiting.add(context)
  }

  /** Lets go of a message that stood alone. */
  forget(id: number): void {
    this.alone.delete(id)
  }

  /** Its head is at the desk no more: the processor was let go of. */
  drop({ context, headId }: DeskLane): void {
    if (context === null) this.alone.delete(headId)
    else this.trying.delete(context)
  }

  /** Puts a message at the end of the line of its context. */
  join(delivery: Delivery): void {
    const context = delivery.message.context!
    this.joining.set(context, (this.joining.get(context) ?? 0) + 1)
    const lane = this.trying.get(context)
    if (lane !== undefined) lane.mayHaveLine = true
    // What is new at the desk has its number as its place.
    const place = delivery.entry === undefined ? {} : { place: this.around.deskNumbers.next() }
    const fields = { state: 'line', lane: context, dueAt: 0, ...place } as const
    this.host.keep(delivery, fields, (entry) => ({ written: () => this.joined(context, entry) }))
  }

  private joined(context: string, entry: DeskEntry): void {
    const left = this.joining.get(context)! - 1
    if (left === 0) this.joining.delete(context)
    else this.joining.set(context, left)
    const lane = this.trying.get(context)
    if (lane === undefined) {
      // The store found no lane any more: it is the head of one.
      if (entry.state === 'trying') {
        const own = this.begin(entry, true)
        own.entry = entry
        this.host.ready(own)
        this.host.pump()
      }
      return
    }
    lane.written++
    if (!lane.starved) return
    lane.starved = false
    this.advance(lane)
  }

  /** The head of a lane has gone: the next in line has its turn, or the lane opens. */
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
      lane.entry = next
      next.state = 'trying'
      this.host.ready(lane)
      return
    }
    if (!lane.mayHaveLine && !this.joining.has(context)) {
      this.trying.delete(context)
      return
    }
    this.readLine(lane, context)
  }

  private readLine(lane: DeskLane, context: string): void {
    const { written } = lane
    const room = Math.max(1, Math.min(lineRows, this.around.limits.windowMessages - this.buffered))
    this.around.store.line(this.host.name, this.host.stream, context, lane.place, room).then(
      (entries) => {
        // Let go of meanwhile, with its processor.
        if (this.trying.get(context) !== lane) return
        lane.line = entries
        this.buffered += entries.length
        if (entries.length > 0 || lane.written !== written) this.advance(lane)
        else if (this.joining.has(context)) lane.starved = true
        else this.trying.delete(context)
        this.host.pump()
        this.around.maybeIdle()
      },
      (error) => this.around.world.log('error', `cannot read the line of "${context}"`, { error: inBrief(error) }),
    )
  }

  /** Whether a lane is at the desk, asked of the store where memory does not know. */
  async look(context: string): Promise<DeskHead | undefined> {
    return this.around.store.headOf(this.host.name, this.host.stream, context)
  }
}
