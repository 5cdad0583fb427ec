// The newest messages of a log, for people: their data are read only when there is room for them, whatever their size.
import { fault } from '../model/errors.ts'
import type { LogFilter, LogRow } from '../model/log-views.ts'
import type { MessageRow } from '../model/message-views.ts'
import type { OfflineReader } from '../seam/offline.ts'
import { pagesOf } from './log-walk.ts'
import { rowOf } from './rows.ts'

/** Most messages that can be asked for with `last`. */
export const lastMax = 10_000

type Reads = Pick<OfflineReader, 'messages' | 'log' | 'close'>
type Place = Pick<MessageRow, 'stream' | 'position' | 'kind' | 'destination'>

/**
 * Gives the newest messages that fit, the oldest of them first. `durable` resolves when all that was found is on disk:
 * nothing is given before.
 *
 * @throws `millrace/bad-option`
 */
export async function* lastOf(
  open: () => Promise<Reads>,
  count: number,
  filter: LogFilter,
  durable: () => Promise<unknown> = async () => {},
): AsyncGenerator<LogRow> {
  if (count > lastMax) throw fault('millrace/bad-option', `last is ${count}, but must be at most ${lastMax}`)
  if (count === 0) return
  const reader = await open()
  try {
    const places = await newest(reader, count, filter)
    await durable()
    for (const { stream, position, kind, destination } of places) {
      const [message] = await reader.log.read(stream, position - 1, 1, Number.MAX_SAFE_INTEGER)
      // One that was removed since it was found is passed over.
      if (message?.position === position) yield rowOf(message, { kind, name: destination })
    }
  } finally {
    await reader.close()
  }
}

/** The places of the newest that fit, the oldest first. */
async function newest({ messages }: Reads, count: number, { destination, ...filter }: LogFilter): Promise<Place[]> {
  const places: Place[] = []
  for await (const rows of pagesOf(messages, { span: { destination }, filter, order: 'newest' })) {
    for (const { stream, position, kind, destination } of rows) places.push({ stream, position, kind, destination })
    if (places.length >= count) break
  }
  return places.slice(0, count).reverse()
}
