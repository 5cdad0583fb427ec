// A statement of a function that is watched: its text and values, the rows that it returned, how many it changed, its error.
import type { DatabaseSync } from 'node:sqlite'
import type { CommitFunction, Ran } from '../../seam/commit.ts'

interface Watching {
  readonly db: DatabaseSync
  readonly watch: NonNullable<CommitFunction['watch']>
}

/** Runs a statement and tells of it. */
export function watchedRun<T>({ db, watch }: Watching, asked: Pick<Ran, 'text' | 'values'>, run: () => T): T {
  const before = changesOn(db)
  let result: T
  try {
    result = run()
  } catch (error) {
    watch({ ...asked, rows: [], changed: 0, error })
    throw error
  }
  watch({ ...asked, rows: Array.isArray(result) ? result : [], changed: changesOn(db) - before })
  return result
}

/** The rows that all statements of the connection have changed so far. */
function changesOn(db: DatabaseSync): number {
  return Number((db.prepare('select total_changes() as n').get() as { readonly n: number | bigint }).n)
}
