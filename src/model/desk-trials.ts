// A trial of a held message, as people see it: what an attempt would have done. All of it was taken back.
import type { ErrorRecord } from './error-record.ts'

/** A message that a trial would have published or sent. */
export interface TrialMessage {
  readonly kind: 'event' | 'command'
  readonly type: string
  /** The id that the handler gave; null where it gave none. */
  readonly id: string | null
  readonly context: string | null
  /** The time at which it would be delivered, milliseconds since 1970; null for at once. */
  readonly due: number | null
  /** Its data, without secrets; null where all messages of the trial are too large to show. */
  readonly data: unknown
}

/** A statement that a trial ran. */
export interface TrialStatement {
  /** `read`: outside the transaction; `commit`: in the commit function. */
  readonly where: 'read' | 'commit'
  /** With `?` for each value; white space collapsed. */
  readonly text: string
  /** Without secrets. A large text is shortened, bytes are told by their number, a large integer is a text. */
  readonly values: readonly (string | number | boolean | null)[]
  /** The number of rows that it returned. */
  readonly rows: number
  /** The number of rows that it wrote or deleted, those of triggers included. */
  readonly changed: number
  /** The error of one that failed; null where it did not. */
  readonly error: string | null
}

/** The outcome of a trial: what would have been written, sent and returned, or how it failed. */
export interface DeskTrial {
  /** The number of the message at the desk. */
  readonly item: number
  /** The revision of the message that was tried. */
  readonly revision: number
  readonly processor: string
  readonly type: string
  /** `handled`: the message would be done; `refused` and `failed`: it would come back, or its caller would be refused. */
  readonly outcome: 'handled' | 'refused' | 'failed'
  /** The error of one that was refused or failed; null where it would be handled. */
  readonly error: ErrorRecord | null
  /** The reply to a command, without secrets; null where there is none. */
  readonly reply: unknown
  /** The messages that would leave, in order; at most 100. */
  readonly messages: readonly TrialMessage[]
  /** The delayed messages and requests that it would take back, where there are any. */
  readonly cancelled: readonly { readonly type: string; readonly id: string }[]
  /** The statements that it ran, in order; at most 1,000. */
  readonly statements: readonly TrialStatement[]
  /** The numbers of all, those that are not listed included. */
  readonly counts: { readonly messages: number; readonly statements: number }
  /** The time that it took, milliseconds. */
  readonly tookMs: number
}
