// The row of `millrace_wal`, in a file that was taken up. It has one size and is alone on its page, so that it is found in
// the bytes of a -wal and of the file.
import { Buffer } from 'node:buffer'
import type { DatabaseSync } from 'node:sqlite'

/** A mark, and the one before it; 0 where there was none. */
export interface WalRow {
  readonly previous: number
  readonly own: number
}

const magic = Buffer.from('millrace wal row')
const rowBytes = magic.length + 8
const leafTable = 0x0d
/** Where a leaf has the number of its rows, and the place of the first. */
const leaf = { rows: 3, first: 8 } as const
/** Bytes of a row before its blob, at most. */
const rowHeadBytes = 16

/** The tables that only a file has that Millrace has made or taken up; the last one, only one that was taken up. */
const tables = ['millrace_meta', 'millrace_wal'] as const

export function isTakenUp(db: DatabaseSync): boolean {
  const find = db.prepare("select count(*) as count from sqlite_schema where type = 'table' and name in (?, ?)")
  return find.get(...tables)!['count'] === tables.length
}

/** Makes the table, with its row. */
export function createWalRow(db: DatabaseSync, row: WalRow): void {
  db.exec('create table millrace_wal (id integer primary key, mark blob not null) strict')
  db.prepare('insert into millrace_wal values (1, ?)').run(encoded(row))
}

/** Writes the row that follows the one that is there. */
export function writeWalRow(db: DatabaseSync, after: (previous: number) => WalRow): void {
  const { mark } = db.prepare('select mark from millrace_wal where id = 1').get() as { mark: Uint8Array }
  const { own } = decoded(Buffer.from(mark))!
  db.prepare('update millrace_wal set mark = ? where id = 1').run(encoded(after(own)))
}

/** The row on a page; undefined where the page is another. */
export function rowOn(page: Buffer): WalRow | undefined {
  if (page[0] !== leafTable || page.readUInt16BE(leaf.rows) !== 1) return undefined
  const from = page.readUInt16BE(leaf.first)
  const at = page.subarray(from, from + rowHeadBytes + rowBytes).indexOf(magic)
  return at === -1 ? undefined : decoded(page.subarray(from + at))
}

function encoded({ previous, own }: WalRow): Buffer {
  const bytes = Buffer.alloc(rowBytes)
  magic.copy(bytes)
  bytes.writeInt32BE(previous, magic.length)
  bytes.writeInt32BE(own, magic.length + 4)
  return bytes
}

function decoded(bytes: Buffer): WalRow | undefined {
  if (bytes.length < rowBytes) return undefined
  return { previous: bytes.readInt32BE(magic.length), own: bytes.readInt32BE(magic.length + 4) }
}
