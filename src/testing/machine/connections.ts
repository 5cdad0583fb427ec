// The connections of one simulated process to its database and to the file of its owner.
import { DatabaseSync } from '../../adapters/node/sqlite.ts'
import type { OpenDatabase } from '../../adapters/sqlite/owner.ts'
import { simulatedDatabase } from '../database.ts'
import type { FaultPlan, Step } from '../faults.ts'
import type { Files } from '../files.ts'
import type { Life, Scheduler } from '../scheduler.ts'
import type { Trace } from '../trace.ts'
import { Died } from './death.ts'

type How = Parameters<OpenDatabase>[1]

/** What the connections need of their process. */
export interface ConnectionsHost {
  readonly life: Life
  readonly files: Files
  readonly faults: FaultPlan
  readonly scheduler: Scheduler
  readonly trace: Trace
  /** A step of the store, before or after which the process may die; `wal` is left where another is not yet written. */
  step(step: Step, where: string, wal?: Buffer): void
  /** Decides what SQL itself would take from the clock and from chance, for the connection of this number. */
  decideSql(db: DatabaseSync, number: number): void
  /** Closes what the simulation has open itself. */
  endLooking(): void
  /** Ends the run. */
  late(error: unknown): void
}

export class Connections {
  private readonly host: ConnectionsHost
  private readonly open: DatabaseSync[] = []
  private owner: DatabaseSync | undefined

  constructor(host: ConnectionsHost) {
    this.host = host
  }

  /** Opens a connection for the app. */
  database(file: string, how: How): DatabaseSync {
    const { host } = this
    if (file.endsWith('-owner')) {
      // The owner does not let go while somebody waits: nothing else runs in that time.
      const owner = new DatabaseSync(file, { ...how, timeout: 0 })
      if (this.owner?.isOpen) host.late(new Error('the app opens its store though it has not closed it'))
      this.owner = owner
      this.open.push(owner)
      return owner
    }
    const db = simulatedDatabase(file, how, {
      read: (run) => {
        if (!host.life.alive) throw new Died()
        return run()
      },
      write: (text, values, run) => this.write(text, values, run),
    })
    this.open.push(db)
    host.decideSql(db, this.open.length)
    return db
  }

  /** Closes what is open after the death of the process. */
  bury(): void {
    for (const db of this.open) {
      try {
        DatabaseSync.prototype.close.call(db)
      } catch {
        // It was closed by the process itself.
      }
      // What was put around it holds the whole machine, and the garbage collector does not see through SQLite.
      for (const name of ['prepare', 'exec', 'close']) delete (db as never)[name]
    }
  }

  private write<T>(text: string, values: readonly unknown[], run: () => T): T {
    const { host } = this
    const { trace, faults, scheduler, files } = host
    const commits = text === 'commit'
    const checkpoints = text === 'close' || text.includes('wal_checkpoint')
    const step = commits ? 'commit' : checkpoints ? 'checkpoint' : 'statement'
    const shown = text.length > 60 ? `${text.slice(0, 60).replaceAll(/\s+/g, ' ')}…` : text
    host.step(step, `before ${shown}`)
    if (text === 'begin immediate' && faults.locked(scheduler.elapsed)) throw databaseLocked()
    const isFull = commits ? faults.isFullAtCommit(scheduler.elapsed) : faults.isFull(scheduler.elapsed)
    if (isFull && !checkpoints && text !== 'rollback') throw diskFull()
    trace.blend(text)
    for (const value of values) trace.blend(String(value))
    if (text === 'close') host.endLooking()
    // Before its pages SQLite syncs the -wal file.
    if (checkpoints) files.walSynced(files.wal())
    const wal = checkpoints ? files.wal() : undefined
    const result = run()
    if (commits) trace.add(`commits ${trace.fingerprint}`)
    if (text.includes('journal_mode')) files.databaseSynced()
    if (checkpoints) {
      // SQLite has written its pages, not synced them, and not yet emptied the -wal file.
      host.step(step, `in the middle of ${shown}`, wal)
      files.checkpointed()
    }
    host.step(step, `after ${shown}`)
    return result
  }
}

function databaseLocked(): Error {
  return Object.assign(new Error('database is locked'), { code: 'ERR_SQLITE_ERROR', errcode: 5 })
}

function diskFull(): Error {
  return Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 })
}
