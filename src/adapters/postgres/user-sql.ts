// The rules for SQL of users: one statement, always by the extended protocol, and none that touches the transaction or
// stays on the connection behind it.
import { fault } from '../../model/errors.ts'
import { hasPieces, statementOf } from '../../model/sql.ts'
import type { Value } from '../../model/value.ts'
import type { Sent } from './connection.ts'
import { userTypes, valueFor } from './values.ts'

/** White space, comments and brackets before a statement. */
const before = /^(?:[\s(;]+|--[^\n]*(?:\n|$)|\/\*(?:[^*]|\*(?!\/))*(?:\*\/|$))+/

/** Words that control transactions, or that leave something on the connection. */
const refused =
  /^(?:begin|start|commit|end|rollback|abort|savepoint|release|prepare|deallocate|discard|listen|unlisten|notify|copy|vacuum|load|lock\s+(?:table\s+)?millrace)\b/i
/** `set` lasts as long as the transaction only with `local`; `reset` undoes what is ours. */
const session = /^(?:set(?!\s+(?:local|constraints)\b)|reset)\b/i

/** @throws `millrace/denied` for a statement that a function may not make */
export function checkStatement(text: string): void {
  const statement = text.replace(before, '')
  const what = refused.exec(statement) ?? session.exec(statement)
  if (what === null) return
  throw fault(
    'millrace/denied',
    `a statement of user code may not begin with "${what[0].toLowerCase()}": it may not control the transaction, nor leave anything on the connection (use set local)`,
  )
}

/** The text of a template: `$1`, `$2`, … for its values. */
function numbered(text: readonly string[]): string {
  let whole = text[0]!
  for (let index = 1; index < text.length; index++) whole += `$${index}${text[index]}`
  return whole
}

// An empty list, of values of any type: `in` finds no row with it, `not in` every row.
const emptyList = '(/* no values */ null) is true'
const notInEmpty = /\bnot\s+in\s*\(\/\* no values \*\/ null\) is true/gi
const everyRow = 'not in (null) is not false'

/**
 * A tagged template as a statement.
 *
 * @throws `millrace/bad-value`, `millrace/denied`
 */
export function userStatement(template: unknown, given: readonly unknown[]): Sent {
  const { text, values } = statementOf(template, given, emptyList)
  const whole = hasPieces(given) ? numbered(text).replace(notInEmpty, everyRow) : numbered(text)
  checkStatement(whole)
  return { text: whole, values: values.map(userValue), types: userTypes, queryMode: 'extended' }
}

/** Text of users goes in as it is. */
const userValue = (value: Value) => (typeof value === 'string' ? value : valueFor(value))
