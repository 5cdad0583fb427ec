import { onPostgres } from '../broker-at.ts'
import { type Call, takeWords } from '../call.ts'

/** Prints what makes the schema in PostgreSQL, for who makes it by hand. */
export async function sql(call: Call): Promise<number> {
  takeWords(call, [], 0)
  const { out } = call
  const { formatKnown, schemaText } = await onPostgres(() => import('../../adapters/postgres/schema.ts'))
  const text = `begin;\n${schemaText()}\ncommit;`
  if (out.json) out.object({ format: formatKnown, sql: text })
  else for (const line of text.split('\n')) out.line(line)
  return 0
}
