// The tables of a database as rows that every kind of store has alike: read by cursors, and written.
//
// A log that moves in is numbered already: each slice of a stream is a run of the moving transaction. At its end that
// transaction counts as seen, so nobody numbers it again.
import { createHash } from 'node:crypto'
import { type MovedRow, type MovedTable, type MovedValue, movedTables } from '../../seam/moves.ts'
import { fromElsewhere } from '../shared/attributes.ts'
import { hasOwnId } from '../shared/message-row.ts'
import { sliceRows, slicesOf } from '../shared/moved-slices.ts'
import { heldNow } from './desk-groups.ts'
import { slotOf } from './messages.ts'
import { countedNow } from './selected.ts'
import { snapshotOf, snapshotText } from './snapshot.ts'
import { one, type Statements } from './statements.ts'
import { escaped } from './values.ts'

/** The columns that are expressions here. */
const named: Partial<Record<MovedTable, Readonly<Record<string, string>>>> = {
  log: {
    position: 'r.position - 1 + m.rank as position',
    stream: 'r.stream >> 16 as stream',
    own_id: 'flags as own_id',
  },
  desk_groups: { held: 'n.held', last_at: 'n.last_at' },
  operations: { done: 'n.done', refused: 'n.refused', failures: 'n.failures', next_at: 'n.next_at' },
}

/** Where the rows of a table are, where that is no table of its name; with their order where it counts. */
const from: Partial<Record<MovedTable, string>> = {
  streams: 'millrace.sources',
  log: `millrace.runs r cross join lateral (
      select *, row_number() over (order by seq) as rank from millrace.messages
      where xid = r.xid and seq between r.seq_from and r.seq_to and stream = r.stream
    ) m order by r.stream, r.position, m.rank`,
  timers: 'millrace.timers order by due, n',
  desk_groups: `millrace.desk_groups t cross join lateral (${heldNow('t')}) n`,
  operations: `millrace.operations o cross join lateral (${countedNow}) n`,
  pending_actions: 'millrace.pending_actions where answered_at is null',
  gathered: 'millrace.gathered order by gather, context, place',
}

const keysOf = 'keys of '

const readTexts: Partial<Record<MovedTable, string>> = {
  key_names: `select substr(key, ${keysOf.length + 1}) as processor, value as name from millrace.meta
    where starts_with(key, '${keysOf}')`,
  gathers: `select distinct on (gather, context) ${movedTables.gathers.join(', ')} from millrace.gathers
    order by gather, context, n desc`,
  facts: `select 'desk' as fact, greatest(last_value, (select coalesce(max(id), 0) from millrace.desk)) as value
      from millrace.desk_numbers
    union all select 'flows', last_value from millrace.flow_numbers
    union all select 'entries', last_value from millrace.entry_numbers
    union all select 'mails', last_value from millrace.mail_numbers`,
}

function readText(table: MovedTable): string {
  const own = table === 'desk_groups' ? 't.' : table === 'operations' ? 'o.' : ''
  const columns = movedTables[table].map(
    (column: string) => named[table]?.[column] ?? (column === 'stream' ? `${own}stream >> 16 as stream` : own + column),
  )
  return readTexts[table] ?? `select ${columns.join(', ')} from ${from[table] ?? `millrace.${table}`}`
}

/** The rows of a table, in the transaction that is open on a connection. */
export async function* readMoved(db: Statements, table: MovedTable): AsyncGenerator<readonly MovedRow[]> {
  // A statement has the same columns each time: so each table has a cursor of its own.
  await db.run(`declare moved_${table} no scroll cursor for ${readText(table)}`)
  for (;;) {
    const rows = await db.all<Record<string, MovedValue | boolean>>(`fetch ${fetchRows} from moved_${table}`)
    if (rows.length === 0) break
    yield* slicesOf(rows.map(plain))
  }
  await db.run(`close moved_${table}`)
}

/** Rows that are fetched at once: each may be as large as a message. */
const fetchRows = Math.floor(sliceRows / 5)

const plain = (row: Readonly<Record<string, MovedValue | boolean>>): MovedRow =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'boolean' ? Number(value) : value]),
  )

/** Rows of these tables have a slot, by their context, or by their id where they have none. */
const slotFrom: Partial<Record<MovedTable, (row: MovedRow) => { context: MovedValue; id: MovedValue }>> = {
  log: ({ context, id }) => ({ context: context!, id: id! }),
  timers: ({ context, message_id }) => ({ context: context!, id: message_id! }),
  desk: ({ context, message_id }) => ({ context: context!, id: message_id! }),
  flows: ({ context, id }) => ({ context: context!, id: String(id) }),
  mail: ({ context }) => ({ context: context!, id: '' }),
  gathers: ({ context, gather }) => ({ context: context === '' ? null : context!, id: gather! }),
  requests: ({ id }) => ({ context: null, id: id! }),
  withdrawn: ({ id }) => ({ context: null, id: id! }),
}

const sequenceOf: Readonly<Record<string, string>> = {
  desk: 'desk_numbers',
  flows: 'flow_numbers',
  entries: 'entry_numbers',
  mails: 'mail_numbers',
}

/** Tables that number their rows by themselves. */
const numbered = ['sources', 'kinds', 'desk_groups', 'audit', 'operations']

