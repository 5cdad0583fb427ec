// Whose a database is: made by Millrace, taken up by it, or of another program.
import type { DatabaseSync } from 'node:sqlite'
import { fault } from '../../model/errors.ts'
import { isTakenUp } from './wal-row.ts'

/** Marks a file as one of Millrace: "Mill" in ASCII. */
export const applicationId = 0x4d696c6c

/** What is done with a database that has tables of another program, and none of Millrace. */
export type Foreign = 'refused' | 'taken up'

/** Whose a database is: `new` has no tables, `foreign` those of another program only. */
export type Kind = 'new' | 'own' | 'taken up' | 'foreign'

export function kindOf(db: DatabaseSync): Kind {
  const { application_id: owner } = db.prepare('pragma application_id').get() as { application_id: number }
  if (owner === applicationId) return 'own'
  const { count } = db.prepare('select count(*) as count from sqlite_schema').get() as { count: number }
  if (count === 0) return 'new'
  return isTakenUp(db) ? 'taken up' : 'foreign'
}

/** Whether a database has tables of another program, and none of Millrace. */
export const isForeign = (db: DatabaseSync): boolean => kindOf(db) === 'foreign'

/** @throws `millrace/foreign-file` where it is refused; `millrace/name-taken` */
export function checkForeign(db: DatabaseSync, file: string, foreign: Foreign): void {
  if (foreign === 'refused') {
    const first = db.prepare("select name from sqlite_schema where type = 'table' limit 1").get()
    const own = first === undefined ? '' : `; it has tables of its own, such as "${first['name']}"`
    throw fault('millrace/foreign-file', `${file} is a database, but not one that Millrace created${own}`)
  }
  const find = db.prepare("select type, name from sqlite_schema where name like 'millrace~_%' escape '~' limit 1")
  const taken = find.get()
  if (taken === undefined) return
  const what = `${taken['type']} "${taken['name']}"`
  throw fault('millrace/name-taken', `${file} has the ${what}: names that begin with millrace_ are those of Millrace`)
}
