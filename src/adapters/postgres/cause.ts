import type { Stored } from '../../model/codec.ts'
import type { Cause } from '../../model/desk-views.ts'
import { firstOf, headOf, placed } from './log-reads.ts'
import { one, type Statements } from './statements.ts'

/** The number of messages that are looked at before and after the time at which an id was made. */
const lookedAt = 2_000

const namedText = `select s.name as destination, i.type from (select type, stream from millrace.ids
    where type = any(array(select distinct type from millrace.kinds)) and id = $1 limit 2) i
  join millrace.sources s on s.id = i.stream >> 16`
const streamsText = `select p.stream, s.name from millrace.progress p join millrace.sources s on s.id = p.stream >> 16
  where p.processor = $1`
const timeText = `select m.time ${placed('time, seq')} where m.position > $2 order by m.position limit 1`
const typeText = `select k.type ${placed('id, kind, seq')} join millrace.kinds k on k.id = m.kind
  where m.position > $2 and m.position <= $4 and m.id = $5 limit 1`

/**
 * The message that caused another, where it is found by reading little: by the id that its publisher gave, here or elsewhere, else by the
 * time in its own id, in what the processor that published the other takes its messages from. Logs are in order of
 * time, nearly: that it is not found does not say that it is not there.
 */
export async function findCause(db: Statements, { causationId: id, source }: Stored): Promise<Cause | undefined> {
  if (id === null) return undefined
  const named = await db.all<Cause>(namedText, [id])
  if (named.length === 1) return named[0]
  const ms = timeOf(id)
  const processor = source.split('/')[2]
  if (ms === undefined || processor === undefined || named.length > 1) return undefined
  for (const { stream, name } of await db.all<{ stream: number; name: string }>(streamsText, [processor])) {
    const type = await typeIn(db, stream, id, ms)
    if (type !== undefined) return { destination: name, type }
  }
  return undefined
}

/** When a UUIDv7 was made, milliseconds since 1970. */
function timeOf(id: string): number | undefined {
  return /^[\da-f]{8}-[\da-f]{4}-7/.test(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined
}

async function typeIn(db: Statements, stream: number, id: string, ms: number): Promise<string | undefined> {
  let [low, high] = await Promise.all([firstOf(db, stream), headOf(db, stream)])
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const at = await one<{ time: number }>(db, timeText, [stream, middle - 1, 1])
    if (at !== undefined && at.time < ms) low = middle + 1
    else high = middle
  }
  const from = Math.max(0, low - lookedAt - 1)
  return (await one<{ type: string }>(db, typeText, [stream, from, 2 * lookedAt + 1, low + lookedAt, id]))?.type
}
