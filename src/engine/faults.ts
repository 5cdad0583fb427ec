// The errors that tell of the end of a run.
import { fault, isMillraceError, type MillraceError } from '../model/errors.ts'
import { inBrief } from '../model/people.ts'

/** The run is stopping, or takes nothing for another reason. */
export function stopping({ app }: { readonly app: string }, how: string): MillraceError {
  return fault('millrace/stopping', `app "${app}" ${how}`)
}

/** Why the store failed, with a code of Millrace. */
export function storeFailed(error: unknown): MillraceError {
  if (isMillraceError(error)) return error
  return fault('millrace/disk-failed', `the store failed: ${inBrief(error)}`, { cause: error })
}
