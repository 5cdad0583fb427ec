// Filters of messages in a log: whether their names are known, and which messages fit.
import { fault } from '../model/errors.ts'
import type { LogFilter, LogRow } from '../model/log-views.ts'
import { suggest } from '../model/names.ts'
import type { Part } from '../parts/part.ts'
import { destinationsOf } from '../parts/processors.ts'
import type { KnownNames } from '../seam/message-reads.ts'

/**
 * Refuses a filter by a name that neither the app nor its store has: nothing would ever fit it.
 *
 * @throws `millrace/unknown-name`
 */
export async function checkLogFilter(
  { destination, type }: LogFilter,
  parts: readonly Part[],
  { destinations, types: stored }: KnownNames,
): Promise<void> {
  const known = destinationsOf(parts)
  const check = (what: string, name: string | undefined, names: readonly string[]) => {
    if (name === undefined || names.includes(name)) return
    throw fault('millrace/unknown-name', `there is no ${what} "${name}"${suggest(name, names)}`)
  }
  check('topic or channel', destination, [...known.map(({ name }) => name), ...destinations])
  const types = known.flatMap((one) => [...one.types.map(({ name }) => name), ...one.retired])
  check('type', type, [...types, ...stored])
}

/** Tests a message against a filter. */
export function fits(row: LogRow, { destination, type, context, correlation }: LogFilter): boolean {
  return (
    (destination === undefined || row.destination === destination) &&
    (type === undefined || row.type === type) &&
    (context === undefined || row.context === context) &&
    (correlation === undefined || row.correlationId === correlation)
  )
}
