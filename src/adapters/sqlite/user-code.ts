// The rules for SQL of users. One connection serves the statements of Millrace and those of users; a flag tells the
// authorizer whose statement runs.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { fault } from '../../model/errors.ts'
import { checkTag, hasPieces, statementOf } from '../../model/sql.ts'
import { checkValues, type Value } from '../../model/value.ts'
import { constants } from '../node/sqlite.ts'
import { bound, exact, plainRow } from './values.ts'

const forbidden = new Set([
  constants.SQLITE_TRANSACTION,
  constants.SQLITE_SAVEPOINT,
  constants.SQLITE_ATTACH,
  constants.SQLITE_DETACH,
  constants.SQLITE_PRAGMA,
])
const harmless = new Set([
  constants.SQLITE_SELECT,
  constants.SQLITE_READ,
  constants.SQLITE_FUNCTION,
  constants.SQLITE_RECURSIVE,
])
const ours = (name: string | null) => name?.toLowerCase().startsWith('millrace_') === true
const sqliteAuth = 23

/** Guards a connection: while `asUser` runs, only what users may do is allowed. */
export class Guard {
  readonly db: DatabaseSync
  private user = false
  private text = ''

  constructor(db: DatabaseSync) {
    this.db = db
    // Set before the first statement is prepared: savepoints prepared earlier would fail under a later authorizer.
    db.setAuthorizer((action, first, second) => {
      if (!this.user || harmless.has(action)) return constants.SQLITE_OK
      if (forbidden.has(action) || ours(first) || ours(second)) return constants.SQLITE_DENY
      // The new name of a table is not told, only its text has it.
      const intrudes = action === constants.SQLITE_ALTER_TABLE && /millrace_/i.test(this.text)
      return intrudes ? constants.SQLITE_DENY : constants.SQLITE_OK
    })
  }

  /** `text` is what `fn` prepares, where it prepares anything. */
  asUser<T>(fn: () => T, text = ''): T {
    this.user = true
    this.text = text
    try {
      return fn()
    } catch (cause) {
      if ((cause as { errcode?: number }).errcode !== sqliteAuth) throw cause
      throw fault(
        'millrace/denied',
        'a statement of user code may not control transactions, attach files, use a pragma or write to a table of Millrace',
        { cause },
      )
    } finally {
      this.user = false
    }
  }
}

/** Values of one statement that SQLite binds. */
const valuesMax = 32_766
/** Statements with lists or fragments that are kept. */
const keptMax = 128

/** White space, semicolons and comments. */
const nothingIn = /^(?:[\s;]+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))+/

const inShort = (sql: string) => (sql.length > 60 ? `${sql.slice(0, 60)}…` : sql)

/** Runs tagged templates on a connection. Each place in the code is prepared once; what is put together, by its text. */
export class UserStatements {
  private readonly guard: Guard
  private readonly prepared = new WeakMap<TemplateStringsArray, StatementSync>()
  /** Those with lists or fragments, the one used last at the end. */
  private readonly kept = new Map<string, StatementSync>()

  constructor(guard: Guard) {
    this.guard = guard
  }

  run<Row>(text: TemplateStringsArray, values: readonly unknown[]): Row[] {
    checkTag(text)
    if (hasPieces(values)) return this.runComposed(text, values)
    checkValues(values)
    const known = this.prepared.get(text)
    const sql = known === undefined ? text.join('?') : ''
    return this.guard.asUser(() => {
      const statement = known ?? this.prepare(sql)
      if (known === undefined) this.prepared.set(text, statement)
      return rowsOf<Row>(statement, values)
    }, sql)
  }

  private prepare(sql: string): StatementSync {
    const statement = exact(this.guard.db.prepare(sql))
    // SQLite takes the first statement, and says nothing about what follows it.
    const next = sql.slice(statement.sourceSQL.length).replace(nothingIn, '')
    if (next !== '')
      throw fault('millrace/two-statements', `a query is one statement, and another follows: ${inShort(next)}`)
    return statement
  }

  private runComposed<Row>(template: TemplateStringsArray, given: readonly unknown[]): Row[] {
    const { text, values } = statementOf(template, given)
    if (values.length > valuesMax) {
      throw fault(
        'millrace/bad-value',
        `the statement has ${values.length} values, more than ${valuesMax}: run it for a part of its list at a time`,
      )
    }
    const sql = text.join('?')
    return this.guard.asUser(() => {
      const statement = this.kept.get(sql) ?? this.prepare(sql)
      this.kept.delete(sql)
      this.kept.set(sql, statement)
      if (this.kept.size > keptMax) this.kept.delete(this.kept.keys().next().value!)
      return rowsOf<Row>(statement, values)
    }, sql)
  }
}

function rowsOf<Row>(statement: StatementSync, values: readonly Value[]): Row[] {
  const rows = statement.all(...values.map(bound)) as Row[]
  return rows.length === 0 ? rows : rows.map(plainRow)
}
