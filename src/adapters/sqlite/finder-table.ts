// The index of the finder: a database of its own beside the file (FILE-finder), so that it takes no lock, no sync and no
// time from the commits of the app. It is made from the log alone.
//
//   none ──first step──→ open ──checked against the log──→ grows by steps: index and progress in one transaction
//     └── of another log, of another format, or damaged: removed, and made anew ←──┘
//
// A log is the one that was indexed where the last indexed message of each stream is still at its position, with its id.
import { existsSync, rmSync } from 'node:fs'
import type {
  FinderStore,
  FoundPlace,
  IndexAsk,
  Indexed,
  RelatedAsk,
  RelatedResult,
  SearchAsk,
  SearchResult,
} from '../../seam/finder.ts'
import { DatabaseSync } from '../node/sqlite.ts'
import { forgetRows, perMs, stepBytes, stepRows, wordsOf } from '../shared/finder-words.ts'
import type { AtOnce } from './durable-reads.ts'
import { logsIn, logTable } from './log-tables.ts'
import { openReading } from './reading.ts'

const version = 1

export const finderSchema = `
  create table found (n integer primary key, stream integer not null, position integer not null, id text not null,
    causation text) strict;
  create unique index found_places on found (stream, position);
  create index found_ids on found (id);
  create index found_effects on found (causation) where causation is not null;
  create virtual table words using fts5 (text, content='', contentless_delete=1, detail='none', tokenize='unicode61');
  create table progress (stream integer primary key, low integer not null, id text not null) strict;
  pragma user_version = ${version}`

interface Next {
  readonly stream: number
  readonly low: number
  readonly time: number
}

interface LogRow {
  readonly position: number
  readonly id: string
  readonly time: number
  readonly causation: string | null
  readonly type: string
  readonly data: string
}

export const finderFile = (file: string): string => `${file}-finder`

export class FinderTable implements AtOnce<FinderStore> {
  private readonly log: DatabaseSync
  private readonly file: string
  private readonly mayWrite: boolean
  private db: DatabaseSync | undefined

  constructor(log: DatabaseSync, file: string, may: 'write' | 'read') {
    this.log = log
    this.file = finderFile(file)
    this.mayWrite = may === 'write'
  }

  index({ secrets }: IndexAsk): Indexed {
    const db = this.opened('make')!
    db.exec('begin immediate')
    try {
      const added = this.add(db, secrets)
      const removed = this.forget(db)
      db.exec('commit')
      const more = removed === forgetRows || this.next(db) !== undefined
      return { added, removed, more }
    } catch (error) {
      if (db.isTransaction) db.exec('rollback')
      throw error
    }
  }

  search({ words, order, after, since, until, limit }: SearchAsk): SearchResult | undefined {
    const db = this.opened('look')
    if (db === undefined) return undefined
    const isDown = order === 'newest'
    const low = Math.max(isDown ? 0 : (after ?? -1) + 1, since === undefined ? 0 : since * perMs)
    const high = Math.min(
      isDown && after !== undefined ? after - 1 : Number.MAX_SAFE_INTEGER,
      until === undefined ? Number.MAX_SAFE_INTEGER : until * perMs - 1,
    )
    const places = db
      .prepare(
        `select n, stream, position from words w join found on n = w.rowid
         where words match ? and w.rowid between ? and ? order by w.rowid ${isDown ? 'desc' : ''} limit ?`,
      )
      .all(matchOf(words), low, high, limit)
    return { places: places.map((place) => ({ ...place })) as never, indexedTo: this.indexedTo(db) }
  }

  related({ id, limit }: RelatedAsk): RelatedResult | undefined {
    const db = this.opened('look')
    if (db === undefined) return undefined
    const byId = db.prepare('select n, stream, position, causation from found where id = ? limit 100')
    const effects = db.prepare('select n, stream, position, id from found where causation = ? limit ?')
    const found = new Map<number, FoundPlace>()
    const take = ({ n, stream, position }: FoundPlace) => found.set(n, { n, stream, position })
    // Up to the first cause, then down from it.
    let root = id
    for (let up = 0; up < limit; up++) {
      const [row] = byId.all(root) as { causation: string | null }[]
      if (row === undefined || row.causation === null || byId.get(row.causation) === undefined) break
      root = row.causation
    }
    const left = [root]
    const seen = new Set(left)
    for (const row of byId.all(root)) take(row as unknown as FoundPlace)
    for (let at = left.pop(); at !== undefined && found.size <= limit; at = left.pop()) {
      for (const row of effects.all(at, limit + 1) as unknown as (FoundPlace & { id: string })[]) {
        take(row)
        if (seen.has(row.id)) continue
        seen.add(row.id)
        left.push(row.id)
      }
    }
    const places = [...found.values()].sort((a, b) => a.n - b.n)
    return { places: places.slice(0, limit), whole: places.length <= limit, indexedTo: this.indexedTo(db) }
  }

  close(): void {
    this.db?.close()
    this.db = undefined
  }

