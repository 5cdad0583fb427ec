// What surrounds a part under test, as users give it.
import type { Answer } from './trial.ts'

/** The environment of a part under test. */
export interface Circumstances {
  /**
   * Answers each statement of `tx.query` and `read`. It takes the text, with `?` for each value and white space
   * collapsed, and the values. It returns the rows, or throws an error of the database. Default: no rows. In a commit
   * function it may return a promise, which must not wait for a timer, a file or the network.
   */
  readonly query?: Answer | undefined
  /**
   * The time that `now()` returns and at which the message was published: milliseconds since 1970 or a date. Default:
   * the clock.
   */
  readonly now?: number | Date | undefined
}

/** The envelope of a message under test. */
export interface WhenOptions {
  /** Its id, as if the publisher had given it. Default: a new one. */
  readonly id?: string | undefined
  /** The time at which it was published, milliseconds since 1970; default: now. */
  readonly time?: number | undefined
  /** The id of the initiating event of its flow; default: its own id. */
  readonly correlationId?: string | undefined
}

/** The envelope of a message under test at a processor, and the number of the attempt. */
export interface AttemptOptions extends WhenOptions {
  /** The `attempt` that the handler gets, a whole number from 1; default 1. */
  readonly attempt?: number | undefined
}
