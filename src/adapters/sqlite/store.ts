// The log and the state in one SQLite file.
//
// One connection writes; everything that is written goes through `commit`, one transaction at a time:
//
//   idle → open (functions, then what follows from them) → committed → synced → idle
//            └ failed as a whole → rolled back → its members one by one, each open → committed
//
// Committed is not durable: nothing leaves before the sync of the -wal file, which a thread of its own does. A sync
// that failed is never tried again; the store is then closed and opened anew, and all is written out once more.
import { existsSync } from 'node:fs'
import type { StatementSync } from 'node:sqlite'
import type { Stored } from '../../model/codec.ts'
import { fault, isMillraceError, type MillraceError } from '../../model/errors.ts'
import { inBrief } from '../../model/people.ts'
import type { SourcePlan } from '../../model/streams.ts'
import type { Query, Value } from '../../model/tx.ts'
import type { CommitFunction, CommitGroup, Committed, Written } from '../../seam/commit.ts'
import type { DeskStore } from '../../seam/desk.ts'
import type { DeskReads } from '../../seam/desk-reads.ts'
import type { FlowReads } from '../../seam/flow-reads.ts'
import type { FlowStore } from '../../seam/flows.ts'
import type { SameData } from '../../seam/ids.ts'
import type { Appended, LogStore } from '../../seam/log.ts'
import type { OperationStore } from '../../seam/operations.ts'
import type { PendingActions } from '../../seam/pending-actions.ts'
import type { ProcessorStore } from '../../seam/processors.ts'
import type { ProgressStore } from '../../seam/progress.ts'
import type { RequestStore } from '../../seam/requests.ts'
import type { ScheduleStore } from '../../seam/slots.ts'
import type { Opened, Store } from '../../seam/store.ts'
import type { World } from '../../seam/world.ts'
import type { DatabaseSync } from '../node/sqlite.ts'
import { acceptAlone, isAlone, markAlone, markedAlone } from './alone.ts'
import type { Beside } from './beside.ts'
import { Checkpoints } from './checkpoints.ts'
import { Condition } from './condition.ts'
import { DeskTable } from './desk.ts'
import type { Disk } from './disk.ts'
import { Durability } from './durability.ts'
import { type Facets, facetsOf, SqliteProgress } from './facets.ts'
import { FlowTables } from './flows.ts'
import { SqliteGathers } from './gathers.ts'
import { checkClaims } from './ids.ts'
import { FilesInPlace, type Left } from './in-place.ts'
import { Log } from './log.ts'
import { type OpenDatabase, takeOwnership } from './owner.ts'
import { pendingBytesOf } from './pending.ts'
import { checkLinks, checkPlace } from './place.ts'
import { openReading } from './reading.ts'
import { writeRequests } from './request-changes.ts'
import { RequestTable } from './requests.ts'
import { finishRestore } from './restore.ts'
import { Savepoints } from './savepoints.ts'
import { formatOf, migrate } from './schema.ts'
import { SlotTable } from './slots.ts'
import { Statements } from './statements.ts'
import { cancel, writeTimed } from './timed.ts'
import { TimerTable } from './timers.ts'
import { isBusy, misplacedFault, openFault, storeTrouble } from './trouble.ts'
import { Guard, UserStatements } from './user-code.ts'
import { settle, transactionEnded, UserTx } from './user-tx.ts'
import { checkWal, WalMarks } from './wal.ts'
import { WriteLock } from './write-lock.ts'

export interface SqliteLimits {
  readonly queriesMax: number
  readonly turnsMax: number
  readonly functionsMax: number
  readonly flushMs: number
  readonly walBytesMax: number
  readonly checkpointBytes: number
  readonly diskFreeMinBytes: number
  readonly lockedMs: number
}

/** What a transaction writes besides the data: pages at the ends of its tables. For pacing checkpoints only. */
const pagesPerCommit = 6 * 4096
const bytesPerRow = 200
const bytesPerQuery = 300

