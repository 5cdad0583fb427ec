// A database from beside, without an app: what the command line does with a file that no process runs, and the copy
// that it takes of one that runs.
import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { checkState } from '../../model/desk.ts'
import { fault } from '../../model/errors.ts'
import { suggest } from '../../model/names.ts'
import type { StreamInfo } from '../../model/streams.ts'
import type {
  FileFacts,
  FileReader,
  FileWriter,
  LogFilter,
  LogPlace,
  LogRow,
  Restored,
  StoreFile,
} from '../../seam/file.ts'
import type { ProgressRow } from '../../seam/progress.ts'
import { nodeWorld } from '../node/world.ts'
import { aloneSince, newestTime } from './alone.ts'
import { checkRoom, copy } from './copy.ts'
import { damageOf, tablesOf } from './damage.ts'
import { countsIn, DeskReader } from './desk-reads.ts'
import { FlowViews, flowCounts } from './flow-reads.ts'
import { freeBytesOf } from './free.ts'
import { Log, type LogTableRow } from './log.ts'
import { nodeDisk } from './node-disk.ts'
import { nodeDatabase, type Owned, ownerOf, takeOwnership } from './owner.ts'
import { pendingBytesOf } from './pending.ts'
import { checkPlace, whyNotSeen } from './place.ts'
import { openReading } from './reading.ts'
import { finishRestore, isRestoring, prepareRestore } from './restore.ts'
import { formatKnown, formatOf, logsIn, logTable } from './schema.ts'
import { type SqliteLimits, SqliteStore } from './store.ts'
import { openFault } from './trouble.ts'
import { checkWal } from './wal.ts'

/** How many positions are looked at before others have their turn. */
const sliceRows = 2_000
/** How long a command waits for a file that another has for a moment, milliseconds. */
const writerWaitMs = 3_000

export function sqliteFile(named: string, limits: SqliteLimits): StoreFile {
  const real = () => realFile(named)
  const checked = <T>(running: boolean, use: (db: DatabaseSync, path: string) => T): T => {
    const path = real()
    return openChecked(path, running, (db) => use(db, path))
  }
  return {
    get path() {
      return real()
    },
    exists: () => existsSync(named),
    owner: () => ownerOf(real()),
    read: (running) => checked(running, (db) => new Reader(db)),
    write: (waitMs) => openWriter(real(), limits, waitMs),
    examine: (full, running) => checked(running, (db, path) => examine(db, path, limits, full)),
    copyTo: (to, running, signal) => copyTo(real(), to, running, limits, signal),
    accept: () => accept(real(), limits),
    restore: (copy) => restoreFrom(realFile(resolve(copy)), targetOf(named), limits),
  }
}

/** One file whatever links lead to it: the owner and the -wal file lie beside the real one. */
export function realFile(named: string): string {
  return existsSync(named) ? realpathSync(named) : named
}

/**
 * Opens it for reading and gives it to `use`, which closes it; every failure is one of ours. By `fs` only where nobody
 * has it: where an app of this process does, closing the descriptor would drop its locks.
 */
function openChecked<T>(path: string, running: boolean, use: (db: DatabaseSync) => T, formatMin = formatKnown): T {
  if (isRestoring(path)) throw fault('millrace/restore-unfinished', `a restore of ${path} was cut off`)
  if (!existsSync(path)) throw whyNotSeen(path) ?? fault('millrace/no-app', `there is no file ${path}`)
  let db: DatabaseSync | undefined
  try {
    if (!running) checkWal(path)
    db = openReading(path, running ? 'running' : 'stopped')
    const format = formatOf(db, path)
    if (format === 0) throw fault('millrace/foreign-file', `${path} is empty: no app has used it yet`)
    if (format < formatMin) {
      throw fault(
        'millrace/cannot-open',
        `${path} has format ${format}; start its app once to bring it to ${formatKnown}`,
      )
    }
    return use(db)
  } catch (error) {
    if (db?.isOpen) db.close()
    throw openFault(path, error)
  }
}

const logColumns = 'position, id, kind, time, context, correlation, causation, trace, own_id, data, attributes'

/** A message that fits, without what may be large of it. */
interface Found extends LogPlace {
  readonly time: number
}

class Reader implements FileReader {
  private readonly db: DatabaseSync
  private readonly log: Log
  private readonly known = new Map<number, StreamInfo>()
  readonly desk: DeskReader
  readonly flows: FlowViews

  constructor(db: DatabaseSync) {
    this.db = db
    this.flows = FlowViews.of(db)
    this.log = new Log(db)
    this.desk = DeskReader.of(db, this.log)
  }

