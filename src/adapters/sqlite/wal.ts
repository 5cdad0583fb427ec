// Tells whether a -wal file belongs to the file beside it. A -wal that is left beside another file, for example beside a
// copy that was put in place after a crash, would be replayed into that file and destroy it.
//
// The -wal itself says on which file it begins. The first transaction of each new -wal writes a mark into the header of
// the database (`user_version`): a hash of that header as it was. SQLite begins a -wal anew only when the file is
// complete and synced, so that the header which the mark names is the one in the file. Later checkpoints put headers
// into the file that the -wal holds. A file with any other header is another file. In a file that was taken up the row of
// `millrace_wal` is the mark, and its page is looked at beside the header.
import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { fault } from '../../model/errors.ts'
import { applicationId } from './file-kind.ts'
import { type Fields, markOf, rowAfter } from './wal-marks.ts'
import { rowOn, type WalRow } from './wal-row.ts'

const headerBytes = 100
/** Where the header of a database has its fields, bytes. */
const field = { modes: 18, pages: 28, freePages: 36, schemaVersion: 40, userVersion: 60, application: 68 } as const
/** Both say that the database is in WAL mode. */
const walModes = 0x0202
/** By how much the schema may change in the first transaction of a -wal that another program has begun. */
const schemaChangesMax = 1_000

const walHeaderBytes = 32
const frameHeaderBytes = 24
const walVersion = 3_007_000
const framesAtOnce = 64

/**
 * Refuses a -wal file that belongs to another file than the one beside it. Call it before SQLite opens the file, and only
 * while no app of this process has it: to close a descriptor of an open database drops its locks.
 *
 * @throws `millrace/foreign-wal`; both files are unchanged
 */
export function checkWal(file: string): void {
  const why = foreignWal(file)
  if (why === undefined) return
  throw fault('millrace/foreign-wal', `${file}-wal belongs to another file: ${why}. ${file} is unchanged`)
}

/** Says why a -wal belongs to another file than the one beside it; undefined where it is its own, or may be. */
export function foreignWal(file: string): string | undefined {
  if (!existsSync(`${file}-wal`)) return undefined
  const header = existsSync(file) ? readBytes(file, headerBytes) : Buffer.alloc(0)
  const { transactions, first, any, holds, rows } = readWal(file, header)
  if (transactions === 0) return undefined
  // SQLite would remove the -wal beside an empty file.
  if (header.length === 0) return `it holds ${transactions} transactions, and ${file} is empty or missing`
  const otherHeader = `it begins on a file with another header than that of ${file}`
  if (rows.first !== undefined && header.length === headerBytes) {
    const fits = (holds || isBefore(header, rows.first)) && rows.fit()
    if (fits) return undefined
    return inWalMode(header) ? otherHeader : notInWalMode(file)
  }
  // Checkpointed from this -wal; or too short to be opened; or nothing says what it begins on.
  if (holds || header.length < headerBytes || any === undefined) return undefined
  if (!inWalMode(header)) return notInWalMode(file)
  const mark = first?.readInt32BE(field.userVersion)
  if (mark === markOf(fieldsOf(header))) return undefined
  // Another program has begun this -wal, without a mark.
  const changes = (first ?? any).readUInt32BE(field.schemaVersion) - header.readUInt32BE(field.schemaVersion)
  const near = changes >= 0 && changes <= schemaChangesMax
  const isOthers = header.readUInt32BE(field.application) !== applicationId
  if (near && (mark === undefined || isOthers || mark === header.readInt32BE(field.userVersion))) return undefined
  return otherHeader
}

const inWalMode = (header: Buffer) => header.readUInt16BE(field.modes) === walModes
const notInWalMode = (file: string) => `${file} is not in WAL mode, as a copy by VACUUM INTO`

/** Whether the header is the one that a -wal with this row begins on. */
const isBefore = (header: Buffer, { previous, own }: WalRow) => rowAfter(previous, fieldsOf(header)).own === own

function fieldsOf(header: Buffer): Fields {
  return {
    userVersion: header.readInt32BE(field.userVersion),
    schemaVersion: header.readUInt32BE(field.schemaVersion),
    pages: header.readUInt32BE(field.pages),
    freePages: header.readUInt32BE(field.freePages),
  }
}

interface Wal {
  /** The number of its transactions that SQLite would replay. */
  readonly transactions: number
  /** The header of the database in the first transaction, and in the first that has one. */
  readonly first: Buffer | undefined
  readonly any: Buffer | undefined
  /** One of its transactions writes the header that was asked for. */
  readonly holds: boolean
  readonly rows: RowsSeen
}

/** The rows of `millrace_wal` in a -wal, and that in the file. */
class RowsSeen {
  /** The row that the first transaction writes; undefined where it writes none. */
  first: WalRow | undefined
  private readonly file: string
  private readonly marks = new Set<number>()
  /** The page of the first row, and what the file has there. */
  private page = 0
  private inFile: Buffer = Buffer.alloc(0)
  private isCheckpointed = false

