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
