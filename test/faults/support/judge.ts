// Looks at a database from outside, when nobody has it open: by plain SQL, without any code of the library.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

export interface LogRow {
  readonly position: number
  readonly id: string
  readonly type: string
  readonly context: string | null
  readonly causation: string | null
  readonly data: Readonly<{ [name: string]: unknown }>
}

/** Calls a function with a database, and closes it again. */
export function look<T>(file: string, fn: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(file)
  try {
    return fn(db)
  } finally {
    db.close()
  }
}

export function rows<Row>(db: DatabaseSync, sql: string, ...values: (string | number)[]): Row[] {
  return db.prepare(sql).all(...values) as Row[]
}

export function number(db: DatabaseSync, sql: string, ...values: (string | number)[]): number {
  return Object.values(db.prepare(sql).get(...values)!)[0] as number
}

export function assertSound(db: DatabaseSync): void {
  assert.deepEqual(
    rows<{ integrity_check: string }>(db, 'pragma integrity_check').map((row) => row.integrity_check),
    ['ok'],
    'the file is sound',
  )
}

/** All messages of a topic in order. */
export function logOf(db: DatabaseSync, topic: string): LogRow[] {
  const stream = number(db, 'select id from millrace_streams where name = ?', topic)
  return rows<Omit<LogRow, 'data'> & { data: string }>(
    db,
    `select position, m.id, k.type, context, causation, data from millrace_log_${stream} m
     join millrace_kinds k on k.id = m.kind order by position`,
  ).map((row) => ({ ...row, data: JSON.parse(row.data) }))
}

/** That the rows of a handler, in the order of their commits, are the messages, each once, and each lane in order. */
export function assertOnceInOrder(what: string, log: readonly LogRow[], handled: readonly { message: string }[]): void {
  const at = new Map(log.map((row) => [row.id, row]))
  const last = new Map<string, number>()
  const seen = new Set<string>()
  for (const { message } of handled) {
    const row = at.get(message)
    assert.ok(row, `${what}: handled ${message}, which is not in the log`)
    assert.ok(!seen.has(message), `${what}: ${message} (position ${row.position}) was handled twice`)
    seen.add(message)
    if (row.context === null) continue
    const before = last.get(row.context) ?? 0
    assert.ok(
      row.position > before,
      `${what}: in lane ${row.context} position ${row.position} was handled after ${before}`,
    )
    last.set(row.context, row.position)
  }
  const missing = log.filter((row) => !seen.has(row.id))
  assert.deepEqual(missing, [], `${what}: every message was handled`)
}

/** That each message of one log caused exactly one of the other. */
export function assertOneEach(what: string, causes: readonly LogRow[], effects: readonly LogRow[]): void {
  const by = effects.map((row) => row.causation)
  const caused = new Set(by)
  assert.equal(caused.size, by.length, `${what}: no message caused two`)
  assert.deepEqual(
    causes.filter((row) => !caused.has(row.id)).map((row) => row.id),
    [],
    `${what}: each message caused one`,
  )
  assert.equal(by.length, causes.length, what)
}

/** Makes a file that was stopped cleanly look as if its process had died: then its -wal file is there too. */
export function leaveUnclean(file: string): void {
  look(file, (db) => db.exec("update millrace_meta set value = 0 where key = 'clean'"))
  writeFileSync(`${file}-wal`, '')
}