  streams(): StreamInfo[] {
    return streamsOf(this.db)
  }

  progress(): ProgressRow[] {
    return progressOf(this.db)
  }

  types(): string[] {
    const rows = this.db.prepare('select distinct type from millrace_kinds order by type').all()
    return (rows as { type: string }[]).map(({ type }) => type)
  }

  async newest(count: number, filter: LogFilter): Promise<LogPlace[]> {
    let found: Found[] = []
    for (const stream of this.streams()) {
      if (filter.destination !== undefined && filter.destination !== stream.name) continue
      found.push(...(await this.backwards(stream, filter, count)))
      found.sort((a, b) => a.time - b.time || a.stream - b.stream || a.position - b.position)
      found = found.slice(-count)
    }
    return found
  }

  message({ stream: id, position }: LogPlace): LogRow | undefined {
    const stream = this.known.get(id) ?? this.streams().find((one) => one.id === id)
    if (stream === undefined) return undefined
    this.known.set(id, stream)
    const row = this.db.prepare(`select ${logColumns} from ${logTable(id)} where position = ?`).get(position)
    return row === undefined ? undefined : this.row(stream, row as unknown as LogTableRow)
  }

  close(): void {
    this.db.close()
  }

  private async backwards(stream: StreamInfo, filter: LogFilter, count: number): Promise<Found[]> {
    if (stream.head === 0) return []
    const { type = null, context = null, correlation = null } = filter
    const slice = this.db.prepare(
      `select position, time from ${logTable(stream.id)}
       where position <= :upTo and position > :after
         and (:type is null or kind in (select id from millrace_kinds where type = :type))
         and (:context is null or context = :context)
         and (:correlation is null or coalesce(correlation, id) = :correlation)
       order by position desc limit :left`,
    )
    const first = firstOf(this.db, stream)
    const found: Found[] = []
    for (let upTo = stream.head; upTo >= first && found.length < count; upTo -= sliceRows) {
      const left = count - found.length
      const rows = slice.all({ upTo, after: upTo - sliceRows, type, context, correlation, left })
      for (const row of rows as unknown as Omit<Found, 'stream'>[]) found.push({ ...row, stream: stream.id })
      await new Promise((resolve) => setImmediate(resolve))
    }
    return found
  }

  private row({ id: stream, kind, name }: StreamInfo, found: LogTableRow): LogRow {
    const {
      repeat: _,
      ownId: _own,
      plain: _plain,
      decoded: _decoded,
      due: _due,
      ...message
    } = this.log.stored(stream, found)
    return { ...message, destination: name, kind }
  }
}

function streamsOf(db: DatabaseSync): StreamInfo[] {
  const rows = db.prepare('select id, kind, name from millrace_streams order by id').all()
  const logs = logsIn(db)
  return (rows as unknown as Omit<StreamInfo, 'head'>[]).map((row) => {
    if (!logs.has(row.id)) return { ...row, head: 0 }
    const { head } = db.prepare(`select coalesce(max(position), 0) as head from ${logTable(row.id)}`).get() as {
      head: number
    }
    return { ...row, head }
  })
}

/** The oldest position that is kept, or where the first message will be. */
function firstOf(db: DatabaseSync, { id, head }: StreamInfo): number {
  if (head === 0) return 1
  const { first } = db.prepare(`select min(position) as first from ${logTable(id)}`).get() as { first: number | null }
  return first ?? head + 1
}

function progressOf(db: DatabaseSync): ProgressRow[] {
  const rows = db.prepare('select processor, stream, epoch, low, done from millrace_progress').all()
  return rows.map((row) => ({ ...row })) as unknown as ProgressRow[]
}

async function accept(path: string, limits: SqliteLimits): Promise<boolean> {
  // A file that is whole as it is stays untouched.
  const since = openChecked(path, false, (db) => {
    const found = aloneSince(db, path)
    db.close()
    return found
  })
  if (since === undefined) return false
  const { store } = await openStore(path, limits, writerWaitMs)
  try {
    return await store.accept()
  } finally {
    // It is one file from now on, which may be moved and copied without what lies beside it.
    await store.close(true)
  }
}

