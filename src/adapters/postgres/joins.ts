// Publishing in transactions of users, by a function in the database: they depend on no column of ours.
import type { Stored } from '../../model/codec.ts'
import { fault } from '../../model/errors.ts'
import { type Accepted, idConflict } from '../../model/publish.ts'
import { type RunStatement, rowsOf } from '../../model/publish-in.ts'
import type { Joins } from '../../seam/joins.ts'
import { escaped } from './values.ts'

const text = 'select millrace.publish_in($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as outcome'

export const joins: Joins = { publish }

async function publish(run: RunStatement, message: Stored, destination: string): Promise<Accepted> {
  const { type, version, source, id, ownId, time, context, trace, json } = message
  const texts = [destination, type, version, source, id, ownId, time, context, trace, json]
  const values = texts.map((value) => (value === null ? null : escaped(String(value))))
  const [row] = rowsOf(await run(text, values)) as { readonly outcome?: unknown }[]
  switch (row?.outcome) {
    case 'new':
      return { id }
    case 'same':
      return { id, duplicate: true }
    case 'other':
      throw idConflict(message)
    case 'unknown':
      throw fault(
        'millrace/unknown-type',
        `the database does not know version ${version} of "${type}" from ${source}: start the app once, then publish`,
      )
    default:
      throw fault('millrace/bad-option', 'publishIn: the function has not returned the row of the statement')
  }
}
