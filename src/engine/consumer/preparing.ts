// A message or lane whose turn has come, until its handler is called.
//
//   turn ──the head of a lane is on disk only──→ reading ──→ ready ──the run before was unclean──→ marking ──→ start
//                                                   └ it is not there → the lane is dropped
//
// A read and a mark take a slot, as an attempt does.
import type { DeskEntry } from '../../model/desk.ts'
import type { Mark } from '../commit/writes.ts'
import type { Attempts } from './attempts.ts'
import { Delivery } from './delivery.ts'
import { DeskLane, type DeskLanes } from './desk-lanes.ts'
import type { Lanes } from './lanes.ts'
import type { Recovery } from './recovery.ts'
import type { Status } from './status.ts'

export interface PreparingHost {
  readonly name: string
  readonly stream: number
  status(): Status
  readonly attempts: Pick<Attempts, 'reserve' | 'release'>
  readonly recovery: Pick<Recovery, 'needsMark'>
  readonly desk: Pick<DeskLanes, 'drop'>
  readonly lanes: Pick<Lanes, 'again'>
  entry(item: number): Promise<DeskEntry | undefined>
  mark(mark: Mark): void
  start(delivery: Delivery): void
  pump(): void
  maybeIdle(): void
  cannotRead(item: number, error: unknown): void
}

export class Preparing {
  private readonly host: PreparingHost

  constructor(host: PreparingHost) {
    this.host = host
  }

  begin(next: Delivery | DeskLane): void {
    if (!(next instanceof DeskLane)) this.mark(next)
    else if (next.entry !== undefined) this.mark(new Delivery(next.entry.message, next.entry))
    else this.read(next)
  }

  private read(lane: DeskLane): void {
    const { host } = this
    host.attempts.reserve()
    host.entry(lane.headId).then(
      (entry) => {
        host.attempts.release()
        if (entry === undefined) host.desk.drop(lane)
        else if (host.status() !== 'stopped') {
          lane.entry = entry
          this.mark(new Delivery(entry.message, entry))
        }
        host.pump()
        host.maybeIdle()
      },
      (error) => host.cannotRead(lane.headId, error),
    )
  }

  /** Marks the start on disk where the message may have killed the process. */
  private mark(delivery: Delivery): void {
    const { host } = this
    if (!host.recovery.needsMark(delivery)) {
      host.start(delivery)
      return
    }
    const { entry, message } = delivery
    host.attempts.reserve()
    host.mark({
      processor: host.name,
      stream: host.stream,
      position: entry === undefined ? message.position : -entry.id,
      written: () => {
        host.attempts.release()
        if (host.status() === 'running') host.start(delivery)
        else if (host.status() === 'paused') host.lanes.again(delivery)
      },
    })
  }
}
