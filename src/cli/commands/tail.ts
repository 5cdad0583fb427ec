import type { Followed } from '../../control/protocol.ts'
import { aborted, interruptible } from '../../control/signals.ts'
import { isMillraceError, type LogFilter, type LogRow, MillraceError } from '../../index.ts'
import { eventJson } from '../../operate/cloudevent.ts'
import { checkLogFilter } from '../../operate/filter.ts'
import { lastMax, lastOf } from '../../operate/last.ts'
import { type Call, locate, type Place, reach, takeWords } from '../call.ts'
import type { Output } from '../output.ts'
import { UsageError } from '../output.ts'
import { count, cut, safe, safeJson } from '../print.ts'

export interface TailWords {
  readonly topic?: string | undefined
  readonly type?: string | undefined
  readonly context?: string | undefined
  readonly correlation?: string | undefined
  readonly last?: number | undefined
  readonly follow?: boolean | undefined
}

export const tailLastMax: number = lastMax

/** Shows messages as they are accepted; for a stopped app the last ones. */
export async function tail(call: Call, words: TailWords): Promise<number> {
  const { out } = call
  const { topic: destination, type, context, correlation, last = 0, follow = true } = words
  takeWords(call, [], 0)
  if (!follow && words.last === undefined) throw new UsageError('--no-follow needs --last N')
  const filter: LogFilter = { destination, type, context, correlation }
  const { app, store } = await locate(call)
  const client = await reach(store, call.waitMs)
  if (client === undefined) {
    if (words.last === undefined) {
      const what = (await store.exists()) ? `no app runs with ${store.where}` : `there is no file ${store.where}`
      throw new MillraceError('millrace/not-running', `${what} (--last N shows what the file has)`)
    }
    await showStopped({ app, store }, { last, filter }, out)
    return 0
  }
  const interrupted = interruptible()
  const take = (item: Followed) => {
    if ('message' in item) return show(out, item.message)
    out.note(`${count(item.missed, 'message was', 'messages were')} skipped: they came faster than they were read`)
    return undefined
  }
  try {
    const shown = client.tail({ filter, last, follow }, take)
    await Promise.race([shown, aborted(interrupted.signal), aborted(out.closed)])
    shown.catch(() => {})
  } catch (error) {
    if (!isMillraceError(error, 'millrace/stopping')) throw error
    out.note(error.message)
  } finally {
    client.close()
    interrupted.end()
  }
  return interrupted.status() ?? 0
}

interface LastWords {
  readonly last: number
  readonly filter: LogFilter
}

async function showStopped(
  { app, store }: Pick<Place, 'app' | 'store'>,
  { last, filter }: LastWords,
  out: Output,
): Promise<void> {
  const reader = await store.read('stopped')
  try {
    await checkLogFilter(filter, app?.parts ?? [], await reader.messages.names())
  } finally {
    await reader.close()
  }
  for await (const row of lastOf(() => store.read('stopped'), last, filter)) {
    if (out.closed.aborted) return
    await show(out, row)
  }
}

function show(out: Output, row: LogRow): Promise<void> | undefined {
  if (out.json) return out.line(cloudEvent(row))
  const time = new Date(row.time).toISOString()
  const context = row.context === null ? '' : `  ${safe(row.context)}`
  const line = `${time}  ${row.destination}/${row.position}  ${safe(row.type)}${context}  ${safe(row.json)}`
  return out.line(out.isTerminal ? cut(line, out.columns) : line)
}

/** A message as JSON of CloudEvents 1.0, with the topic or channel that it is in, and its position there. */
export function cloudEvent(row: LogRow): string {
  const { correlationId, kind, destination, position, traceparent: trace } = row
  return safeJson(
    eventJson({ ...row, trace }, row.json, { correlationid: correlationId, [kind]: destination, position }),
  )
}
