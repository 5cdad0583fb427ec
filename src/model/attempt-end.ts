import type { ErrorRecord } from './error-record.ts'

/** The end of an attempt, as `onAttempt` is told of it. */
export interface AttemptEnd {
  readonly processor: string
  /** The type, the id and the context of the message. */
  readonly type: string
  readonly id: string
  readonly context: string | undefined
  /** Attempts at the message, this one included; failures while the processor probes do not count. */
  readonly attempt: number
  /**
   * `handled`: its commit is on disk. `refused`: the handler has refused a request, and the asker is told. `failed`:
   * there is another attempt. `held`: it is at the desk, where a rule or a person decides.
   */
  readonly outcome: 'handled' | 'refused' | 'failed' | 'held'
  /** Undefined where it was handled. */
  readonly error: ErrorRecord | undefined
  /** Time until the next attempt, milliseconds; undefined unless it failed. */
  readonly nextInMs: number | undefined
}

/** The function of one start that is told of the ends of attempts. */
export interface Watching {
  readonly told: (end: AttemptEnd) => void
  /** Whether failed attempts and held messages are logged too. */
  readonly logged: boolean
}
