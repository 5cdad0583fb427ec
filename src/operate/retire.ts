import { fault } from '../model/errors.ts'
import { suggest } from '../model/names.ts'
import type { ProcessorRow } from './processors.ts'

/**
 * Finds the rows that go when a processor is retired: those of topics that it is no longer on.
 *
 * @throws `millrace/unknown-processor`, `millrace/processor-in-use`, `millrace/processor-has-held`
 */
export function toRetire(
  rows: readonly ProcessorRow[],
  name: string,
  { force = false }: { readonly force?: boolean | undefined },
): ProcessorRow[] {
  const mine = rows.filter((row) => row.name === name)
  if (mine.length === 0) {
    const gone = rows.flatMap((row) => (row.state === 'gone' ? row.name : []))
    throw fault('millrace/unknown-processor', `the store knows no processor "${name}"${suggest(name, gone)}`)
  }
  const gone = mine.filter(({ state }) => state === 'gone')
  if (gone.length === 0) throw fault('millrace/processor-in-use', `processor "${name}" is part of the app`)
  const held = gone.reduce((sum, row) => sum + row.held, 0)
  if (held > 0 && !force) {
    throw fault('millrace/processor-has-held', `processor "${name}" holds ${held} messages at the desk`)
  }
  return gone
}
