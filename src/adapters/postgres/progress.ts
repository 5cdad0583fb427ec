// How far each processor is in each stream. The row of a commit is the acknowledgement of what it has handled.
//
//   changed ──in the row of its commit──→ durable ──folded, each thousand commits or ten seconds──→ a row of its own
//
// Its owner keeps all of it in memory: a row that each commit updates would grow slow under any long transaction.
import { fault } from '../../model/errors.ts'
import type { ProgressRow, ProgressStore, Subscribed } from '../../seam/progress.ts'
import { keyNameOf, newKeyName } from './key-names.ts'
import { type Beside, one, type Statements, type Transaction } from './statements.ts'

/** A row as a commit has it. */
type Kept = readonly [processor: string, stream: number, epoch: number, low: number, done: string | null]

type TakenUp = Pick<Subscribed, 'epoch' | 'low' | 'done' | 'generation'>

const takeUpText = `insert into millrace.progress as p (processor, stream, epoch, low) values ($1, $2, 1, $3)
  on conflict (processor, stream) do update set epoch = p.epoch + 1, low = coalesce($4, p.low),
    done = case when $4 is null then p.done else $5 end
  returning epoch, low, done, generation`
const foldText = `insert into millrace.progress as p (processor, stream, epoch, low, done)
  select * from unnest($1::text[], $2::int4[], $3::int8[], $4::int8[], $5::bytea[])
  on conflict (processor, stream) do update set low = excluded.low, done = excluded.done where p.epoch = excluded.epoch`
const resetText = `update millrace.progress set epoch = epoch + 1, generation = generation + 1, low = $3, done = null
  where processor = $1 and stream = $2 returning processor, stream, epoch, low, done`
const clearText = 'delete from millrace.marks where processor = any($1::text[])'

export class ProgressTable implements ProgressStore {
  private readonly where: string
  private readonly beside: Beside
  private readonly rowsNow = new Map<string, ProgressRow>()
  /** Those that have changed since they were folded. */
  private readonly changed = new Set<string>()
  private readonly headOf: (stream: number) => number

  constructor(where: string, beside: Beside, headOf: (stream: number) => number) {
    this.where = where
    this.beside = beside
    this.headOf = headOf
  }

  /** What a take-over has found. */
  take(rows: readonly ProgressRow[]): void {
    for (const row of rows) this.rowsNow.set(keyOf(row), row)
  }

  async subscribe(processor: string, stream: number, after: number): Promise<Subscribed> {
    const { keyName, ...row } = await this.beside.write(async (db) => {
      const now = this.rowsNow.get(keyOf({ processor, stream }))
      const values = [processor, stream, after, now?.low ?? null, now?.done ?? null]
      const taken = (await one<TakenUp>(db, takeUpText, values))!
      this.keeps(db, { processor, stream, ...taken })
      return { ...taken, keyName: await (taken.epoch === 1 ? newKeyName : keyNameOf)(db, processor) }
    })
    const head = this.headOf(stream)
    if (row.low > head) {
      throw fault(
        'millrace/corrupt-file',
        `${this.where}: processor "${processor}" is at ${row.low}, but its stream ends at ${head}`,
      )
    }
    const text = 'select position from millrace.marks where processor = $1 and stream = $2 order by position'
    const marks = await this.beside.read((db) => db.all<{ position: number }>(text, [processor, stream]))
    return { processor, stream, ...row, marks: marks.map(({ position }) => position), keyName }
  }

  async rows(): Promise<ProgressRow[]> {
    return [...this.rowsNow.values()]
  }

  async clearMarks(processors: readonly string[]): Promise<void> {
    await this.beside.write((db) => db.run(clearText, [processors]))
  }

  /** Remembers marks; in the transaction of a commit. */
  async mark(
    db: Statements,
    marks: readonly { readonly processor: string; readonly stream: number; readonly position: number }[],
  ): Promise<void> {
    if (marks.length === 0) return
    const text = `insert into millrace.marks select * from unnest($1::text[], $2::int4[], $3::int8[])
      on conflict do nothing`
    await db.run(text, [
      marks.map(({ processor }) => processor),
      marks.map(({ stream }) => stream),
      marks.map(({ position }) => position),
    ])
  }

