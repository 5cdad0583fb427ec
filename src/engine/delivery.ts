import type { Stored } from '../model/codec.ts'
import type { DeskEntry } from '../seam/store.ts'

/**
 * One message on its way through one processor.
 *
 *   waiting (in its lane) → ready → running → committing → done
 *                             ↑        └ failed → resting (before the next attempt)
 *                             └──────────────────────┘  └ attempts used up → held at the desk
 */
export class Delivery {
  readonly message: Stored
  /** Set when it is at the desk: then finishing it removes the entry instead of moving the position. */
  entry: DeskEntry | undefined
  /** The next message of the same lane. */
  next: Delivery | undefined
  attempts = 0
  /** Since when it is the head of its lane and unresolved, for noticing what holds others back. */
  headSince = 0

  constructor(message: Stored, entry: DeskEntry | undefined) {
    this.message = message
    this.entry = entry
    if (entry !== undefined) this.attempts = entry.attempts
  }
}