export class SqliteStore implements Store {
  private readonly file: string
  private readonly name: string
  private readonly world: World
  private readonly disk: Disk
  private readonly limits: SqliteLimits
  private readonly database: OpenDatabase
  private readonly lock: WriteLock
  private last: Open | undefined
  private readonly files: FilesInPlace
  private readonly durability: Durability
  private readonly checkpoints: Checkpoints
  private readonly condition: Condition
  private owner: { release(): void } | undefined
  private closing: Promise<void> | undefined

  /** `name` is what leads to the file, where that is a link; `left` is shared by those that follow one another. */
  constructor(
    file: string,
    world: World,
    disk: Disk,
    limits: SqliteLimits,
    database: OpenDatabase,
    name = file,
    left: Left = { files: [] },
  ) {
    this.file = file
    this.name = name
    this.database = database
    this.world = world
    this.disk = disk
    this.limits = limits
    this.lock = new WriteLock(file, world, limits.lockedMs, () => this.open_?.tryLock())
    this.files = new FilesInPlace(left)
    this.durability = new Durability(disk, (error) => {
      if (isMillraceError(error, 'millrace/files-replaced')) this.files.replaced()
    })
    this.checkpoints = new Checkpoints(limits.checkpointBytes, {
      checkpoint: () => disk.checkpoint(),
      begins: () => this.opened.walMarks.checkpointing(),
      failed: (error) => world.log('error', 'a checkpoint failed', { file, error: inBrief(error) }),
    })
    this.condition = new Condition(file, limits, world.log, {
      misplaced: () => this.files.misplaced(),
      walBytes: () => this.open_ && pendingBytesOf(this.open_.reader),
      disk: this.durability,
      locked: () => this.lock.held,
    })
  }

  async open(sources: readonly SourcePlan[], same: SameData, waitMs = 0, stops = () => false): Promise<Opened> {
    const { file, database, lock } = this
    const random = this.world.random()
    try {
      this.files.takeLeft()
      let alone = false
      const check = () => {
        this.finishRestore()
        checkFile(file)
        alone = isAlone(file)
      }
      this.owner = await takeOwnership({ file, world: this.world, database, waitMs, stops, check })
      await this.disk.renewWal(file)
      const beside: Beside = {
        write: (fn) => this.write(fn),
        wrote: (bytes) => this.checkpoints.wrote(bytes),
        sync: () => this.durability.sync(),
        shown: (read) => this.shown(read),
      }
      const open = await lock.run(() => new Open(file, database, { random, alone }, same, beside))
      this.last = open
      this.files.opened(file, this.name)
      const { db } = open
      const opened = await lock.run(() => open.prepareStreams(sources))
      // At every start, so that no copy made after an earlier stop is what the -wal of this run begins on.
      db.exec('pragma synchronous=full; pragma wal_checkpoint(truncate); pragma synchronous=normal')
      await lock.run(() => open.walMarks.write())
      await this.disk.open(file, this.files.files)
      await this.durability.sync()
      // Beside the work: a start does not wait for it.
      if (!opened.clean) this.condition.checking(this.disk.quickCheck(), () => this.closing !== undefined)
      const newest = markedAlone(db)
      if (newest !== undefined) this.condition.foundIncomplete(newest)
      return opened
    } catch (error) {
      lock.end()
      this.open_?.close(false)
      this.last = undefined
      this.files.closed('clean')
      this.owner?.release()
      this.owner = undefined
      await this.disk.close()
      throw openFault(this.file, error)
    }
  }

