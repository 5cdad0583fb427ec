// The journals of flows: what each step began with, and how it ended.
import type { JournalEntry } from '../../model/flow.ts'
import { lists } from './lists.ts'
import type { Numbers } from './numbers.ts'
import type { Sent } from './sent.ts'
import { one, type Statements } from './statements.ts'

type Row = Omit<JournalEntry, 'data'> & { readonly data: string | null }

/** An entry that is written. */
interface Entered {
  readonly flow: number
  readonly entry: JournalEntry
  /** Only where its flow exists. */
  readonly isEnd: boolean
}

type Change = Entered | { readonly flow: number; readonly from: number; readonly n: number }

const ofText = `select n, of_n as "of", kind, step, what, data, at from millrace.journal where flow = $1 order by n`
const enterText = `insert into millrace.journal
  select flow, n, of_n, kind, step, what, data, at
  from unnest($1::int8[], $2::int8[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int8[], $9::bool[])
    as e (flow, n, of_n, kind, step, what, data, at, is_end)
  where not is_end or (select true from millrace.flows f where f.id = e.flow)
  returning flow, n`
const columns = [
  ({ flow }: Entered) => flow,
  ({ entry }: Entered) => entry.n,
  ({ entry }: Entered) => entry.of,
  ({ entry }: Entered) => entry.kind,
  ({ entry }: Entered) => entry.step,
  ({ entry }: Entered) => entry.what,
  ({ entry: { data } }: Entered) => (data === null ? null : JSON.stringify(data)),
  ({ entry }: Entered) => entry.at,
  ({ isEnd }: Entered) => isEnd,
]
const endText = `select 1 as one from millrace.journal where flow = $1 and n > $2 and of_n = $2 and step = '' limit 1`
const waitsText = `select n, of_n as "of", what, case when of_n is not null then data end as data from millrace.journal
  where flow = $1 and kind = 'wait' order by n`

/** The entries of one transaction, in their order. */
export class JournalChanges {
  private readonly changes: Change[] = []

  enter(flow: number, entry: JournalEntry): void {
    this.changes.push({ flow, entry, isEnd: false })
  }

  /** Enters the end of a step where its flow exists. */
  enterEnd(flow: number, entry: JournalEntry): void {
    this.changes.push({ flow, entry, isEnd: true })
  }

  /** Gives an entry a higher number. */
  renumber(flow: number, from: number, n: number): void {
    this.changes.push({ flow, from, n })
  }

  /** Sends all: entries that follow each other as one statement. Returns those that are written, by `keyOf`. */
  send(db: Statements, sent: Sent, numbers: Numbers): Promise<ReadonlySet<string>> {
    const { changes } = this
    const written: Promise<{ flow: number; n: number }[]>[] = []
    let highest = 0
    for (let at = 0; at < changes.length; ) {
      const run: Entered[] = []
      for (let one = changes[at]; one !== undefined && 'entry' in one; one = changes[++at]) run.push(one)
      if (run.length > 0) written.push(sent.add(db.all<{ flow: number; n: number }>(enterText, lists(run, columns))))
      for (const { entry } of run) highest = Math.max(highest, entry.n)
      const next = changes[at]
      if (next === undefined || 'entry' in next) continue
      const text = 'update millrace.journal set n = $1 where flow = $2 and n = $3'
      sent.add(db.run(text, [next.n, next.flow, next.from]))
      highest = Math.max(highest, next.n)
      at++
    }
    const set = numbers.use(db, highest)
    if (set !== undefined) sent.add(set)
    return sent.add(Promise.all(written).then((rows) => new Set(rows.flat().map(({ flow, n }) => keyOf(flow, n)))))
  }
}

export const keyOf = (flow: number, n: number): string => `${flow}/${n}`

/** All entries of a flow, in order. */
export async function journalOf(db: Statements, flow: number): Promise<JournalEntry[]> {
  const rows = await db.all<Row>(ofText, [flow])
  return rows.map(({ data, ...entry }) => ({ ...entry, data: data === null ? null : JSON.parse(data) }))
}

/** Whether the command of a step has ended by itself, and not only for its flow. */
export async function hasEnd(db: Statements, flow: number, n: number): Promise<boolean> {
  return (await one(db, endText, [flow, n])) !== undefined
}

/** The types of mail that a flow waits for, each with the number of the mail that it has had last. */
export async function waitsOf(
  db: Statements,
  flow: number,
): Promise<{ readonly type: string; readonly had: number }[]> {
  const waits = await db.all<Pick<Row, 'n' | 'of' | 'what' | 'data'>>(waitsText, [flow])
  const open = new Map<number, string>()
  const last = new Map<string, string | null>()
  for (const { n, of, what, data } of waits) {
    if (of === null) open.set(n, what)
    else {
      open.delete(of)
      last.set(what, data)
    }
  }
  return [...new Set(open.values())].map((type) => ({ type, had: mailIn(last.get(type)) }))
}

/** The mail by which a wait has ended; 0 where it has ended for another reason. */
function mailIn(data: string | null | undefined): number {
  const value = data === null || data === undefined ? undefined : (JSON.parse(data) as { value?: { mail?: number } })
  return value?.value?.mail ?? 0
}
