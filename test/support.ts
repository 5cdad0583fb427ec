// What tests of the public surface share: a file of their own, a look into it, errors by code.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { type App, type ErrorCode, isMillraceError } from 'millrace'

interface Ends {
  after(fn: () => unknown): void
}

/** A database file in a folder that goes with the test. */
export function place(t: Ends): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'app.db')
}

/** Starts an app that is stopped at the end of the test, also when it failed. */
export async function started<A extends App>(t: Ends, app: A): Promise<A> {
  t.after(() => app.stop({ graceMs: 0 }))
  await app.start()
  return app
}

/** Rows of a file, read from outside by a connection of its own. */
export function rows<Row = Record<string, unknown>>(file: string, sql: string, ...values: SQLInputValue[]): Row[] {
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    return db.prepare(sql).all(...values) as Row[]
  } finally {
    db.close()
  }
}

export interface Kept {
  readonly position: number
  readonly id: string
  readonly type: string
  readonly version: number
  readonly source: string
  readonly context: string | null
  readonly correlation: string | null
  readonly causation: string | null
  readonly data: string
}

/** What the log of a topic or channel keeps, read from outside. */
export function kept(file: string, source: string): Kept[] {
  const [stream] = rows<{ id: number }>(file, 'select id from millrace_streams where name = ?', source)
  assert(stream !== undefined, `the file has no stream "${source}"`)
  return rows<Kept>(
    file,
    `select m.position, m.id, k.type, k.version, k.source, m.context, m.correlation, m.causation, m.data
     from millrace_log_${stream.id} m join millrace_kinds k on k.id = m.kind order by m.position`,
  )
}

/** For `assert.throws` and `assert.rejects`: an error of that code, whose message says something. */
export function coded(code: ErrorCode, says: RegExp = /./): (error: unknown) => boolean {
  return (error) => {
    assert(isMillraceError(error), `an error of Millrace, not ${String(error)}`)
    assert.equal(error.code, code, error.message)
    assert.match(error.message, says)
    return true
  }
}

/** Waits for what only the outside shows; fails when it does not come. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    assert(performance.now() < deadline, `waited in vain until ${what}`)
    await pause(5)
  }
}
