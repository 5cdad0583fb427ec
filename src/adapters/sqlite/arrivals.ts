// The messages that have gone to the log, until the listener is told of them.
//
//   added (in a transaction) ──commit──→ committed ──taken before the sync, told after it──→ arrived
//        └──rollback──→ dropped
import type { Stored } from '../../model/codec.ts'
import type { ArrivalListener } from '../../seam/log.ts'

export class Arrivals {
  private listener: ArrivalListener | undefined
  private messages: Stored[] = []
  private positions: number[] = []
  /** How many of them are committed. */
  private committed = 0

  listen(listener: ArrivalListener): void {
    this.listener = listener
  }

  add(message: Stored, position: number): void {
    this.messages.push(message)
    this.positions.push(position)
  }

  commit(): void {
    this.committed = this.messages.length
  }

  rollback(): void {
    this.messages.length = this.committed
    this.positions.length = this.committed
  }

  /** Takes all that is committed. Call before the sync; call the result after it. */
  take(): () => void {
    const { messages, positions, listener } = this
    if (this.committed === 0) return nothing
    this.messages = []
    this.positions = []
    this.committed = 0
    return () => listener?.(messages, positions)
  }
}

const nothing = () => {}