  /** Lets a processor begin anew after a position. Returns false where it has no row. */
  async reset(db: Transaction, processor: string, stream: number, after: number): Promise<boolean> {
    const row = await one<ProgressRow>(db, resetText, [processor, stream, after])
    if (row !== undefined) this.keeps(db, row)
    return row !== undefined
  }

  /** Forgets a processor in a stream. Returns false where it has no row. */
  async retire(db: Transaction, processor: string, stream: number): Promise<boolean> {
    const gone = await db.run('delete from millrace.progress where processor = $1 and stream = $2', [processor, stream])
    db.committed(() => {
      this.rowsNow.delete(keyOf({ processor, stream }))
      this.changed.delete(keyOf({ processor, stream }))
    })
    return gone > 0
  }

  /** The rows of a commit, as its row has them; they count when it is committed. */
  write(db: Transaction, rows: readonly ProgressRow[]): string {
    for (const row of rows) {
      if (this.rowsNow.get(keyOf(row))?.epoch === row.epoch) continue
      throw fault(
        'millrace/ownership-lost',
        `processor "${row.processor}" was taken over: its epoch ${row.epoch} has ended`,
      )
    }
    db.committed(() => {
      for (const row of rows) {
        this.rowsNow.set(keyOf(row), row)
        this.changed.add(keyOf(row))
      }
    })
    return JSON.stringify(rows.map(keptOf))
  }

  /** Writes what has changed into rows of its own, with the rows of the present commit. */
  async fold(db: Transaction, present: readonly ProgressRow[]): Promise<void> {
    const rows = new Map([...this.changed].map((key) => [key, this.rowsNow.get(key)!]))
    for (const row of present) rows.set(keyOf(row), row)
    db.committed(() => this.changed.clear())
    await foldRows(db, [...rows.values()])
  }

  private keeps(db: Transaction, row: ProgressRow): void {
    const { processor, stream, epoch, low, done } = row
    db.committed(() => this.rowsNow.set(keyOf(row), { processor, stream, epoch, low, done }))
  }
}

export async function foldRows(db: Statements, rows: readonly ProgressRow[]): Promise<void> {
  if (rows.length === 0) return
  await db.run(foldText, [
    rows.map(({ processor }) => processor),
    rows.map(({ stream }) => stream),
    rows.map(({ epoch }) => epoch),
    rows.map(({ low }) => low),
    rows.map(({ done }) => done),
  ])
}

const keyOf = ({ processor, stream }: Pick<ProgressRow, 'processor' | 'stream'>) => `${stream} ${processor}`

const keptOf = ({ processor, stream, epoch, low, done }: ProgressRow): Kept => [
  processor,
  stream,
  epoch,
  low,
  done === null ? null : Buffer.from(done).toString('base64'),
]

/** The rows of a commit that was written. */
export function progressOf(json: string): ProgressRow[] {
  return (JSON.parse(json) as Kept[]).map(([processor, stream, epoch, low, done]) => ({
    processor,
    stream,
    epoch,
    low,
    done: done === null ? null : new Uint8Array(Buffer.from(done, 'base64')),
  }))
}

/** The progress as it is stored: folded rows, with the rows of commits since. */
export async function readProgress(db: Statements): Promise<ProgressRow[]> {
  const rows = new Map<string, ProgressRow>()
  const folded = db.all<ProgressRow>('select processor, stream, epoch, low, done from millrace.progress')
  const since = db.all<{ progress: string }>(
    `select c.progress from millrace.commits c join millrace.folded f on f.unit = c.unit
     where c.unit = 0 and c.n > f.n order by c.n`,
  )
  for (const row of await folded) rows.set(keyOf(row), row)
  for (const { progress } of await since) {
    for (const row of progressOf(progress)) if (rows.get(keyOf(row))?.epoch === row.epoch) rows.set(keyOf(row), row)
  }
  return [...rows.values()]
}
