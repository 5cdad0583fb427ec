// The newest messages of a log, for people: each is read only when there is room for it, whatever its size.
import { fault } from '../model/errors.ts'
import type { LogFilter, LogRow } from '../model/log-views.ts'
import type { OfflineReader } from '../seam/offline.ts'

/** Most messages that can be asked for with `last`. */
export const lastMax = 10_000

/**
 * Gives the newest messages that fit, the oldest of them first. `durable` resolves when all that was found is on disk:
 * nothing is given before.
 *
 * @throws `millrace/bad-option`
 */
export async function* lastOf(
  open: () => Promise<OfflineReader>,
  count: number,
  filter: LogFilter,
  durable: () => Promise<unknown> = async () => {},
): AsyncGenerator<LogRow> {
  if (count > lastMax) throw fault('millrace/bad-option', `last is ${count}, but must be at most ${lastMax}`)
  if (count === 0) return
  const reader = await open()
  try {
    const places = await reader.newest(count, filter)
    await durable()
    for (const place of places) {
      const message = await reader.message(place)
      if (message !== undefined) yield message
    }
  } finally {
    await reader.close()
  }
}
