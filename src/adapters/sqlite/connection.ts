// The connections of one open file: one that writes, and one that only reads.
//
//   closed ──open──→ open ──take (the write lock)──→ in a transaction ──commit or rollback──→ open ──close──→ closed
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { isForeign } from './file-kind.ts'
import { inTransaction } from './in-transaction.ts'
import { markAlone } from './missing-wal.ts'
import type { OpenDatabase } from './owner.ts'
import { Savepoints } from './savepoints.ts'
import { migrate, takeUp } from './schema.ts'
import { Statements } from './statements.ts'
import { Guard, UserStatements } from './user-code.ts'
import { fieldsNow, rowAfter, WalMarks } from './wal-marks.ts'

/** The options with which a file is opened. */
export interface Opening {
  readonly file: string
  readonly database: OpenDatabase
  /** From 0 up to 1. */
  readonly random: number
  /** The file has lost its -wal after an unclean stop, and is to be marked so. */
  readonly alone: boolean
  /** A database of another program is taken up. */
  readonly adopt: boolean
}

export class Connection {
  readonly db: DatabaseSync
  readonly reader: DatabaseSync
  readonly guard: Guard
  readonly walMarks: WalMarks
  /** Whether the file was taken up just now. */
  readonly tookUp: boolean
  /** Statements of Millrace, of functions of users, and of reads of users. */
  readonly sql: Statements
  readonly statements: UserStatements
  readonly reads: UserStatements
  readonly savepoints: Savepoints
  private readonly begin: StatementSync
  private readonly commitAll: StatementSync
  private readonly rollBackAll: StatementSync

  /** Brings the file to the format of this version. */
  constructor({ file, database, random, alone, adopt }: Opening) {
    const db = openWriter(database, file)
    this.db = db
    this.guard = new Guard(db)
    try {
      this.tookUp = adopt && isForeign(db)
      if (this.tookUp) takeUp(db, () => rowAfter(0, fieldsNow(db)))
      this.walMarks = new WalMarks(db)
      if (alone) this.noteAlone()
      this.walMarks.beginRun(random)
      migrate(db, file)
      this.reader = openReader(database, file)
    } catch (error) {
      db.close()
      throw error
    }
    this.sql = new Statements(db)
    this.statements = new UserStatements(this.guard)
    this.reads = new UserStatements(new Guard(this.reader))
    this.begin = db.prepare('begin immediate')
    this.commitAll = db.prepare('commit')
    this.rollBackAll = db.prepare('rollback')
    this.savepoints = new Savepoints(db)
  }

  get isOpen(): boolean {
    return this.sql.isOpen
  }

  /** Begins a transaction, which has the write lock. */
  readonly take = (): void => void this.begin.run()

  commit(): void {
    this.commitAll.run()
  }

  /** Rolls back the transaction, unless the database has done so. */
  rollBack(): void {
    if (this.db.isTransaction) this.rollBackAll.run()
  }

  /** Takes the write lock and gives it back; throws where another program has it. */
  readonly tryLock = (): void => {
    if (!this.isOpen || this.db.isTransaction) return
    this.take()
    this.rollBackAll.run()
  }

  /** Runs a function in a transaction of its own, which has its mark in the -wal. */
  transaction<T>(fn: () => T): T {
    let committed: (() => void) | undefined
    const value = inTransaction(this.db, () => {
      committed = this.walMarks.begin()
      return fn()
    })
    committed?.()
    return value
  }

  /** Runs a function in a transaction of its own, before the -wal of this run begins. */
  unmarked<T>(fn: () => T): T {
    return inTransaction(this.db, fn)
  }

  /** Empties the -wal into the database, and syncs both. */
  empty(): void {
    this.db.exec('pragma synchronous=full; pragma wal_checkpoint(truncate); pragma synchronous=normal')
  }

  /** The last writer to close checkpoints. After a failed sync that must not happen before the next start. */
  close(end: 'clean' | 'left'): void {
    this.sql.close()
    const [first, last] = end === 'clean' ? [this.reader, this.db] : [this.db, this.reader]
    first.close()
    last.close()
  }

  /** Marks the file in the first transaction: after a crash there is a -wal file, and no later start notices. */
  private noteAlone(): void {
    inTransaction(this.db, () => {
      this.walMarks.write()
      markAlone(this.db)
    })
  }
}

function openWriter(database: OpenDatabase, file: string): DatabaseSync {
  const pragmas = 'pragma journal_mode=wal; pragma synchronous=normal; pragma wal_autocheckpoint=0'
  return prepared(database(file, { timeout: 0, readOnly: false }), `${pragmas}; pragma cache_size=-32768`)
}

function openReader(database: OpenDatabase, file: string): DatabaseSync {
  return prepared(database(file, { timeout: 0, readOnly: true }), 'pragma cache_size=-4096')
}

function prepared(db: DatabaseSync, pragmas: string): DatabaseSync {
  try {
    db.exec(pragmas)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}
