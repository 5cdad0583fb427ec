import { closeSync, fdatasyncSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { rateOf } from './measure.ts'
import { type Order, order } from './message.ts'
import type { Figures, Load, Span } from './task.ts'

const tables = `
  pragma journal_mode = wal; pragma synchronous = normal; pragma wal_autocheckpoint = 4000; pragma cache_size = -65536;
  create table log (position integer primary key, id text, type text, context text, time integer,
    correlation text, causation text, trace text, data text);
  create table progress (processor integer primary key, position integer);
  create table fx (id text primary key, quantity integer) without rowid`

/** Ids as long as a UUIDv7 and in order of time, as cheap as can be. */
export function cheapIds(): () => string {
  let count = 0
  return () => {
    const time = Date.now().toString(16).padStart(12, '0')
    const low = (++count).toString(16).padStart(12, '0')
    return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${low}`
  }
}

/**
 * The durable work of a load on bare `node:sqlite`, and nothing else: encode and insert a group as large as the number
 * in flight, commit, sync; then, unless the load only publishes, read the group back, write the rows, move the cursor
 * of each processor, commit, sync.
 */
export async function rawRate(load: Load & Span, folder: string): Promise<Figures> {
  const file = join(folder, 'raw.db')
  const db = new DatabaseSync(file)
  db.exec(tables)
  const begin = db.prepare('begin immediate')
  const commit = db.prepare('commit')
  const append = db.prepare('insert into log values (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const read = db.prepare('select position, id, data from log where position > ? and position <= ? order by position')
  const writeRow = db.prepare('insert into fx values (?, ?)')
  const moveCursor = db.prepare('insert or replace into progress values (?, ?)')
  const wal = openSync(`${file}-wal`, 'r+')
  const nextId = cheapIds()
  let head = 0

  const durably = (work: () => void) => {
    begin.run()
    work()
    commit.run()
    fdatasyncSync(wal)
  }
  const publishGroup = () => {
    for (let i = 0; i < load.inFlight; i++) {
      const id = nextId()
      const data = order(head, load.contexts)
      append.run(++head, id, 'order.placed', data.orderId, Date.now(), id, null, null, JSON.stringify(data))
    }
  }
  const handleGroup = () => {
    for (const row of read.all(head - load.inFlight, head)) {
      const data = JSON.parse(row['data'] as string) as Order
      if (load.work === 'row') for (let p = 0; p < load.processors; p++) writeRow.run(row['id']!, data.quantity)
    }
    for (let p = 0; p < load.processors; p++) moveCursor.run(p, head)
  }

  const figures = await rateOf(load, (untilMs) => {
    const start = head
    do {
      durably(publishGroup)
      if (load.work !== 'publish') durably(handleGroup)
    } while (performance.now() < untilMs)
    return head - start
  })
  closeSync(wal)
  db.close()
  return figures
}