  private add(db: DatabaseSync, secrets: IndexAsk['secrets']): number {
    const next = this.next(db)
    if (next === undefined) return 0
    const { stream, low } = next
    const put = db.prepare('insert into found (n, stream, position, id, causation) values (?, ?, ?, ?, ?)')
    const taken = db.prepare('select 1 from found where n = ?')
    const write = db.prepare('insert into words (rowid, text) values (?, ?)')
    const rows = this.log
      .prepare(
        `select m.position, m.id, m.time, m.causation, k.type, m.data from ${logTable(stream)} m
         cross join millrace_kinds k on k.id = m.kind where m.position > ? order by m.position limit ?`,
      )
      .iterate(low, stepRows) as unknown as IterableIterator<LogRow>
    let last: LogRow | undefined
    let added = 0
    let bytes = 0
    for (const row of rows) {
      last = row
      let n = row.time * perMs + (row.position % perMs)
      while (taken.get(n) !== undefined) n++
      put.run(n, stream, row.position, row.id, row.causation)
      write.run(n, wordsOf(row.data, secrets[row.type] ?? []))
      added++
      bytes += row.data.length
      if (bytes >= stepBytes) break
    }
    if (last !== undefined) {
      db.prepare('insert or replace into progress values (?, ?, ?)').run(stream, last.position, last.id)
    }
    return added
  }

  /** Forgets messages that the log no longer has. */
  private forget(db: DatabaseSync): number {
    const old = db.prepare('select n from found where stream = ? and position < ? order by position limit ?')
    const unword = db.prepare('delete from words where rowid = ?')
    const unput = db.prepare('delete from found where n = ?')
    let removed = 0
    for (const { stream } of this.progress(db)) {
      const first = this.firstOf(stream)
      for (const { n } of old.all(stream, first, forgetRows - removed) as { n: number }[]) {
        unword.run(n)
        unput.run(n)
        removed++
      }
      if (removed === forgetRows) break
    }
    return removed
  }

  /** The stream whose next message is the oldest. */
  private next(db: DatabaseSync): Next | undefined {
    const lows = new Map(this.progress(db).map(({ stream, low }) => [stream, low]))
    let next: Next | undefined
    for (const stream of logsIn(this.log)) {
      const low = lows.get(stream) ?? 0
      const text = `select time from ${logTable(stream)} where position > ? order by position limit 1`
      const row = this.log.prepare(text).get(low) as { time: number } | undefined
      if (row !== undefined && (next === undefined || row.time < next.time)) next = { stream, low, time: row.time }
    }
    return next
  }

  private indexedTo(db: DatabaseSync): number | null {
    return this.next(db)?.time ?? null
  }

  private progress(db: DatabaseSync): { stream: number; low: number; id: string }[] {
    return db.prepare('select stream, low, id from progress order by stream').all() as never
  }

  /** The oldest position that the log has. */
  private firstOf(stream: number): number {
    if (!logsIn(this.log).has(stream)) return Number.MAX_SAFE_INTEGER
    const text = `select min(position) as first from ${logTable(stream)}`
    return (this.log.prepare(text).get() as { first: number | null }).first ?? Number.MAX_SAFE_INTEGER
  }

  private opened(how: 'make' | 'look'): DatabaseSync | undefined {
    if (this.db !== undefined) return this.db
    if (how === 'look' && !existsSync(this.file)) return undefined
    const db = this.open(how)
    if (db === undefined && this.mayWrite && how === 'make') {
      for (const ending of ['', '-wal', '-shm']) rmSync(`${this.file}${ending}`, { force: true })
      this.db = this.open('make')
    } else this.db = db
    return this.db
  }

  /** Undefined where it is not of this log, or cannot be read. */
  private open(how: 'make' | 'look'): DatabaseSync | undefined {
    const db = this.mayWrite ? new DatabaseSync(this.file, { timeout: 5_000 }) : openReading(this.file, 'stopped')
    try {
      if (this.mayWrite) db.exec('pragma journal_mode = wal; pragma synchronous = normal')
      const { user_version: found } = db.prepare('pragma user_version').get() as { user_version: number }
      if (found === 0 && how === 'make') db.exec(`begin immediate; ${finderSchema}; commit`)
      else if (found !== version || !this.fits(db)) throw new Error('another index')
      return db
    } catch {
      db.close()
      return undefined
    }
  }

  private fits(db: DatabaseSync): boolean {
    const logs = logsIn(this.log)
    return this.progress(db).every(({ stream, low, id }) => {
      if (!logs.has(stream)) return false
      const found = this.log.prepare(`select id from ${logTable(stream)} where position = ?`).get(low)
      return found?.['id'] === id
    })
  }
}

/** A query of FTS5: all words, the last as a beginning. They have letters and digits only. */
function matchOf(words: readonly string[]): string {
  return words.map((word, at) => `"${word}"${at === words.length - 1 ? '*' : ''}`).join(' ')
}
