// The newest messages of a log, for people: each is read only when there is room for it, whatever its size.
import { fault } from '../model/errors.ts'
import type { FileReader, LogFilter, LogRow } from '../seam/file.ts'

/** Most messages that can be asked for with `last`. */
export const lastMax = 10_000

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
