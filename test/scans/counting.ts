// Counts what one act reads: rows that its statements visit, whether they give them or not, and rows that they give.
//
// SQLite tells nobody how many rows it visits. So each select, and what an insert or a delete reads, runs a second time, on a connection where each table is hidden
// by a view of the same name whose condition counts: `select * from main.t where visited(key)`. SQLite flattens such a view
// into the select, and the plan stays the same, which is checked.
import assert from 'node:assert/strict'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { sqliteOn } from '../../src/adapters/sqlite/index.ts'
import { nodeDisk } from '../../src/adapters/sqlite/node-disk.ts'
import type { Broker } from '../../src/seam/store.ts'

type Values = Parameters<StatementSync['all']>

const isOurs = /\bmillrace_|\bsqlite_sequence\b/

/** What a statement reads, as a select: of an update that is not known. */
function selectOf(sql: string): string | undefined {
  const text = sql
    .replace(/^\s*insert (?:or \w+ )?into \w+\s+(?=select\b)/i, '')
    .replace(/^\s*delete (?=from\b)/i, 'select 1 ')
  return /^\s*(select|with)\b/i.test(text) ? text : undefined
}

export class Counting {
  readonly broker: Broker
  private readonly file: string
  private shadow: DatabaseSync | undefined
  private visited = 0
  private given = 0
  private runs = new Map<string, number>()
  private counts = false
  private readonly otherPlans = new Set<string>()

  constructor(file: string) {
    this.file = file
    this.broker = sqliteOn({ file }, nodeDisk, (path, how) => {
      const db = new DatabaseSync(path, how)
      if (path.endsWith('-owner')) return db
      const { prepare } = db
      return Object.assign(db, {
        prepare: (sql: string) => this.through(sql, prepare.call(db, sql)),
      })
    })
  }

  /** What an act costs: the least of some times, since a timer of the engine may fall into one of them. */
  async least(act: (round: number) => Promise<unknown>): Promise<Cost> {
    let least: Cost | undefined
    for (let round = 0; round < 5; round++) {
      this.visited = 0
      this.given = 0
      this.runs = new Map()
      this.counts = true
      await act(round)
      this.counts = false
      const cost = { visited: this.visited, given: this.given, statements: sum(this.runs.values()) }
      if (least === undefined || total(cost) < total(least)) least = cost
    }
    assert.deepEqual([...this.otherPlans], [], 'what is counted goes another way than what runs')
    return least!
  }

  /** The statements of the latest act that ran most often, for whoever looks for the reason of a failure. */
  get often(): string[] {
    const most = [...this.runs].sort(([, a], [, b]) => b - a).slice(0, 5)
    return most.map(([sql, times]) => `${times} × ${sql.replace(/\s+/g, ' ')}`)
  }

  close(): void {
    this.shadow?.close()
    this.looks?.close()
  }

  private through(sql: string, statement: StatementSync): StatementSync {
    if (!isOurs.test(sql)) return statement
    const select = selectOf(sql)
    const note = (values: Values, rows: number) => {
      if (!this.counts) return
      this.given += rows
      this.runs.set(sql, (this.runs.get(sql) ?? 0) + 1)
      if (select !== undefined) this.visit(select, values)
    }
    return {
      all: (...values: Values) => {
        const rows = statement.all(...values)
        note(values, rows.length)
        return rows
      },
      get: (...values: Values) => {
        const row = statement.get(...values)
        note(values, row === undefined ? 0 : 1)
        return row
      },
      run: (...values: Values) => {
        const result = statement.run(...values)
        note(values, Number(result.changes))
        return result
      },
      *iterate(...values: Values) {
        let rows = 0
        try {
          for (const row of statement.iterate(...values)) {
            rows++
            yield row
          }
        } finally {
          note(values, rows)
        }
      },
    } as never
  }

  private visit(sql: string, values: Values): void {
    this.shadow ??= this.openShadow()
    const statement = this.shadow.prepare(sql)
    const [one, other] = [this.shadow, this.plain].map((db) => planOf(db, sql).map(withoutName).join())
    if (one !== other) this.otherPlans.add(`${sql}\n${one}\n${other}`)
    statement.all(...values)
  }

  private openShadow(): DatabaseSync {
    const db = new DatabaseSync(this.file, { readOnly: true })
    const hidden = "select name from sqlite_schema where type = 'table' and name like 'millrace%'"
    db.function('visited', { deterministic: false }, (_key) => ++this.visited)
    for (const { name } of db.prepare(hidden).all() as { name: string }[]) {
      const [key] = db.prepare('select name from pragma_table_info(?) order by pk = 0, pk').all(name) as {
        name: string
      }[]
      db.exec(`create temp view ${name} as select * from main.${name} where visited(${key!.name})`)
    }
    return db
  }

  private get plain(): DatabaseSync {
    this.looks ??= new DatabaseSync(this.file, { readOnly: true })
    return this.looks
  }

  private looks: DatabaseSync | undefined
}

export interface Cost {
  readonly visited: number
  readonly given: number
  readonly statements: number
}

const sum = (numbers: Iterable<number>) => [...numbers].reduce((all, one) => all + one, 0)
const total = ({ visited, given, statements }: Cost) => visited + given + statements

/** A table has another name behind a view. */
const withoutName = (detail: string) => detail.replace(/^(SEARCH|SCAN) \S+/, '$1')

export function planOf(db: DatabaseSync, sql: string): string[] {
  const rows = db.prepare(`explain query plan ${sql}`).all() as { detail: string }[]
  return rows.map(({ detail }) => detail)
}
