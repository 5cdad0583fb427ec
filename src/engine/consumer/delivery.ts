import type { AttemptEnd } from '../../model/attempt-end.ts'
import type { Stored } from '../../model/codec.ts'
import type { DeskEntry, Try } from '../../model/desk.ts'
import type { AttemptTrace } from '../../seam/telemetry.ts'

/** An open lane: its messages come from the log. */
export interface OpenLane {
  /** The last of its messages in memory; undefined when there is none. */
  newest: Delivery | undefined
}

/**
 * One message on its way through one processor.
 *
 *   waiting (in its lane) → ready → running → committing → done
 *                             ↑        └ failed → at the desk, to be tried again
 *                             └─────────────────────┘  └ attempts used up → held there
 */
export class Delivery {
  readonly message: Stored
  /** Set when it is at the desk: then its end removes the entry instead of moving the position. */
  entry: DeskEntry | undefined
  /** The open lane in which it is, or was. */
  lane: OpenLane | undefined
  /** The next message of the same open lane. */
  next: Delivery | undefined
  attempts = 0
  tries: readonly Try[] = noTries
  /** The time at which it became the head of its lane, on the clock of durations; 0 before that. */
  headSince = 0
  /** The time at which its last attempt began, on the clock of durations. */
  startedAt = 0
  /** Its newest attempt, as telemetry follows it; undefined where there is none. */
  span: AttemptTrace | undefined = undefined

  constructor(message: Stored, entry: DeskEntry | undefined) {
    this.message = message
    this.entry = entry
    if (entry === undefined) return
    this.attempts = entry.attempts
    this.tries = entry.tries
  }
}

const noTries: readonly Try[] = []

type How = Pick<AttemptEnd, 'outcome'> & Partial<Pick<AttemptEnd, 'attempt' | 'error' | 'nextInMs'>>

/** The end of an attempt at a message, for those who watch. */
export function endOf(
  processor: string,
  { message, attempts }: Delivery,
  { outcome, attempt = attempts, error, nextInMs }: How,
): AttemptEnd {
  const { type, id, context } = message
  return { processor, type, id, context: context ?? undefined, attempt, outcome, error, nextInMs }
}
