// The marks by which a -wal names the file that it begins on. A file that Millrace has made has its mark in the header
// (`user_version`). In a file that was taken up that number belongs to the user: there the mark is the one row of
// `millrace_wal`, with the mark before it, so that each of the two pages on the disk can be told by itself.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { isTakenUp, type WalRow, writeWalRow } from './wal-row.ts'

/** The four fields of the header by which a file is known. */
export interface Fields {
  readonly userVersion: number
  readonly schemaVersion: number
  readonly pages: number
  readonly freePages: number
}

/** A hash (FNV-1a) that is never the user version it is made from, so that to write it always changes the header. */
export function markOf({ userVersion, schemaVersion, pages, freePages }: Fields): number {
  let hash = 0x811c9dc5
  for (const value of [userVersion, schemaVersion, pages, freePages]) {
    for (let bit = 0; bit < 32; bit += 8) hash = Math.imul(hash ^ ((value >>> bit) & 0xff), 0x01000193)
  }
  hash = (hash ^ (hash >>> 15)) | 0
  return hash === (userVersion | 0) ? hash ^ 1 : hash
}

/** The row that follows a mark in a file with these fields. */
export function rowAfter(previous: number, fields: Fields): WalRow {
  return { previous, own: markOf({ ...fields, userVersion: previous }) }
}

const fieldsText = `select user_version as userVersion, schema_version as schemaVersion, page_count as pages,
    freelist_count as freePages
  from pragma_user_version, pragma_schema_version, pragma_page_count, pragma_freelist_count`

/** The fields of a database as they are now. */
export const fieldsNow = (db: DatabaseSync): Fields => db.prepare(fieldsText).get() as unknown as Fields

/** Writes the marks of one connection: into each transaction that may be the first of a new -wal. */
export class WalMarks {
  private readonly db: DatabaseSync
  private readonly fields: StatementSync
  private readonly writeMark: (fields: Fields) => void
  /** A checkpoint may have ended since the last marked commit, so that the next one may begin the -wal anew. */
  private due = false
  private checkpoints = 0

  constructor(db: DatabaseSync) {
    this.db = db
    this.fields = db.prepare(fieldsText)
    this.writeMark = isTakenUp(db)
      ? (fields) => writeWalRow(db, (previous) => rowAfter(previous, fields))
      : (fields) => db.exec(`pragma user_version=${markOf(fields)}`)
  }

  /** A checkpoint beside the work is asked for; call what this gives when it has ended, however that was. */
  checkpointing(): () => void {
    this.checkpoints++
    this.due = true
    return () => void this.checkpoints--
  }

  /** Call first in a write transaction, and what this gives after its commit. */
  begin(): () => void {
    if (!this.due) return nothing
    this.write()
    return () => {
      if (this.checkpoints === 0) this.due = false
    }
  }

  /** Writes the mark, in the transaction that is open or in one of its own. */
  write(): void {
    this.writeMark(this.fields.get() as unknown as Fields)
  }

  /**
   * Sets a schema version by chance (`random`: from 0 up to 1), which differs from that of a copy of an earlier run.
   * Low versions are left out: SQLite counts from there in the copies that it makes.
   */
  beginRun(random: number): void {
    this.write()
    this.db.enableDefensive(false)
    this.db.exec(`pragma schema_version=${2 ** 30 + Math.floor(random * (2 ** 30 - 1_000_000))}`)
    this.db.enableDefensive(true)
  }
}

const nothing = () => {}