interface Place {
  readonly seq: number
  readonly xid: number
}

/** Writes rows into tables that are empty, in the transaction that is open on a connection. */
export class MovedRows {
  private readonly db: Statements
  private readonly kinds = new Map<number, MovedRow>()
  private readonly bytes = new Map<number, number>()

  constructor(db: Statements) {
    this.db = db
  }

  async write(table: MovedTable, rows: readonly MovedRow[]): Promise<void> {
    const { db } = this
    if (table === 'facts') for (const { fact, value } of rows) await this.fact(fact as string, value as number)
    else if (table === 'key_names') {
      await this.insert(
        'meta',
        rows.map(({ processor, name }) => ({ key: `${keysOf}${processor}`, value: name! })),
      )
    } else if (table === 'log') await this.append(rows)
    else
      await this.insert(
        table === 'streams' ? 'sources' : table,
        rows.map((row) => this.placed(table, row)),
      )
    if (table === 'kinds') for (const row of rows) this.kinds.set(row['id'] as number, row)
    if (table === 'timers') {
      const [row] = await db.all<{ xid: number }>(`select pg_current_xact_id()::text::int8 + value::int8 as xid
        from millrace.meta where key = 'offset'`)
      await this.claim(
        rows.map((message) => ({ ...message, id: message['message_id']! })),
        () => row!.xid,
      )
    }
  }

  /** Ends: what was written counts as seen, and what is numbered from now on goes on. */
  async end(): Promise<void> {
    const { db } = this
    const text = 'select pg_current_snapshot()::text as snapshot, pg_current_xact_id()::text::int8 as own'
    const { snapshot, own } = (await one<{ snapshot: string; own: number }>(db, text))!
    await db.run('update millrace.folded set snapshot = $1 where unit = 0', [snapshotText(snapshotOf(snapshot, own))])
    for (const table of numbered) {
      await db.all(`select setval(pg_get_serial_sequence('millrace.${table}', 'id'), coalesce(max(id), 1), max(id) is not null)
        from millrace.${table}`)
    }
  }

  private placed(table: MovedTable, row: MovedRow): MovedRow {
    const of = slotFrom[table]?.(row)
    const slot = of && slotOf({ context: of.context as string | null, id: of.id as string })
    return { ...row, ...(slot !== undefined && { slot }), ...('stream' in row && { stream: streamOf(row) }) }
  }

  /** Appends messages, each run of which is one of a stream, its positions one after the other. */
  private async append(rows: readonly MovedRow[]): Promise<void> {
    const messages = rows.map((row) => {
      const { position: _, own_id: flags, ...message } = this.placed('log', row)
      return { ...message, flags: flags! }
    })
    const places = await this.insert<Place>('messages', messages, 'seq, xid')
    const runs: Record<string, number>[] = []
    for (const [index, row] of rows.entries()) {
      const { seq, xid } = places[index]!
      const [stream, position] = [streamOf(row), row['position'] as number]
      const bytes = (this.bytes.get(stream) ?? 0) + Buffer.byteLength(row['data'] as string)
      this.bytes.set(stream, bytes)
      const last = runs.at(-1)
      if (last?.['stream'] === stream && last['position']! + last['count']! === position) {
        Object.assign(last, { count: last['count']! + 1, seq_to: seq, bytes })
      } else runs.push({ stream, position, count: 1, xid, seq_from: seq, seq_to: seq, bytes })
    }
    await this.insert('runs', runs)
    const withKinds = rows.map((row) => ({ ...this.kinds.get(row['kind'] as number), ...row }))
    await this.claim(withKinds, (index) => places[index]!.xid)
  }

  /** Takes the ids of messages that have one of their own. */
  private async claim(messages: readonly MovedRow[], xidOf: (index: number) => number): Promise<void> {
    const taken = messages.flatMap(({ type, version, id, stream, data, attributes, own_id: flags }, index) => {
      if (!hasOwnId(flags as number)) return []
      const source = attributes === null ? '' : fromElsewhere(attributes as string).source
      const hash = `\\x${createHash('sha256').update(`${version} ${data}`).digest('hex')}`
      return [{ type: type!, id: id!, source, hash, stream: (stream as number) << 16, xid: xidOf(index) }]
    })
    await this.insert('ids', taken)
  }

  private async insert<Row extends object>(table: string, rows: readonly MovedRow[], returning = ''): Promise<Row[]> {
    if (rows.length === 0) return []
    const columns = Object.keys(rows[0]!).join(', ')
    const text = `insert into millrace.${table} (${columns}) overriding system value
      select ${columns} from json_populate_recordset(null::millrace.${table}, $1)`
    const json = JSON.stringify(rows, (_, value) => asJson(value))
    return this.db.all<Row>(returning === '' ? text : `${text} returning ${returning}`, [json])
  }

  private async fact(fact: string, value: number): Promise<void> {
    const { db } = this
    if (fact === 'clean') await db.run('update millrace.leases set clean = $1 where unit = 0', [value === 1])
    else await db.all(`select setval('millrace.${sequenceOf[fact]}', $1)`, [value])
  }
}

const streamOf = ({ stream }: MovedRow): number => (stream as number) << 16

/** A value as the server reads it in JSON. */
function asJson(value: unknown): unknown {
  if (typeof value === 'string') return escaped(value)
  return value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : value
}
