import type { DatabaseSync } from 'node:sqlite'
import { DeskViews } from '../adapters/sqlite/desk-reads.ts'
import { FlowViews } from '../adapters/sqlite/flow-reads.ts'
import type { LogTableRow } from '../adapters/sqlite/kinds.ts'
import { Log } from '../adapters/sqlite/log.ts'
import { logsIn, logTable } from '../adapters/sqlite/log-tables.ts'
import { Statements } from '../adapters/sqlite/statements.ts'
import { bound, exact, plainRow } from '../adapters/sqlite/values.ts'
import { decode } from '../model/codec.ts'
import type { DeskRow } from '../model/desk-views.ts'
import { isMillraceError } from '../model/errors.ts'
import { failures } from '../model/failures.ts'
import type { Question } from '../model/flow-views.ts'
import type { Message, MessageType } from '../model/message.ts'
import { type Fragment, type List, statementOf } from '../model/sql.ts'
import type { Value } from '../model/value.ts'
import { tellingOf } from '../operate/told.ts'
import type { Machine } from './machine/machine.ts'

/** The committed state of a simulation. Reading it lets no time pass. */
export interface View {
  /** The seed of the simulation. */
  readonly seed: number
  /**
   * Returns the virtual time.
   *
   * @returns milliseconds since 1970
   *
   * @example
   * ```ts
   * await sim.untilIdle()
   * const before = sim.now()
   * await sim.advance(60_000)
   * console.assert(sim.now() === before + 60_000)
   * ```
   */
  now(): number
  /**
   * Reads all rows of a table.
   *
   * @param table the name of the table
   * @returns the rows, plain objects
   *
   * @example
   * ```ts
   * await sim.untilIdle()
   * const [row] = sim.rows<{ sku: string; left: number }>('stock')
   * console.assert(row!.left === 1_000)
   * ```
   */
  rows<Row = Record<string, unknown>>(table: string): Row[]
  /**
   * Reads rows by SQL, with a tagged template; values are bound.
   *
   * @returns the rows, plain objects
   * @throws `millrace/bad-value`; what the database says
   *
   * @example
   * ```ts
   * await sim.untilIdle()
   * const [row] = sim.query<{ left: number }>`select left from stock where sku = ${'sieve'}`
   * console.assert(row!.left === 1_000)
   * ```
   */
  query<Row = Record<string, unknown>>(text: TemplateStringsArray, ...values: (Value | List | Fragment)[]): Row[]
  /**
   * Returns all messages of a type in the log, oldest first.
   *
   * @param type an event or command of the app
   * @returns the messages, decoded
   *
   * @example
   * ```ts
   * await sim.publish(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'sieve', quantity: 1 })
   * console.assert(sim.published(OrderPlaced)[0]!.data.sku === 'sieve')
   * ```
   */
  published<T extends MessageType>(type: T): Message<T>[]
  /**
   * Returns the held messages, in the order in which they came to the desk.
   *
   * @returns rows as of `app.desk.list`
   *
   * @example
   * ```ts
   * await sim.publish(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'unknown', quantity: 1 })
   * await sim.untilIdle()
   * console.assert(sim.held()[0]!.processor === 'labels')
   * ```
   */
  held(): DeskRow[]
  /**
   * Returns the open questions of flows, oldest first.
   *
   * @returns the questions, as of `app.flows.questions`
   *
   * @example
   * ```ts
   * await sim.publish(OrderPlaced, { ...order, quantity: 500 })
   * await sim.untilIdle()
   * console.assert(sim.questions()[0]!.title === 'Sell 500?')
   * ```
   */
  questions(): Question[]
  /**
   * Returns the messages on the topic of failures, oldest first.
   *
   * @returns the messages, decoded
   *
   * @example
   * ```ts
   * await sim.publish(OrderPlaced, { orderId: 'o-1', customer: 'ada', sku: 'unknown', quantity: 1 })
   * await sim.untilIdle()
   * console.assert(sim.failures()[0]!.type === 'processing.failed')
   * ```
   */
  failures(): Message<(typeof failures.types)[number]>[]
  /**
   * Returns the trace so far. The same seed gives the same trace.
   *
   * @returns the lines, each with its virtual seconds
   *
   * @example
   * ```ts
   * await sim.untilIdle()
   * console.log(sim.trace().slice(-10).join('\n'))
   * ```
   */
  trace(): readonly string[]
}

const limit = Number.MAX_SAFE_INTEGER

/** Reads all rows of a list, page by page. */
function everyRow<Row extends { readonly id: number }>(read: (after: number) => readonly Row[]): Row[] {
  const all: Row[] = []
  for (;;) {
    const page = read(all.at(-1)?.id ?? 0)
    if (page.length === 0) return all
    for (const row of page) all.push(row)
  }
}

export function viewOf(machine: Machine, seed: number): View {
  const all = <Row>(sql: string, values: readonly unknown[]) =>
    machine.look(
      (db) =>
        exact(db.prepare(sql))
          .all(...(values as never[]))
          .map(plainRow) as Row[],
    )
  return {
    seed,
    now: () => machine.now(),
    rows: (table) => all(`select * from "${table.replaceAll('"', '""')}"`, []),
    query: (template, ...given) => {
      const { text, values } = statementOf(template, given)
      return all(text.join('?'), values.map(bound))
    },
    published: (type) => machine.look((db) => publishedIn(db, [type])),
    failures: () => machine.look((db) => publishedIn(db, failures.types)),
    questions: () =>
      machine.look((db) => everyRow((after) => new FlowViews(new Statements(db)).questions({ after, limit }))),
    held: () =>
      machine.look((db) => {
        const desk = new DeskViews(new Statements(db), new Log(db))
        const held = everyRow((after) => desk.list({ states: ['held'], after, limit }))
        return held.map(tellingOf(machine.app?.parts ?? []).row)
      }),
    trace: () => machine.trace.lines,
  }
}

function publishedIn<T extends MessageType>(db: DatabaseSync, types: readonly T[]): Message<T>[] {
  const names = JSON.stringify(types.map(({ name }) => name))
  const log = new Log(db)
  const found: Message<T>[] = []
  const logs = logsIn(db)
  for (const { id } of db.prepare('select id from millrace_streams order by id').all() as { id: number }[]) {
    if (!logs.has(id)) continue
    const rows = db
      .prepare(
        `select m.* from ${logTable(id)} m join millrace_kinds k on k.id = m.kind
         where k.type in (select value from json_each(?)) order by position`,
      )
      .all(names)
    for (const row of rows) {
      const stored = log.stored(id, row as unknown as LogTableRow)
      const message = decode(types.find(({ name }) => name === stored.type)!, stored)
      if (!isMillraceError(message)) found.push(message as Message<T>)
    }
  }
  return found
}
