// The statements of the tables of streams: prepared when they are needed, and kept for the streams that were used last, so
// that memory does not grow with the number of streams.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { logTable } from './log-tables.ts'

/** Rows that one statement inserts: a third faster than one by one; more than eight rows gain nothing. */
export const rowsPerInsert = 8
/** The columns of each message. Only a message from elsewhere has `attributes` too, so that others cost no more. */
const columns = 'position, id, kind, time, context, correlation, causation, trace, bytes, own_id, data'
export const valuesPerRow = columns.split(', ').length
const places = `(${Array(valuesPerRow).fill('?').join(', ')})`
const manyPlaces = Array(rowsPerInsert).fill(places).join(', ')
const placesElsewhere = `(${Array(valuesPerRow + 1)
  .fill('?')
  .join(', ')})`

/** Streams whose statements are kept. */
const streamsKept = 256

class OfStream {
  private readonly db: DatabaseSync
  private readonly table: string
  private one: StatementSync | undefined
  private many: StatementSync | undefined
  private elsewhere: StatementSync | undefined
  private next: StatementSync | undefined

  constructor(db: DatabaseSync, id: number) {
    this.db = db
    this.table = logTable(id)
  }

  get insert(): StatementSync {
    this.one ??= this.db.prepare(`insert into ${this.table} (${columns}) values ${places}`)
    return this.one
  }

  get insertMany(): StatementSync {
    this.many ??= this.db.prepare(`insert into ${this.table} (${columns}) values ${manyPlaces}`)
    return this.many
  }

  get insertElsewhere(): StatementSync {
    this.elsewhere ??= this.db.prepare(`insert into ${this.table} (${columns}, attributes) values ${placesElsewhere}`)
    return this.elsewhere
  }

  get after(): StatementSync {
    this.next ??= this.db.prepare(
      `select position, id, kind, time, context, correlation, causation, trace, own_id, data,
         attributes from ${this.table}
       where position > ? order by position limit ?`,
    )
    return this.next
  }
}

export class LogStatements {
  private readonly db: DatabaseSync
  /** In the order of their last use. */
  private readonly kept = new Map<number, OfStream>()
  private last = 0

  constructor(db: DatabaseSync) {
    this.db = db
  }

  of(id: number): OfStream {
    const known = this.kept.get(id)
    if (known !== undefined && this.last === id) return known
    this.last = id
    const found = known ?? new OfStream(this.db, id)
    this.kept.delete(id)
    this.kept.set(id, found)
    if (this.kept.size > streamsKept) this.kept.delete(this.kept.keys().next().value!)
    return found
  }
}
