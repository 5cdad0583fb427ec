// The newest messages of a log, for people: each is read only when there is room for it, whatever its size.
import { fault } from '../model/errors.ts'
import { suggest } from '../model/names.ts'
import type { Part } from '../parts/part.ts'
import type { FileReader, LogFilter, LogRow } from '../seam/file.ts'
import { lastMax } from './protocol.ts'
import { sourcesOf } from './rows.ts'

/**
 * Gives the newest messages that fit, the oldest of them first. `durable` resolves when all that was found is on disk:
 * nothing is given before.
 *
 * @throws `millrace/bad-option`
 */
export async function* lastOf(
  open: () => FileReader,
  count: number,
  filter: LogFilter,
  durable: () => Promise<unknown> = async () => {},
): AsyncGenerator<LogRow> {
  if (count > lastMax) throw fault('millrace/bad-option', `last is ${count}, but must be at most ${lastMax}`)
  if (count === 0) return
  const reader = open()
  try {
    const places = await reader.newest(count, filter)
    await durable()
    for (const place of places) {
      const message = reader.message(place)
      if (message !== undefined) yield message
    }
  } finally {
    reader.close()
  }
}

/**
 * Refuses a filter by a name that neither the app nor its file has: it would wait in silence for what never comes.
 *
 * @throws `millrace/unknown-name`
 */
export function checkLogFilter(
  { source, type }: LogFilter,
  parts: readonly Part[],
  file: Pick<FileReader, 'types' | 'streams'>,
): void {
  const known = sourcesOf(parts)
  const check = (what: string, name: string | undefined, names: readonly string[]) => {
    if (name === undefined || names.includes(name)) return
    throw fault('millrace/unknown-name', `there is no ${what} "${name}"${suggest(name, names)}`)
  }
  check('topic or channel', source, [...known.map(({ name }) => name), ...file.streams().map(({ name }) => name)])
  const types = known.flatMap((one) => [...one.types.map(({ name }) => name), ...one.retired])
  check('type', type, [...types, ...file.types()])
}
