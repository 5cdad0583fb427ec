// Data move out of a file, and into a new one.
//
//   none ──enter──→ FILE-move-partial, whose app is none ──commit: synced, renamed──→ FILE
//                        └──cut off──→ left, and removed by the next move into FILE
//
// A file that was left has the place where its data went: no app starts on it.
import { closeSync, existsSync, fsyncSync, openSync, renameSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { fault } from '../../model/errors.ts'
import type { Entering, Leaving, MovedRow, MovedTable, Moves } from '../../seam/moves.ts'
import { nodeWorld } from '../node/world.ts'
import { openChecked } from './checked.ts'
import { removeDatabase, syncFolder } from './copy.ts'
import { checkPlace } from './file-place.ts'
import { aloneFault, aloneSince } from './missing-wal.ts'
import { MovedRows, readMoved } from './moved-rows.ts'
import { nodeDisk } from './node-disk.ts'
import { nodeDatabase, type Owned, takeOwnership } from './owner.ts'
import { openReading } from './reading.ts'
import { migrate } from './schema.ts'
import { type SqliteLimits, SqliteStore } from './store.ts'

export function sqliteMoves(path: () => string, limits: SqliteLimits): Moves {
  return {
    leave: () => leave(path(), limits),
    enter: () => Target.open(path()),
    async takeBack() {
      const { store, clean } = await openLeft(path(), limits)
      try {
        return await store.setMoved(undefined)
      } finally {
        await store.close(clean ? 'clean' : 'left')
      }
    },
  }
}

async function leave(where: string, limits: SqliteLimits): Promise<Leaving> {
  const { store, clean } = await openLeft(where, limits)
  const db = openReading(where, 'running')
  return {
    where,
    *slices(table) {
      yield* readMoved(db, table)
      if (table === 'facts') yield [{ fact: 'clean', value: clean ? 1 : 0 }]
    },
    async mark(to) {
      await store.setMoved(to)
    },
    async unmark() {
      await store.setMoved(undefined)
    },
    async close() {
      db.close()
      await store.close(clean ? 'clean' : 'left')
    },
  }
}

/** Opens a file whether or not its data have moved. */
async function openLeft(path: string, limits: SqliteLimits) {
  openChecked(path, 'stopped', (db) => {
    const alone = aloneSince(db, path)
    db.close()
    if (alone !== undefined) throw aloneFault(path, alone)
  })
  const store = new SqliteStore({
    file: path,
    world: nodeWorld(() => {}),
    disk: nodeDisk(),
    limits,
    database: nodeDatabase,
    moved: 'opened',
  })
  await store.open({ same: () => false, waitMs: 0 })
  const { clean } = await store.leases.takeOver([])
  return { store, clean }
}

class Target implements Entering {
  readonly where: string
  private readonly partial: string
  private readonly owner: Owned
  private readonly db: DatabaseSync
  private readonly rows: MovedRows

  private constructor(where: string, owner: Owned) {
    this.where = where
    this.owner = owner
    this.partial = `${where}-move-partial`
    removeDatabase(this.partial)
    this.db = nodeDatabase(this.partial, { timeout: 0 })
    migrate(this.db, this.partial)
    // What is cut off is removed, and what is whole is synced before it has its name.
    this.db.exec('pragma journal_mode=off; pragma synchronous=off; begin')
    this.rows = new MovedRows(this.db)
  }

  static async open(file: string): Promise<Target> {
    const check = () => {
      if (existsSync(file)) throw fault('millrace/target-not-empty', `${file} exists: data move into a new file`)
      checkPlace(file)
    }
    const world = nodeWorld(() => {})
    const owner = await takeOwnership({ file, world, database: nodeDatabase, waitMs: 0, check })
    try {
      return new Target(file, owner)
    } catch (error) {
      owner.release()
      throw error
    }
  }

  async write(table: MovedTable, rows: readonly MovedRow[]): Promise<void> {
    this.rows.write(table, rows)
  }

  async commit(): Promise<void> {
    const { db, partial, where } = this
    db.exec('commit')
    db.close()
    const written = openSync(partial, 'r+')
    fsyncSync(written)
    closeSync(written)
    renameSync(partial, where)
    syncFolder(where)
  }

  async close(): Promise<void> {
    if (this.db.isOpen) this.db.close()
    removeDatabase(this.partial)
    this.owner.release()
  }
}
