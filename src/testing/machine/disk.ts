// The disk below one simulated process: syncs and checkpoints take time, fail, and are points at which it may die.
//
//   sound ──a sync fails──→ failed: no checkpoint ──the -wal is written out anew──→ sound
import { DatabaseSync } from '../../adapters/node/sqlite.ts'
import type { Disk, ReadAsk, Synced } from '../../adapters/sqlite/disk.ts'
import { ReadTables } from '../../adapters/sqlite/read-tables.ts'
import { fault, isMillraceError } from '../../model/errors.ts'
import type { FaultPlan, Step } from '../faults.ts'
import type { Files } from '../files.ts'
import type { Random } from '../random.ts'
import type { Life, Scheduler } from '../scheduler.ts'
import type { Trace } from '../trace.ts'
import { injected } from './death.ts'

const syncMsMax = 2
const checkpointMsMax = 5
const readMsMax = 2
const plentyBytes = Number.MAX_SAFE_INTEGER

/** What the disk needs of its process. */
export interface DiskHost {
  readonly life: Life
  readonly files: Files
  readonly faults: FaultPlan
  readonly scheduler: Scheduler
  readonly random: Random
  readonly trace: Trace
  /** A step of the store, before or after which the process may die. */
  step(step: Step, where: string): void
  /** A sync has written all that was committed. */
  durable(): void
  /** A sync has failed. */
  syncFailed(): void
  /** The store is being opened. */
  opening(): void
}

export class SimulatedDisk implements Disk {
  private readonly host: DiskHost
  private hasFailed = false
  private keeper: DatabaseSync | undefined
  private reader: DatabaseSync | undefined
  private tables: ReadTables | undefined

  constructor(host: DiskHost) {
    this.host = host
  }

  async open(): Promise<void> {}

  async renewWal(): Promise<void> {
    const { host } = this
    host.step('sync', 'before the -wal file is written out anew')
    host.files.walRenewed()
    this.hasFailed = false
    host.opening()
    host.step('sync', 'after the -wal file was written out anew')
  }

  freeBytes(): number {
    const { faults, scheduler } = this.host
    return faults.isFull(scheduler.elapsed) ? 0 : plentyBytes
  }

  sync(): Promise<Synced> {
    const { host } = this
    const { files, faults } = host
    const wal = files.wal()
    return this.later(syncMsMax, () => {
      host.step('sync', 'before a sync')
      // As in the thread that syncs: after one that failed each that waits fails, and each later one.
      if (this.hasFailed) throw fault('millrace/sync-failed', `a sync before was ${injected}`)
      if (faults.syncFails()) {
        host.trace.add('a sync fails')
        files.syncFailed()
        this.hasFailed = true
        host.syncFailed()
        throw fault('millrace/sync-failed', `the sync was ${injected}`)
      }
      files.walSynced(wal)
      host.durable()
      host.step('sync', 'after a sync')
      return { freeBytes: this.freeBytes() }
    })
  }

  checkpoint(): Promise<boolean> {
    const { host } = this
    const { files } = host
    return this.later(checkpointMsMax, () => {
      if (this.hasFailed) throw fault('millrace/disk-failed', 'no checkpoint is begun after a failed sync')
      host.step('checkpoint', 'before a checkpoint')
      files.walSynced(files.wal())
      const { log, checkpointed } = this.keep().prepare('pragma wal_checkpoint(passive)').get() as {
        log: number
        checkpointed: number
      }
      host.step('checkpoint', 'in the middle of a checkpoint')
      files.databaseSynced()
      host.step('checkpoint', 'after a checkpoint')
      return log === checkpointed
    })
  }

  quickCheck(): Promise<string[]> {
    return this.later(checkpointMsMax, () => [])
  }

  read<T>(ask: ReadAsk): Promise<T> {
    return this.later(readMsMax, () => {
      const { database } = this.host.files
      this.reader ??= new DatabaseSync(database, { readOnly: true, timeout: 5_000 })
      this.tables ??= new ReadTables(this.reader, database)
      return this.tables.answer(ask) as T
    })
  }

  async close(): Promise<void> {
    this.bury()
  }

  /** Closes the connections for checkpoints and for reads. */
  bury(): void {
    this.keeper?.close()
    this.tables?.close()
    this.reader?.close()
    this.keeper = undefined
    this.tables = undefined
    this.reader = undefined
  }

  /**
   * Works after a while, if the process still lives. Errors with a code are its answer; every other one ends the process, or
   * the run.
   */
  private later<T>(msMax: number, work: () => T): Promise<T> {
    const { scheduler, random, life } = this.host
    return new Promise((resolve, reject) => {
      scheduler.after(random() * msMax, life, () => {
        try {
          resolve(work())
        } catch (error) {
          if (!life.alive || !isMillraceError(error)) throw error
          reject(error)
        }
      })
    })
  }

  private keep(): DatabaseSync {
    if (this.keeper === undefined) {
      this.keeper = new DatabaseSync(this.host.files.database, { timeout: 5_000 })
      this.keeper.exec('pragma synchronous=normal; pragma wal_autocheckpoint=0')
    }
    return this.keeper
  }
}
