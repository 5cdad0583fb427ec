// The transactions of commits, one at a time:
//
//   idle ──lock taken──→ open: each function in a savepoint, then the changes ──→ committed ──sync──→ durable
//                          └──failed as a whole──→ rolled back ──→ its members one by one, each as above
//
// Committed is not durable: nothing leaves before the sync. A sync that failed is never tried again; the store is then
// closed and opened anew, and takes up what is on disk.
import type { Stored } from '../../model/codec.ts'
import type { MillraceError } from '../../model/errors.ts'
import type { CommitFunction, CommitGroup, Committed, Trouble, Written } from '../../seam/commit.ts'
import type { World } from '../../seam/world.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { Connection } from './connection.ts'
import type { Durability } from './durability.ts'
import { endsStore, storeTrouble } from './errors.ts'
import type { SqliteTables } from './tables.ts'
import { settle, transactionEnded, UserTx } from './user-tx.ts'
import type { LockWait, WriteLock } from './write-lock.ts'

export interface CommitLimits {
  readonly queriesMax: number
  readonly turnsMax: number
  readonly functionsMax: number
  readonly flushMs: number
}

/** The parts of the open store that a commit needs. */
export interface CommitNeeds {
  readonly file: string
  readonly world: World
  readonly limits: CommitLimits
  readonly lock: WriteLock
  readonly checkpoints: Checkpoints
  readonly durability: Durability
  readonly connection: Connection
  readonly tables: SqliteTables
}

/** Bytes that a transaction writes besides its data: pages at the ends of its tables. For the pace of checkpoints only. */
const pagesPerCommit = 6 * 4096
const bytesPerRow = 200
const bytesPerQuery = 300

/** Why some of a group is not written. */
type NotWritten = Pick<Trouble, 'rest' | 'why'>

export class SqliteCommit {
  private readonly needs: CommitNeeds
  private readonly now: () => number

  constructor(needs: CommitNeeds) {
    this.needs = needs
    this.now = () => needs.world.now()
  }

  async commit(group: CommitGroup): Promise<Committed> {
    const { checkpoints, durability, tables } = this.needs
    while (checkpoints.gate !== undefined) await checkpoints.gate
    const written: Written[] = []
    let trouble: NotWritten | undefined
    try {
      try {
        written.push(await this.transaction(group, group.functions, 'all'))
      } catch (error) {
        trouble = await this.oneByOne(group, written, error)
      }
      const ahead = trouble === undefined ? await this.writeAhead(group, written) : undefined
      const tellArrivals = tables.log.arrivals.take()
      await durability.sync(group.inChain === true ? 'chained' : 'single')
      checkpoints.beginWhenDue()
      tellArrivals()
      return trouble === undefined ? { state: 'written', written, ahead } : { state: 'trouble', ...trouble, written }
    } catch (error) {
      if (endsStore(error)) return { state: 'lost', why: error }
      throw error
    }
  }

  /** Repeats a group that failed as a whole: the changes that need no function first, then one function after the other. */
  private async oneByOne(group: CommitGroup, written: Written[], error: unknown): Promise<NotWritten | undefined> {
    const { file } = this.needs
    const { functions } = group
    if (functions.length === 0) return { rest: 'again', why: storeTrouble(file, error) ?? raise(error) }
    for (const fn of functions) fn.outcome = undefined
    try {
      written.push(await this.transaction(group, [], 'all'))
    } catch (alone) {
      return { rest: 'again', why: storeTrouble(file, alone) ?? raise(alone) }
    }
    let why: MillraceError | undefined
    for (const fn of functions) {
      try {
        written.push(await this.transaction(group, [fn], 'functions'))
      } catch (alone) {
        fn.outcome = undefined
        // No fault of the function, and nothing that a further try can change.
        if (endsStore(alone)) throw alone
        const other = storeTrouble(file, alone)
        if (other === undefined) fn.outcome = { ok: false, error: alone }
        else why = other
      }
    }
    return why && { rest: 'written', why }
  }

  /** Writes the group that follows before the sync, so that one sync is for both. Trouble leaves it for later. */
  private async writeAhead(group: CommitGroup, written: readonly Written[]): Promise<Written | undefined> {
    const ahead = await group.ahead?.(written)
    if (ahead === undefined) return undefined
    try {
      return await this.transaction(ahead, [], 'all', 'nowait')
    } catch (error) {
      if (storeTrouble(this.needs.file, error) === undefined) throw error
      return undefined
    }
  }

  /** One transaction: functions, each in a savepoint, then the changes that follow. */
  private async transaction(
    group: CommitGroup,
    functions: readonly CommitFunction[],
    of: 'all' | 'functions',
    wait: LockWait = 'wait',
  ): Promise<Written> {
    const { lock, connection, tables, world, limits } = this.needs
    let asked = false
    // Nothing else happens between the beginning of the transaction and its first function.
    while (!lock.takes(connection.take, wait)) await lock.pause()
    try {
      tables.begin()
      const committed = connection.walMarks.begin()
      const startedAt = functions.length > 1 ? world.elapsed() : 0
      let ran = 0
      for (const fn of functions) {
        if (ran > 0 && (ran >= limits.functionsMax || world.elapsed() - startedAt >= limits.flushMs)) break
        await this.runFunction(fn)
        ran++
      }
      asked = true
      const changes = group.changes(ran === functions.length ? functions : functions.slice(0, ran), of)
      const written = tables.write(changes, this.now)
      connection.commit()
      tables.committed()
      committed()
      this.wrote(changes.append, changes.progress.length + changes.desk.length)
      for (const result of written.timed) if (result.do === 'fire') this.wrote(result.appended, 0)
      return written
    } catch (error) {
      connection.rollBack()
      tables.rolledBack()
      if (asked) group.rolledBack()
      throw error
    }
  }

  private async runFunction(fn: CommitFunction): Promise<void> {
    const { connection, tables, limits } = this.needs
    const { db, savepoints } = connection
    const tx = new UserTx(connection, fn, limits.queriesMax)
    savepoints.begin(0)
    try {
      const value = await settle(() => fn.run(tx, tables), tx, fn.label, limits.turnsMax)
      if (!db.isTransaction) throw transactionEnded()
      tx.returned()
      savepoints.release(0)
      fn.outcome = { ok: true, value }
    } catch (error) {
      // The savepoint is gone with the whole transaction: the group counts for nothing and is repeated one by one.
      if (!db.isTransaction) throw transactionEnded()
      if (tx.trouble !== undefined) throw tx.trouble
      savepoints.rollBack(0)
      fn.outcome = { ok: false, error }
    } finally {
      tx.close()
    }
    this.needs.checkpoints.wrote(tx.calls * bytesPerQuery)
  }

  private wrote(append: readonly Stored[], rows: number): void {
    let bytes = pagesPerCommit + rows * bytesPerRow
    for (const message of append) bytes += message.json.length + bytesPerRow
    this.needs.checkpoints.wrote(bytes)
  }
}

function raise(error: unknown): never {
  throw error
}
