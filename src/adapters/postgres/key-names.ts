// The names in idempotency keys. A processor has its own name in them until it is renamed: then it keeps the old one, and a
// row of `millrace.meta` says so. A new processor with that name gets another, so that no two share a key.
import { one, type Statements } from './statements.ts'

const keyOf = (processor: string) => `keys of ${processor}`

export async function keyNameOf(db: Statements, processor: string): Promise<string> {
  const text = 'select value from millrace.meta where key = $1'
  return (await one<{ value: string }>(db, text, [keyOf(processor)]))?.value ?? processor
}

/** The name for a processor that is new. */
export async function newKeyName(db: Statements, processor: string): Promise<string> {
  const taken = `select value from millrace.meta where key like 'keys of %' and key <> $1`
  const rows = await db.all<{ value: string }>(taken, [keyOf(processor)])
  const others = new Set(rows.map(({ value }) => value))
  let name = await keyNameOf(db, processor)
  // No name of a processor has such a sign.
  for (let n = 2; others.has(name); n++) name = `${processor}~${n}`
  await keep(db, processor, name)
  return name
}

export async function renameKeys(db: Statements, from: string, to: string): Promise<void> {
  const name = await keyNameOf(db, from)
  await forgetKeyName(db, from)
  await keep(db, to, name)
}

export async function forgetKeyName(db: Statements, processor: string): Promise<void> {
  await db.run('delete from millrace.meta where key = $1', [keyOf(processor)])
}

async function keep(db: Statements, processor: string, name: string): Promise<void> {
  if (name === processor) await forgetKeyName(db, processor)
  else {
    const put = 'insert into millrace.meta values ($1, $2) on conflict (key) do update set value = excluded.value'
    await db.run(put, [keyOf(processor), name])
  }
}