  constructor(file: string) {
    this.file = file
  }

  /** Looks at a page of the -wal. `transactions` came before. */
  see(page: number, data: Buffer, transactions: number): void {
    const row = page === 1 ? undefined : rowOn(data)
    if (row !== undefined) {
      this.marks.add(row.own)
      if (transactions === 0) {
        this.first = row
        this.page = page
        this.inFile = existsSync(this.file) ? readBytes(this.file, data.length, (page - 1) * data.length) : this.inFile
      }
    }
    this.isCheckpointed ||= page === this.page && this.inFile.equals(data)
  }

  /** Whether the -wal begins on the row of the file, or has written the page where that is. */
  fit(): boolean {
    if (this.isCheckpointed) return true
    const row = this.inFile.length > 0 ? rowOn(this.inFile) : undefined
    const { previous } = this.first!
    return row === undefined ? previous === 0 : row.own === previous || this.marks.has(row.own)
  }
}

/** Reads the part of a -wal that SQLite would replay: up to the first frame that is not valid. */
function readWal(file: string, sought: Buffer): Wal {
  const descriptor = openSync(`${file}-wal`, 'r')
  try {
    return walk(descriptor, sought, new RowsSeen(file))
  } finally {
    closeSync(descriptor)
  }
}

function walk(descriptor: number, sought: Buffer, rows: RowsSeen): Wal {
  const head = Buffer.alloc(walHeaderBytes)
  const read = readSync(descriptor, head, 0, walHeaderBytes, 0)
  const wal = { transactions: 0, first: undefined, any: undefined, holds: false, rows } as {
    -readonly [K in keyof Wal]: Wal[K]
  }
  const magic = head.readUInt32BE(0)
  const pageBytes = head.readUInt32BE(8)
  const powerOfTwo = pageBytes >= 512 && pageBytes <= 65_536 && (pageBytes & (pageBytes - 1)) === 0
  if (read < walHeaderBytes || magic >>> 1 !== 0x377f0682 >>> 1 || head.readUInt32BE(4) !== walVersion) return wal
  const sum = new Checksum((magic & 1) === 0 ? 'little' : 'big')
  sum.add(head, 0, 24)
  if (!powerOfTwo || !sum.isAt(head, 24)) return wal

  const frameBytes = frameHeaderBytes + pageBytes
  const part = Buffer.alloc(framesAtOnce * frameBytes)
  /** Headers of the transaction whose commit is still to come. */
  let open: Buffer[] = []
  for (let at = walHeaderBytes; ; at += part.length) {
    const bytes = readSync(descriptor, part, 0, part.length, at)
    for (let frame = 0; frame < framesAtOnce; frame++) {
      const start = frame * frameBytes
      if (start + frameBytes > bytes) return wal
      const page = part.readUInt32BE(start)
      if (page === 0 || part.compare(head, 16, 24, start + 8, start + 16) !== 0) return wal
      sum.add(part, start, 8)
      sum.add(part, start + frameHeaderBytes, pageBytes)
      if (!sum.isAt(part, start + 16)) return wal
      const data = start + frameHeaderBytes
      rows.see(page, part.subarray(data, data + pageBytes), wal.transactions)
      if (page === 1) open.push(Buffer.from(part.subarray(data, data + headerBytes)))
      if (part.readUInt32BE(start + 4) === 0) continue
      if (wal.transactions++ === 0) wal.first = open.at(-1)
      wal.any ??= open[0]
      wal.holds ||= open.some((header) => header.equals(sought))
      open = []
    }
  }
}

/** The running checksum of a -wal: two sums over 32-bit words, whose bytes have an order. */
class Checksum {
  private one = 0
  private two = 0
  private readonly little: boolean

  constructor(order: 'little' | 'big') {
    this.little = order === 'little'
  }

  add(buffer: Buffer, at: number, bytes: number): void {
    const words = new DataView(buffer.buffer, buffer.byteOffset + at, bytes)
    let { one, two } = this
    for (let word = 0; word < bytes; word += 8) {
      one = (one + words.getUint32(word, this.little) + two) | 0
      two = (two + words.getUint32(word + 4, this.little) + one) | 0
    }
    this.one = one
    this.two = two
  }

  isAt(buffer: Buffer, at: number): boolean {
    return buffer.readInt32BE(at) === this.one && buffer.readInt32BE(at + 4) === this.two
  }
}

/** Bytes of a file, from its beginning or from there; fewer where it is shorter. */
function readBytes(path: string, count: number, from = 0): Buffer {
  const buffer = Buffer.alloc(count)
  const descriptor = openSync(path, 'r')
  try {
    return buffer.subarray(0, readSync(descriptor, buffer, 0, count, from))
  } finally {
    closeSync(descriptor)
  }
}
