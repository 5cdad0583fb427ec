// Takes up what an earlier run left at the desk, and finds the message that killed it.
//
//   unclean stop → each start is marked on disk ──died again──→ the marked messages are suspects
//   suspect → alone ──its attempt ends──→ tried as ever
//                └ the process dies → counted in `kills` → suspect ──killed too often──→ held
import type { Stored } from '../../model/codec.ts'
import type { DeskEntry } from '../../model/desk.ts'
import { type ErrorRecord, fault, recordError } from '../../model/errors.ts'
import type { DeskHead } from '../../seam/desk.ts'
import type { ProcessorSpec } from '../spec.ts'
import { Delivery } from './delivery.ts'
import type { DeskLane, DeskLanes } from './desk-lanes.ts'
import { changed, type DeskWrites } from './desk-writes.ts'
import type { Lanes } from './lanes.ts'

export interface RecoveryHost {
  readonly spec: Pick<ProcessorSpec, 'name' | 'retry'>
  readonly desk: Pick<DeskLanes, 'begin' | 'found'>
  readonly lanes: Pick<Lanes, 'queue' | 'moveToDesk' | 'wake' | 'isTaken'>
  readonly writes: Pick<DeskWrites, 'keep'>
  now(): number
  after(ms: number, fn: () => void): void
  /** Whether nothing starts until the processor is resumed. */
  isPaused(): boolean
  /** Reads the heads of lanes at the desk, and the messages that stand alone there. */
  heads(take: (head: DeskHead) => void): Promise<void>
  /** Reads the contexts whose lanes are at the desk. */
  contexts(take: (context: string) => void): Promise<void>
  entry(item: number): Promise<DeskEntry | undefined>
  messageAt(position: number): Promise<Stored | undefined>
  isDone(position: number): boolean
  /** A message counts in the window. */
  entered(message: Stored): void
  askRule(item: number): void
  hold(delivery: Delivery, error: ErrorRecord): void
  ready(lane: DeskLane): void
  pump(): void
}

/** Up to where starts are marked: the position and the number at the desk that the run before may have had under way. */
export interface Marked {
  readonly position: number
  readonly item: number
}

export class Recovery {
  private readonly host: RecoveryHost
  private readonly marked: Marked
  private readonly suspects: DeskLane[] = []
  /** The message that runs alone now. */
  private alone: { readonly item: number; readonly ended: () => void } | undefined

  constructor(host: RecoveryHost, marked: Marked) {
    this.host = host
    this.marked = marked
  }

  /** Whether messages wait to run alone. */
  get isWaiting(): boolean {
    return this.suspects.length > 0
  }

  /** Whether the start of a message is to be marked on disk first. */
  needsMark({ entry, message, attempts }: Delivery): boolean {
    if (entry === undefined) return message.position <= this.marked.position && attempts === 0
    return entry.id <= this.marked.item && this.alone?.item !== entry.id
  }

  // ── starting ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes up the lanes that are at the desk, and the messages that were running when the process died twice. */
  async takeUp(marks: readonly number[]): Promise<void> {
    const { host } = this
    const marked = new Set(marks)
    const now = host.now()
    const joining: number[] = []
    const long: DeskLane[] = []
    await host.heads((head) => {
      const { id, lane, context, state } = head
      if (state === 'deciding') host.askRule(id)
      else if (lane === null && context !== null) joining.push(id)
      else if (this.takeUpLane(head, marked, now) === 'long') long.push(host.desk.begin(head))
    })
    await host.contexts((context) => host.desk.found(context))
    for (const lane of long) await this.takeUpLong(lane, now)
    for (const id of joining) {
      const entry = await host.entry(id)
      if (entry !== undefined) host.lanes.queue(new Delivery(entry.message, entry))
    }
    for (const position of marks) await this.suspectAt(position)
  }

  private takeUpLane(head: DeskHead, marked: ReadonlySet<number>, now: number): 'taken up' | 'long' {
    const { host } = this
    const waitMs = Math.max(0, head.dueAt - now)
    const { maxDelayMs, byError } = host.spec.retry
    // A wait that today's policy would not choose is shortened to its longest, unless a function may have chosen it.
    if (waitMs > maxDelayMs && byError !== undefined) return 'long'
    const lane = host.desk.begin(head)
    if (waitMs > 0) host.lanes.wake(lane, Math.min(waitMs, maxDelayMs))
    else if (marked.has(-head.id) || head.kills > 0) this.suspects.push(lane)
    else host.ready(lane)
    return 'taken up'
  }

  /** A wait longer than usual: `byError` chose it, or the clock was set back. The whole of it is enough. */
  private async takeUpLong(lane: DeskLane, now: number): Promise<void> {
    const { dueAt, tries, heldAt } = (await this.host.entry(lane.headId))!
    this.host.lanes.wake(lane, Math.min(dueAt - now, dueAt - (tries.at(-1)?.at ?? heldAt)))
  }

  /** The message at a mark in the stream goes to the desk, as the head of its lane. */
  private async suspectAt(position: number): Promise<void> {
    const { host } = this
    if (position < 0 || host.isDone(position)) return
    const message = await host.messageAt(position)
    if (message?.position !== position) return
    const { context } = message
    if (context !== null && (await host.lanes.isTaken(context))) return
    host.entered(message)
    this.suspects.push(host.lanes.moveToDesk(new Delivery(message, undefined), { state: 'trying' }))
  }

  // ── running suspects ───────────────────────────────────────────────────────────────────────────────────────────

  /** Runs the suspects, one at a time, each for at most `aloneMs`; resolves when all have had their turn. */
  async run(killsMax: number, aloneMs: number): Promise<void> {
    const { host } = this
    while (!host.isPaused() && this.suspects.length > 0) {
      const lane = this.suspects.shift()!
      const head = lane.entry ?? (await host.entry(lane.headId))
      if (head === undefined) continue
      lane.entry = head
      const delivery = new Delivery(head.message, head)
      if (head.kills >= killsMax) {
        const { name } = host.spec
        const what = `the process died ${head.kills} times while processor "${name}" handled this message alone`
        host.hold(delivery, recordError(fault('millrace/killed-the-process', what)))
        continue
      }
      await new Promise<void>((resolve) => {
        this.alone = { item: head.id, ended: resolve }
        host.after(aloneMs, resolve)
        const written = () => {
          host.ready(lane)
          host.pump()
        }
        lane.entry = host.writes.keep(delivery, { kills: head.kills + 1 }, () => ({ written }))
      })
    }
  }

  /** An attempt has ended: it has not killed the process. Returns whether the disk still says otherwise. */
  survived(delivery: Delivery): boolean {
    const { entry } = delivery
    if (entry === undefined || this.alone?.item !== entry.id) return false
    delivery.entry = changed(entry, { kills: 0 })
    this.alone.ended()
    this.alone = undefined
    return true
  }
}
