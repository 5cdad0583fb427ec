// The names in idempotency keys. A processor has its own name in them until it is renamed: then it keeps the old one, and a
// row of `millrace_meta` says so. A new processor with that name gets another, so that no two share a key.
import type { Statements } from './statements.ts'

const keyOf = (processor: string) => `keys of ${processor}`

export function keyNameOf(sql: Statements, processor: string): string {
  const row = sql.one<{ value: string }>('select value from millrace_meta where key = ?', keyOf(processor))
  return row?.value ?? processor
}

/** The name for a processor that is new. */
export function newKeyName(sql: Statements, processor: string): string {
  const taken = `select value from millrace_meta where key glob 'keys of *' and key <> ?`
  const others = new Set(sql.all<{ value: string }>(taken, keyOf(processor)).map(({ value }) => value))
  let name = keyNameOf(sql, processor)
  // No name of a processor has such a sign.
  for (let n = 2; others.has(name); n++) name = `${processor}~${n}`
  keep(sql, processor, name)
  return name
}

export function renameKeys(sql: Statements, from: string, to: string): void {
  const name = keyNameOf(sql, from)
  forgetKeyName(sql, from)
  keep(sql, to, name)
}

export function forgetKeyName(sql: Statements, processor: string): void {
  sql.run('delete from millrace_meta where key = ?', keyOf(processor))
}

function keep(sql: Statements, processor: string, name: string): void {
  if (name === processor) forgetKeyName(sql, processor)
  else sql.run('insert or replace into millrace_meta values (?, ?)', keyOf(processor), name)
}
