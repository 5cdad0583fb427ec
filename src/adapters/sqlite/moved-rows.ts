// The tables of a file as rows that every kind of store has alike: read in slices, and written.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type MovedRow, type MovedTable, type MovedValue, movedTables } from '../../seam/moves.ts'
import { fromElsewhere } from '../shared/attributes.ts'
import { hasOwnId } from '../shared/message-row.ts'
import { slicesOf } from '../shared/moved-slices.ts'
import { logsIn, logTable } from './log-tables.ts'
import { concurrencyOf } from './processors.ts'
import { createLog } from './schema.ts'

const keysOf = 'keys of '

/** The columns that have other names here, or are none. */
const named: Partial<Record<MovedTable, Readonly<Record<string, string>>>> = {
  pending_actions: { action: 'wish as action' },
  questions: { mediator: `coalesce(mediator, '') as mediator` },
  desk: { type: 'k.type', version: 'k.version', source: 'k.source', id: 't.id' },
  timers: { type: 'k.type', version: 'k.version', source: 'k.source' },
}

/** Where the rows of a table are, where that is no table of its name; with their order where it counts. */
const from: Partial<Record<MovedTable, string>> = {
  timers: 'millrace_timers t join millrace_kinds k on k.id = t.kind order by due, sequence',
  desk: 'millrace_desk t join millrace_kinds k on k.id = t.kind order by t.id',
  gathered: 'millrace_gathered order by gather, context, place',
  pending_actions: 'millrace_wishes',
}

const metaRows = (prefix: string, name: string, value: string) =>
  `select substr(key, ${prefix.length + 1}) as ${name}, value as ${value} from millrace_meta
   where substr(key, 1, ${prefix.length}) = '${prefix}'`

const readTexts: Partial<Record<MovedTable, string>> = {
  key_names: metaRows(keysOf, 'processor', 'name'),
  concurrency: metaRows(concurrencyOf, 'processor', 'most'),
  facts: `select substr(name, 10) as fact, seq as value from sqlite_sequence where name in ('millrace_desk', 'millrace_flows')
    union all select key, value from millrace_meta where key in ('entries', 'mails')`,
}

function readText(table: MovedTable): string {
  const columns = movedTables[table].map((column: string) => named[table]?.[column] ?? column)
  return readTexts[table] ?? `select ${columns.join(', ')} from ${from[table] ?? `millrace_${table}`}`
}

/** The rows of a table of a file that nobody writes. */
export function* readMoved(db: DatabaseSync, table: MovedTable): Generator<readonly MovedRow[]> {
  if (table !== 'log') {
    yield* slicesOf(db.prepare(readText(table)).iterate() as Iterable<MovedRow>)
    return
  }
  const columns = movedTables.log.slice(1).join(', ')
  for (const stream of [...logsIn(db)].sort((a, b) => a - b)) {
    const rows = db.prepare(`select ${stream} as stream, ${columns} from ${logTable(stream)} order by position`)
    yield* slicesOf(rows.iterate() as Iterable<MovedRow>)
  }
}

const kindText = '(select id from millrace_kinds where type = :type and version = :version and source = :source)'

/** Writes rows into a new file, in a transaction. */
export class MovedRows {
  private readonly db: DatabaseSync
  private readonly statements = new Map<string, StatementSync>()
  private readonly kinds = new Map<number, string>()
  /** All data of each stream so far. */
  private readonly bytes = new Map<number, number>()

  constructor(db: DatabaseSync) {
    this.db = db
  }

  write(table: MovedTable, rows: readonly MovedRow[]): void {
    for (const row of rows) this.writers[table]?.(row) ?? this.insert(table, row)
  }

  private readonly writers: Partial<Record<MovedTable, (row: MovedRow) => true>> = {
    kinds: (row) => {
      this.kinds.set(row['id'] as number, row['type'] as string)
      return this.insert('kinds', row)
    },
    log: (row) => this.append(row),
    timers: (row) => {
      if (hasOwnId(row['own_id'] as number)) this.claim(row['type']!, row['message_id']!, row, 0)
      const sequence = '(select coalesce(max(sequence), 0) + 1 from millrace_timers where due = :due)'
      return this.insertWithKind('timers', row, { sequence })
    },
    desk: (row) => this.insertWithKind('desk', row, {}),
    key_names: ({ processor, name }) => this.meta(`${keysOf}${processor}`, name!),
    concurrency: ({ processor, most }) => this.meta(`${concurrencyOf}${processor}`, most!),
    pending_actions: ({ action, ...row }) => this.insert('wishes', { ...row, wish: action! }),
    gathered: (row) => {
      const place = `(select coalesce(max(place), 0) + 1 from millrace_gathered where gather = :gather and context = :context)`
      return this.insert('gathered', row, { place })
    },
    facts: ({ fact, value }) =>
      fact === 'desk' || fact === 'flows' ? this.last(fact, value!) : this.meta(fact!, value!),
  }

  private append(row: MovedRow): true {
    const { stream, position, kind, own_id: flags, id, data, ...more } = row as Readonly<Record<string, MovedValue>>
    const of = stream as number
    if (!this.bytes.has(of)) createLog(this.db, of)
    const bytes = (this.bytes.get(of) ?? 0) + (data as string).length
    this.bytes.set(of, bytes)
    if (hasOwnId(flags as number)) this.claim(this.kinds.get(kind as number)!, id!, row, position!)
    return this.insert(`log_${of}`, {
      position: position!,
      id: id!,
      kind: kind!,
      bytes,
      own_id: flags!,
      data: data!,
      ...more,
    })
  }

  /** Takes the id of a message. */
  private claim(type: MovedValue, id: MovedValue, { stream, attributes }: MovedRow, position: MovedValue): void {
    const source = attributes === null ? '' : fromElsewhere(attributes as string).source
    this.insert('ids', { type, id, source, stream: stream!, position })
  }

  private insertWithKind(table: 'timers' | 'desk', row: MovedRow, made: Readonly<Record<string, string>>): true {
    const { type, version, source, ...rest } = row
    const kind = { type: type!, version: version!, source: source! }
    this.run('insert or ignore into millrace_kinds (type, version, source) values (:type, :version, :source)', kind)
    return this.insert(table, rest, { ...made, kind: kindText }, kind)
  }

  /** Inserts a row; `made` are columns that are expressions, over its values and those of `beside`. */
  private insert(
    table: string,
    row: MovedRow,
    made: Readonly<Record<string, string>> = {},
    beside: MovedRow = {},
  ): true {
    const columns = [...Object.keys(row), ...Object.keys(made)].join(', ')
    const values = [...Object.keys(row).map((name) => `:${name}`), ...Object.values(made)].join(', ')
    return this.run(`insert into millrace_${table} (${columns}) values (${values})`, { ...row, ...beside })
  }

  private meta(key: MovedValue, value: MovedValue): true {
    return this.run('insert or replace into millrace_meta values (:key, :value)', { key, value })
  }

  /** The highest number that rows of a table have had, which its rows now may not show. */
  private last(fact: string, value: MovedValue): true {
    const name = `millrace_${fact}`
    this.run('delete from sqlite_sequence where name = :name', { name })
    return this.run('insert into sqlite_sequence values (:name, :value)', { name, value })
  }

  private run(sql: string, values: MovedRow): true {
    let statement = this.statements.get(sql)
    if (statement === undefined) {
      statement = this.db.prepare(sql)
      this.statements.set(sql, statement)
    }
    statement.run(values)
    return true
  }
}
