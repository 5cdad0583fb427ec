import type { Stored } from './codec.ts'
import { fault, type MillraceError } from './errors.ts'
import { isCommandOfFlow } from './flow.ts'
import type { DataFor, Event } from './message.ts'
import { type Delay, delayOptions } from './time.ts'

/** Options of publishing and sending. With `at` or `delayMs` the message is kept on disk until it is due. */
export interface PublishOptions extends Delay {
  /**
   * The id of the message, 1 to 255 characters, default: a new one. It makes publishing idempotent: publishing the same
   * type again with it adds nothing while the message is pending or the log keeps it. With other data it is
   * `millrace/id-conflict`. Ids that start with "flow/" are reserved.
   */
  readonly id?: string | undefined
}

/** One event of `publishMany`. */
export interface PublishEntry<E extends Event> {
  /** The data, checked against the schema. */
  readonly data: DataFor<E>
  /** The id, as the `id` of `publish`; default: a new one. */
  readonly id?: string | undefined
}

/** The result of `publish` and `send`, once the message is on disk. */
export interface Accepted {
  readonly id: string
  /** True when the id had been published before with the same data, so that nothing was added. */
  readonly duplicate?: true | undefined
}

export const publishOptions: readonly string[] = ['id', ...delayOptions]

const idCharsMax = 255

/** Refuses a value that cannot be a user's message id. Errors: `millrace/bad-id`. */
export function checkId(id: unknown): asserts id is string {
  if (isCommandOfFlow(id)) {
    throw fault(
      'millrace/bad-id',
      `id ${JSON.stringify(id)} is reserved: ids that start with "flow/" belong to commands of flows`,
    )
  }
  if (typeof id === 'string' && id.length > 0 && id.length <= idCharsMax && id.isWellFormed()) return
  const got = typeof id === 'string' ? `one of ${id.length}` : String(id)
  throw fault('millrace/bad-id', `id must be a well-formed string of 1 to ${idCharsMax} characters, not ${got}`)
}

/** The error for a message that repeats the id of another with different data. */
export function idConflict({ id, type }: Pick<Stored, 'id' | 'type'>): MillraceError {
  const what = `id ${JSON.stringify(id)} of "${type}" was published before with other data`
  return fault('millrace/id-conflict', what, { data: { id, type } })
}
