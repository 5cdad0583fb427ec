// The tables of the desk in a database in memory, empty or with some of everything.
import { DatabaseSync } from 'node:sqlite'
import type { Beside } from '../../src/adapters/sqlite/beside-commits.ts'
import { DeskViews } from '../../src/adapters/sqlite/desk-reads.ts'
import { DeskTables } from '../../src/adapters/sqlite/desk-tables.ts'
import { Log } from '../../src/adapters/sqlite/log.ts'
import { migrate } from '../../src/adapters/sqlite/schema.ts'
import { Statements } from '../../src/adapters/sqlite/statements.ts'
import type { DeskEntry, DeskState } from '../../src/model/desk.ts'

const states: DeskState[] = ['held', 'deciding', 'trying', 'line', 'handled', 'discarded']
export const pick = <T>(values: readonly T[], n: number, step: number): T =>
  values[Math.floor(n / step) % values.length]!

/** What a table writes is there at once. */
export const atOnce: Beside = {
  write: async (fn) => fn(),
  sync: async () => {},
  wrote: () => {},
  durable: async (read) => read(),
}

export interface DeskInMemory {
  readonly db: DatabaseSync
  readonly sql: Statements
  readonly tables: DeskTables
  readonly views: DeskViews
  /** The statements that were prepared since this was emptied. */
  readonly asked: Set<string>
  /** The plan of a statement, step by step. */
  planOf(sql: string): string[]
}

export function emptyDesk(): DeskInMemory {
  const db = new DatabaseSync(':memory:')
  migrate(db, 'memory')
  for (const stream of [1, 2]) {
    db.prepare('insert into millrace_streams values (?, ?, ?)').run(stream, 'topic', `t${stream}`)
  }
  const asked = new Set<string>()
  const prepare = db.prepare.bind(db)
  db.prepare = (sql) => {
    asked.add(sql)
    return prepare(sql)
  }
  const sql = new Statements(db)
  const log = new Log(db)
  return {
    db,
    sql,
    tables: new DeskTables(sql, log, atOnce),
    views: new DeskViews(sql, log),
    asked,
    planOf: (text) =>
      prepare(`explain query plan ${text}`)
        .all()
        .map(({ detail }) => String(detail)),
  }
}

export interface EntryFacts {
  readonly processor?: string
  readonly stream?: number
  readonly context?: string | null
  readonly state?: DeskState
  /** Whether it is in the lane of its context, default true. */
  readonly inLane?: boolean
  readonly error?: string
}

/** The nth message at the desk, with the number n + 1. */
export function entryOf(n: number, facts: EntryFacts = {}): DeskEntry {
  const { processor = 'p', stream = 1, context = 'a', state = 'held', inLane = true } = facts
  const { error = pick(['down', 'short'], n, 11) } = facts
  const id = n + 1
  return {
    id,
    processor,
    message: {
      stream,
      position: id,
      id: `m${id}`,
      ownId: false,
      type: pick(['placed', 'paid'], n, 5),
      version: 1,
      source: '/app',
      time: n,
      context,
      correlationId: `m${id}`,
      causationId: null,
      trace: null,
      attributes: null,
      asked: undefined,
      due: 0,
      json: '{}',
      plain: undefined,
      decoded: undefined,
    },
    state,
    lane: inLane ? context : null,
    place: id,
    dueAt: 0,
    attempts: 1,
    kills: 0,
    corrections: 0,
    revision: 0,
    failures: state === 'held' ? 1 : 0,
    decisions: 0,
    error: { code: 'E', message: error } as never,
    tries: [],
    original: null,
    heldAt: n,
    resolvedAt: null,
  }
}

/** A desk with 400 messages of three processors in every state. */
export function filledDesk(): DeskInMemory & { readonly entries: readonly DeskEntry[] } {
  const desk = emptyDesk()
  const { db, tables, asked } = desk
  const entries: DeskEntry[] = []
  for (let n = 0; n < 400; n++) {
    const processor = pick(['p', 'q', 'r'], n, 1)
    const stream = processor === 'r' ? 2 : 1
    const context = pick(['a', 'b', 'c', 'd', null], n, 3)
    // Each lane has one head, its other messages are in line.
    const isHead = !entries.some((e) => e.processor === processor && e.lane !== null && e.lane === context)
    const wanted = context !== null && !isHead && n % 4 !== 0 ? 'line' : pick(states, n, 7)
    const inLane = context !== null && (wanted === 'line' || (isHead && !['handled', 'discarded'].includes(wanted)))
    const state = wanted === 'line' && !inLane ? 'trying' : wanted
    const entry = entryOf(n, { processor, stream, context, state, inLane })
    tables.apply({ do: 'put', entry })
    if (state === 'handled' || state === 'discarded') tables.apply({ do: 'resolve', entry, state, at: n })
    entries.push(entry)
  }
  for (const [processor, stream] of [
    ['p', 1],
    ['q', 1],
    ['r', 2],
  ] as const) {
    db.prepare('insert into millrace_progress values (?, ?, 1, 0, null, 0)').run(processor, stream)
  }
  asked.clear()
  return { ...desk, entries }
}