  async commit(batch: CommitGroup): Promise<Committed> {
    while (this.checkpoints.gate !== undefined) await this.checkpoints.gate
    const { functions } = batch
    const written: Written[] = []
    let rest = false
    let trouble: MillraceError | undefined
    try {
      written.push(await this.group(batch, functions, true))
      rest = true
    } catch (error) {
      trouble = storeTrouble(this.file, error)
      if (functions.length > 0) {
        // Nothing of the group counts: what needs no function first, then one function after the other.
        for (const fn of functions) fn.outcome = undefined
        try {
          written.push(await this.group(batch, [], true))
          rest = true
          trouble = undefined
        } catch (alone) {
          trouble = storeTrouble(this.file, alone) ?? raise(alone)
        }
        for (const fn of rest ? functions : []) {
          try {
            written.push(await this.group(batch, [fn], false))
          } catch (alone) {
            fn.outcome = undefined
            const other = storeTrouble(this.file, alone)
            if (other === undefined) fn.outcome = { ok: false, error: alone }
            else trouble = other
          }
        }
      } else if (trouble === undefined) throw error
    }
    const ahead = rest && trouble === undefined ? await this.writeAhead(batch, written) : undefined
    const tellArrivals = this.opened.log.arrivals.take()
    await this.durability.sync(batch.inChain === true ? 'chained' : 'single')
    this.checkpoints.beginWhenDue()
    tellArrivals()
    return { rest, written, trouble, ahead }
  }

  /** What follows from a batch before it is durable goes with the same sync. What cannot be written now is for later. */
  private async writeAhead(batch: CommitGroup, written: readonly Written[]): Promise<Written | undefined> {
    const ahead = await batch.ahead?.(written)
    if (ahead === undefined) return undefined
    try {
      return await this.group(ahead, [], true, false)
    } catch (error) {
      if (storeTrouble(this.file, error) === undefined) throw error
      return undefined
    }
  }

  get log(): LogStore {
    if (this.last === undefined) throw this.notOpen()
    return this.last.log
  }

  get desk(): DeskStore {
    return this.facets.desk
  }

  get deskReads(): DeskReads {
    return this.facets.deskReads
  }

  get operations(): OperationStore {
    return this.facets.operations
  }

  get pendingActions(): PendingActions {
    return this.facets.pendingActions
  }

  get processors(): ProcessorStore {
    return this.facets.processors
  }

  get progress(): ProgressStore {
    return this.facets.progress
  }

  get flows(): FlowStore {
    return this.facets.flows
  }

  get flowReads(): FlowReads {
    return this.facets.flowReads
  }

  get requests(): RequestStore {
    return this.facets.requests
  }

  get schedules(): ScheduleStore {
    return this.facets.schedules
  }

  readonly query: Query = <Row>(text: TemplateStringsArray, ...values: Value[]) =>
    this.shown(() => this.opened.reads.run<Row>(text, values))

  async accept(): Promise<boolean> {
    const { db } = this.opened
    if (!this.condition.isIncomplete) return false
    await this.write(() => acceptAlone(db))
    await this.durability.sync()
    this.condition.accepted()
    return true
  }

  health(): readonly string[] {
    return this.condition.health()
  }

  room(): MillraceError | undefined {
    return this.condition.room()
  }

  close(clean: boolean): Promise<void> {
    this.closing ??= this.end(clean)
    return this.closing
  }

  private async end(clean: boolean): Promise<void> {
    if (this.open_ === undefined) return
    const { db } = this.open_
    let saidGoodbye = false
    try {
      await this.checkpoints.ended
      if (clean) saidGoodbye = await this.sayGoodbye(db)
    } finally {
      this.lock.end()
      await this.disk.close()
      try {
        this.files.closed(clean ? 'clean' : 'left')
        this.open_?.close(saidGoodbye)
      } finally {
        this.owner?.release()
        this.owner = undefined
      }
    }
  }

