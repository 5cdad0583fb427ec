// Events that flows of a context may wait for.
import type { Stored } from '../model/codec.ts'

/** An event that flows of a context may wait for. */
export interface Mail {
  readonly n: number
  readonly mediator: string
  readonly context: string
  readonly message: Stored
  readonly at: number
}

/** The result of forgetting in a slice of the mail. */
export interface ForgottenMails {
  readonly gone: number
  /** The number up to which the slice reaches; undefined where no mail behind it can be forgotten. */
  readonly last: number | undefined
}

/** Mail, and the flows that it is for. */
export interface Mailbox {
  /** The flows of a context that may wait for mail, queued ones left out: after an id, in order, at most so many. */
  underWay(mediator: string, context: string, after: number, limit: number): Promise<number[]>
  /** The first event of a type for the flows of a context after a number. */
  next(mediator: string, context: string, type: string, after: number): Promise<Mail | undefined>
  /** Looks at a slice of the mail after a number. Forgets mail of before a time that no flow can wait for. */
  forget(after: number, beforeMs: number): Promise<ForgottenMails>
}
