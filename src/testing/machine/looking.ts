// Connections of the simulation itself to the database of its machine.
import { DatabaseSync } from '../../adapters/node/sqlite.ts'
import type { Files } from '../files.ts'

/** What `Looking` needs of the machine. */
export interface LookingHost {
  /** The files as they are now. */
  readonly files: Files
  /** Whether a process has them. */
  readonly inUse: boolean
  /** Decides what SQL itself would take from the clock and from chance. */
  decideSql(db: DatabaseSync): void
}

/** Reads what is committed, and changes it while no process has it. */
export class Looking {
  private readonly host: LookingHost
  private db: DatabaseSync | undefined

  constructor(host: LookingHost) {
    this.host = host
  }

  /** Reads over a connection that stays open until the next change of the files. */
  look<T>(use: (db: DatabaseSync) => T): T {
    if (this.db === undefined) {
      const { files, inUse } = this.host
      this.db = new DatabaseSync(files.database, { readOnly: inUse })
      this.db.exec('pragma query_only=1')
      this.host.decideSql(this.db)
    }
    return use(this.db)
  }

  /** Makes the database, as another program does; closed, all of it is in the file. */
  found(use: (db: DatabaseSync) => void): void {
    const { files } = this.host
    const db = new DatabaseSync(files.database)
    try {
      use(db)
    } finally {
      db.close()
    }
    files.databaseSynced()
  }

  /** Changes the database, as a command from beside does. */
  beside(use: (db: DatabaseSync) => void): void {
    this.end()
    const { files } = this.host
    const db = new DatabaseSync(files.database)
    try {
      // Syncs as it works; closing it writes the -wal file back and empties it.
      db.exec('pragma journal_mode=wal; pragma synchronous=full; begin immediate')
      use(db)
      db.exec('commit')
    } finally {
      db.close()
    }
    files.checkpointed()
  }

  /** Closes the connection. */
  end(): void {
    this.db?.close()
    this.db = undefined
  }
}