  /** Gives whether that went. Other files than those that the next start reads are left as they are. */
  private async sayGoodbye(db: DatabaseSync): Promise<boolean> {
    const leave = () => {
      const why = this.files.misplaced()
      if (why !== undefined) this.world.log('error', misplacedFault(why).message, { file: this.file })
      return why !== undefined
    }
    if (leave()) return false
    try {
      await this.write(() => db.exec("insert or replace into millrace_meta values ('clean', 1)"))
      if (leave()) return false
      db.exec('pragma synchronous=full; pragma wal_checkpoint(truncate)')
      return true
    } catch (error) {
      // All that was accepted is in the files all the same; the next start takes more care, and finds the -wal file.
      this.world.log('warn', 'the store was closed without a clean mark', { file: this.file, error: inBrief(error) })
      return false
    }
  }

  checkFiles(): void {
    this.files.check()
  }

  private get opened(): Open {
    if (this.open_ === undefined) throw this.notOpen()
    return this.open_
  }

  private notOpen(): MillraceError {
    return fault('millrace/not-started', `${this.file} is not open`)
  }

  private get open_(): Open | undefined {
    return this.last?.isOpen ? this.last : undefined
  }

  /** After the end their promises reject. */
  private get facets(): Facets {
    if (this.last === undefined) throw this.notOpen()
    return this.last.facets
  }

  /** One transaction: functions, each in a savepoint, and what follows from them. It waits for the lock if `patient`. */
  private async group(
    batch: CommitGroup,
    functions: readonly CommitFunction[],
    rest: boolean,
    patient = true,
  ): Promise<Written> {
    const open = this.opened
    const { db, log, desk } = open
    let asked = false
    // Nothing else happens between the beginning of the transaction and what it is for.
    while (!this.lock.takes(open.take, patient ? 'wait' : 'nowait')) await this.lock.pause()
    try {
      log.begin()
      const committed = open.walMarks.begin()
      const startedAt = functions.length > 1 ? this.world.elapsed() : 0
      let ran = 0
      for (const fn of functions) {
        if (ran > 0 && (ran >= this.limits.functionsMax || this.world.elapsed() - startedAt >= this.limits.flushMs))
          break
        await this.runFunction(open, fn)
        ran++
      }
      asked = true
      const changes = batch.changes(
        ran === functions.length ? functions : functions.slice(0, ran),
        rest ? 'all' : 'functions',
      )
      const { timed = [] } = changes
      const cancelled = cancel(timed, open)
      const appended = changes.append.map((message) => open.append(message))
      const results = writeTimed(timed, cancelled, open, () => this.world.now())
      checkClaims(changes, appended)
      log.flush()
      for (const row of changes.progress) open.progress.write(row)
      const heads = changes.desk.map((change) => desk.apply(change))
      const entries = writeRequests(changes.requests, open)
      for (const change of changes.flows ?? []) open.flows.apply(change)
      for (const { processor, stream, position } of changes.marks) open.mark.run(processor, stream, position)
      open.commit.run()
      log.committed()
      committed()
      this.paceCheckpoints(changes.append, changes.progress.length + changes.desk.length)
      for (const result of results) if (result.do === 'fire') this.paceCheckpoints(result.appended, 0)
      return { appended, timed: results, entries, heads }
    } catch (error) {
      if (db.isTransaction) open.rollback.run()
      log.rollback()
      open.flows.rollback()
      if (asked) batch.rolledBack()
      throw error
    }
  }

  private async runFunction(open: Open, fn: CommitFunction): Promise<void> {
    const { queriesMax, turnsMax } = this.limits
    const { label } = fn
    const tx = new UserTx(open, fn, queriesMax)
    open.savepoints.begin(0)
    try {
      const value = await settle(() => fn.run(tx, open), tx, label, turnsMax)
      if (!open.db.isTransaction) throw transactionEnded()
      tx.returned()
      open.savepoints.release(0)
      fn.outcome = { ok: true, value }
    } catch (error) {
      // Gone with the whole transaction: the group counts for nothing and is repeated one by one.
      if (!open.db.isTransaction) throw transactionEnded()
      if (tx.trouble !== undefined) throw tx.trouble
      open.savepoints.rollBack(0)
      fn.outcome = { ok: false, error }
    } finally {
      tx.close()
    }
    this.checkpoints.wrote(tx.calls * bytesPerQuery)
  }

