import type { Stored } from '../../model/codec.ts'
import type { DeskEntry, Try } from '../../model/desk.ts'
import type { OpenLane } from './lanes.ts'

/**
 * One message on its way through one processor.
 *
 *   waiting (in its lane) → ready → running → committing → done
 *                             ↑        └ failed → at the desk, to be tried again
 *                             └─────────────────────┘  └ attempts used up → held there
 */
export class Delivery {
  readonly message: Stored
  /** Set when it is at the desk: then finishing it removes the entry instead of moving the position. */
  entry: DeskEntry | undefined
  /** The open lane in which it is, or was. */
  lane: OpenLane | undefined
  /** The next message of the same open lane. */
  next: Delivery | undefined
  attempts = 0
  tries: readonly Try[] = noTries
  /** Since when it is the head of its lane and unresolved, for noticing what holds others back. */
  headSince = 0

  constructor(message: Stored, entry: DeskEntry | undefined) {
    this.message = message
    this.entry = entry
    if (entry === undefined) return
    this.attempts = entry.attempts
    this.tries = entry.tries
  }
}

const noTries: readonly Try[] = []