/** Takes the file as an app would, so that what is changed is durable and nobody else has it meanwhile. */
async function openWriter(path: string, limits: SqliteLimits, waitMs = writerWaitMs): Promise<FileWriter> {
  openChecked(path, false, (db) => db.close())
  const { store, clean } = await openStore(path, limits, waitMs)
  const now = () => Date.now()
  return {
    async addPending(item, action, actor) {
      const entry = await store.deskEntry(item)
      if (entry === undefined) throw fault('millrace/unknown-item', `there is no message ${item} at the desk`)
      checkState(entry, action.do === 'take back' ? 'discarded' : 'held')
      await store.addPending({ item, action, at: now(), ...actor })
    },
    select: (operation, what) => store.select(operation, what),
    abort: (operation, actor) => store.abort(operation, actor, now()),
    async pause(processor, paused, actor) {
      const known = (await store.progress()).map((row) => row.processor)
      if (!known.includes(processor)) {
        throw fault(
          'millrace/unknown-processor',
          `the file knows no processor "${processor}"${suggest(processor, known)}`,
        )
      }
      await store.pause(processor, paused, actor, now())
    },
    retire: (processor, destination) => store.retire(processor, destination),
    // A file that its app has left in the middle of something stays so: the next start has to know it.
    close: () => store.close(clean),
  }
}

async function openStore(path: string, limits: SqliteLimits, waitMs: number) {
  const world = nodeWorld(() => {})
  const store = new SqliteStore(path, world, nodeDisk(), limits, nodeDatabase)
  const { clean } = await store.open([], () => false, waitMs)
  return { store, clean }
}

function examine(db: DatabaseSync, path: string, limits: SqliteLimits, full: boolean): FileFacts {
  const clean = db.prepare("select value from millrace_meta where key = 'clean'").get() as { value: number } | undefined
  const { held, waiting } = countsIn(db)
  const facts = {
    bytes: statSync(path).size,
    walBytes: pendingBytesOf(db) ?? 0,
    walBytesMax: limits.walBytesMax,
    freeBytes: freeBytesOf(path),
    freeBytesMin: limits.diskFreeMinBytes,
    format: formatOf(db, path),
    formatKnown,
    clean: clean?.value !== 0,
    alone: aloneSince(db, path),
    damage: tablesOf(db).flatMap((table) => damageOf(db, table, full ? 'integrity_check' : 'quick_check')),
    streams: streamsOf(db).map((stream) => ({ ...stream, first: firstOf(db, stream) })),
    progress: progressOf(db),
    held,
    waiting,
    flows: flowCounts(db),
    questions: countOf(db, 'millrace_questions'),
    delayed: countOf(db, 'millrace_timers'),
    flowTimes: countOf(db, 'millrace_flow_timers'),
  }
  db.close()
  return facts
}

function countOf(db: DatabaseSync, table: string): number {
  return (db.prepare(`select count(*) as count from ${table}`).get() as { count: number }).count
}

async function copyTo(
  path: string,
  to: string,
  running: boolean,
  { diskFreeMinBytes }: SqliteLimits,
  signal?: AbortSignal,
): Promise<number> {
  openChecked(path, running, (db) => db.close(), 1)
  const owned = running ? undefined : await own(path)
  try {
    return await copy({ file: path, to, app: running ? 'running' : 'stopped', freeBytesMin: diskFreeMinBytes, signal })
  } finally {
    owned?.release()
  }
}

async function restoreFrom(copy: string, file: string, limits: SqliteLimits): Promise<Restored> {
  const running = ownerOf(copy) !== undefined
  const found = openChecked(
    copy,
    running,
    (db) => {
      const damage = tablesOf(db).flatMap((table) => damageOf(db, table, 'quick_check'))
      const facts = { newest: newestTime(db), whole: aloneSince(db, copy) === undefined, damage }
      db.close()
      return facts
    },
    1,
  )
  const { damage, ...facts } = found
  if (damage.length > 0) throw fault('millrace/corrupt-file', `${copy} is damaged: ${damage[0]}`)
  if (copy === realFile(file)) throw fault('millrace/restore-failed', `${copy} is the file itself, not a copy of it`)
  const owned = await own(file, () => {})
  try {
    const before = finishRestore(file)
    checkRoom(copy, file, limits.diskFreeMinBytes)
    await prepareRestore(file, copy, running ? 'running' : 'stopped')
    const aside = [...before, ...finishRestore(file)]
    return { bytes: statSync(file).size, aside, ...facts }
  } finally {
    owned.release()
  }
}

/** Where a link leads, also while nothing is there because a restore was cut off. */
function targetOf(named: string): string {
  if (existsSync(named)) return realpathSync(named)
  const target = lstatSync(named, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(named) : named
  return resolve(dirname(named), target)
}

/** `check` looks at the file before it is taken. */
async function own(path: string, check = () => checkPlace(path)): Promise<Owned> {
  try {
    const world = nodeWorld(() => {})
    return await takeOwnership({ file: path, world, database: nodeDatabase, waitMs: writerWaitMs, check })
  } catch (error) {
    throw openFault(path, error)
  }
}