  /**
   * A transaction beside those of `commit`.
   *
   * @throws `millrace/locked`; what is the disk's fault as one of ours
   */
  private async write<T>(fn: () => T): Promise<T> {
    const { db, walMarks } = this.opened
    try {
      return await this.lock.run(() => {
        let committed: (() => void) | undefined
        const value = transaction(db, () => {
          committed = walMarks.begin()
          return fn()
        })
        committed?.()
        return value
      })
    } catch (error) {
      throw storeTrouble(this.file, error) ?? error
    }
  }

  /** A read for others: when all that it shows is durable, and again where a lock of somebody else stands in its way. */
  private async shown<T>(read: () => T): Promise<T> {
    await this.durability.reached
    if (this.open_ === undefined) throw this.notOpen()
    try {
      return read()
    } catch (error) {
      if (!isBusy(error)) throw error
      return this.lock.read(read)
    }
  }

  private paceCheckpoints(append: readonly Stored[], rows: number): void {
    let bytes = pagesPerCommit + rows * bytesPerRow
    for (const message of append) bytes += message.json.length + bytesPerRow
    this.checkpoints.wrote(bytes)
  }

  /** A restore that was cut off is finished before the file is looked at. */
  private finishRestore(): void {
    const aside = finishRestore(this.file)
    if (aside.length > 0) this.world.log('warn', `a restore of ${this.file} was cut off and is finished`, { aside })
  }
}

/** What belongs to one opening of the file. */
class Open {
  readonly db: DatabaseSync
  readonly guard: Guard
  private readonly sql: Statements
  readonly statements: UserStatements
  /** Statements of a second connection, which only reads. */
  readonly reads: UserStatements
  readonly log: Log
  readonly desk: DeskTable
  readonly progress: SqliteProgress
  readonly requests: RequestTable
  readonly flows: FlowTables
  readonly timers: TimerTable
  readonly slots: SlotTable
  readonly gathers: SqliteGathers
  private readonly begin: StatementSync
  readonly commit: StatementSync
  readonly rollback: StatementSync
  readonly savepoints: Savepoints
  readonly mark: StatementSync
  readonly walMarks: WalMarks
  readonly reader: DatabaseSync
  readonly facets: Facets

  constructor(
    file: string,
    database: OpenDatabase,
    { random, alone }: { readonly random: number; readonly alone: boolean },
    same: SameData,
    beside: Beside,
  ) {
    const db = openDatabase(database, file, false)
    this.db = db
    this.guard = new Guard(db)
    this.walMarks = new WalMarks(db)
    try {
      if (alone) this.noteAlone()
      this.walMarks.beginRun(random)
      migrate(db, file)
      this.reader = openDatabase(database, file, true)
    } catch (error) {
      db.close()
      throw error
    }
    const sql = new Statements(db)
    this.sql = sql
    this.statements = new UserStatements(this.guard)
    this.reads = new UserStatements(new Guard(this.reader))
    this.log = new Log(db, same, beside)
    this.desk = new DeskTable(sql, this.log)
    this.progress = new SqliteProgress(file, sql, this.log, beside)
    this.requests = new RequestTable(sql, beside)
    this.flows = new FlowTables(sql, beside)
    this.timers = new TimerTable(db, this.log)
    this.slots = new SlotTable(sql, this.log)
    this.gathers = new SqliteGathers(db, this.timers)
    this.facets = facetsOf(this, beside)
    this.begin = db.prepare('begin immediate')
    this.commit = db.prepare('commit')
    this.rollback = db.prepare('rollback')
    this.savepoints = new Savepoints(db)
    this.mark = db.prepare('insert or ignore into millrace_marks values (?, ?, ?)')
  }

