// The index of the finder beside the log, as a judge reads both.
import { DatabaseSync } from 'node:sqlite'
import type { Watched } from '../../src/testing/machine/watch.ts'

export interface Row {
  readonly stream: number
  readonly position: number
  readonly id: string
  readonly causation: string | null
}

/** What the log has, what the index has found of it, and of how many messages it has the words. */
export function foundIn(machine: Watched): { log: Row[]; found: Row[]; words: number } {
  return machine.look((db) => ({ log: logOf(db), ...indexOf(db.location()!) }))
}

function logOf(db: DatabaseSync): Row[] {
  const all = db.prepare("select name from sqlite_schema where name glob 'millrace_log_*'").all() as { name: string }[]
  const streams = all.map(({ name }) => Number(name.slice('millrace_log_'.length))).sort((a, b) => a - b)
  return streams.flatMap((stream) =>
    db
      .prepare(`select position, id, causation from millrace_log_${stream} order by position`)
      .all()
      .map((row) => ({ stream, ...row }) as Row),
  )
}

function indexOf(file: string): { found: Row[]; words: number } {
  const db = new DatabaseSync(`${file}-finder`, { readOnly: true })
  try {
    const found = db.prepare('select stream, position, id, causation from found order by stream, position').all()
    const { words } = db.prepare('select count(*) as words from words_docsize').get() as { words: number }
    return { found: found.map((row) => ({ ...row }) as unknown as Row), words }
  } finally {
    db.close()
  }
}
