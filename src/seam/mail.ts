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

/** What became of a slice of mail. */
export interface ForgottenMails {
  readonly gone: number
  /** Up to which number it was looked at; undefined where there is nothing more to forget behind it. */
  readonly last: number | undefined
}

/** Mail, and for whom it is. */
export interface Mailbox {
  /** The first event of a type for the flows of a context after a number. */
  /** The flows of a context that may wait for mail: those under way, without the queued ones: after an id, in order, at most so many. */
  underWay(mediator: string, context: string, after: number, limit: number): Promise<number[]>
  next(mediator: string, context: string, type: string, after: number): Promise<Mail | undefined>
  /** Looks at a slice of the mail after a number, and forgets what came before a time and no flow can wait for. */
  forget(after: number, beforeMs: number): Promise<ForgottenMails>
}