  get isOpen(): boolean {
    return this.sql.isOpen
  }

  prepareStreams(sources: readonly SourcePlan[]): Opened {
    const { db, log } = this
    return transaction(db, () => {
      const clean = db.prepare("select value from millrace_meta where key = 'clean'").get() as
        | { value: number }
        | undefined
      db.exec("insert or replace into millrace_meta values ('clean', 0)")
      db.exec("insert or ignore into millrace_meta values ('partitions', 1)")
      const add = db.prepare(`insert into millrace_streams (kind, name) values (?, ?)
         on conflict (name) do update set kind = excluded.kind where kind <> excluded.kind`)
      for (const { kind, name } of sources) add.run(kind, name)
      const rows = db.prepare('select id, kind, name from millrace_streams').all() as never as Opened['streams']
      log.open(rows.map(({ id }) => id))
      const streams = rows.map((row) => ({ ...row, head: log.newest(row.id) }))
      const numbers = { desk: this.desk.lastNumber() }
      return { clean: clean?.value !== 0, streams, nextDue: this.timers.nextDue(), numbers }
    })
  }

  /** In the first transaction: a crash leaves a -wal file, after which the next start does not ask again. */
  private noteAlone(): void {
    transaction(this.db, () => {
      this.walMarks.write()
      markAlone(this.db)
    })
  }

  /** Begins a transaction, which has the write lock. */
  readonly take = (): void => void this.begin.run()

  /** Takes the write lock and gives it back at once; throws where somebody else has it. */
  tryLock(): void {
    if (this.db.isTransaction) return
    this.take()
    this.rollback.run()
  }

  append(message: Stored): Appended {
    if (message.asked === 'app') return this.ask(message)
    return message.due === 0 ? this.log.append(message) : this.timers.keep(message)
  }

  /** Appends a request, whose id is that of no other, whatever their types; its row is written where it repeats none. */
  private ask(message: Stored): Appended {
    if (message.ownId && this.requests.conflicts(message)) return 'other'
    const appended = this.log.append(message)
    if (typeof appended === 'number') this.requests.ask(message)
    return appended
  }

  takeBack(type: string, id: string): 'delayed' | 'request' | undefined {
    if (this.timers.cancel(type, id)) return 'delayed'
    const request = this.requests.get(id)
    if (request?.type !== type || request.endedAt !== null) return undefined
    this.flows.apply({ do: 'withdraw', id })
    return 'request'
  }

  /** The last writer to close would checkpoint. After a failed sync that is not to be done before the next start. */
  close(clean: boolean): void {
    this.sql.close()
    const [first, last] = clean ? [this.reader, this.db] : [this.db, this.reader]
    first.close()
    last.close()
  }
}

function transaction<T>(db: DatabaseSync, fn: () => T): T {
  db.exec('begin immediate')
  try {
    const value = fn()
    db.exec('commit')
    return value
  } catch (error) {
    if (db.isTransaction) db.exec('rollback')
    throw error
  }
}

function openDatabase(database: OpenDatabase, file: string, readOnly: boolean): DatabaseSync {
  const db = database(file, { timeout: 0, readOnly })
  try {
    if (!readOnly) db.exec('pragma journal_mode=wal; pragma synchronous=normal; pragma wal_autocheckpoint=0')
    db.exec(`pragma cache_size=${readOnly ? -4096 : -32768}`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Refuses a place or a file that could not be used, before anything is touched. */
function checkFile(file: string): void {
  checkPlace(file)
  checkLinks(file)
  checkWal(file)
  if (!existsSync(file)) return
  // Looked at before it is opened for writing: a database of somebody else stays as it is, and so does what is beside it.
  const db = openReading(file, 'stopped', 0)
  try {
    formatOf(db, file)
  } finally {
    db.close()
  }
}

function raise(error: unknown): never {
  throw error
}
