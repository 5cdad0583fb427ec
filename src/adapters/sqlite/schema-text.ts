import { DatabaseSync } from '../node/sqlite.ts'

/**
 * Returns the statements that make at once what many steps make in an empty database: its tables, its indexes, and the
 * rows of `millrace_meta`, the only ones that the steps leave there.
 */
export function schemaTextOf(steps: (db: DatabaseSync) => void): string {
  const db = new DatabaseSync(':memory:')
  try {
    steps(db)
    const made = db.prepare(`
      select sql from sqlite_schema where sql is not null and name not like 'sqlite%' order by type desc, rowid
    `)
    const rows = db.prepare(`
      select printf('insert into millrace_meta values (%Q, %s)', key, quote(value)) as sql from millrace_meta
    `)
    const statements = [...made.all(), ...rows.all()] as { sql: string }[]
    return statements.map(({ sql }) => sql).join(';\n')
  } finally {
    db.close()
  }
}
