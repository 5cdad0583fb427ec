import { hostname } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import { fault } from '../../model/errors.ts'

/**
 * One process per file. A database of its own beside it (`FILE-owner`) names the owner, and a write transaction on it
 * is held for life: the system frees it when the process ends, however it ends.
 *
 * @throws `millrace/in-use` with who has it
 */
export function takeOwnership(file: string, now: number): { release(): void } {
  const db = new DatabaseSync(`${file}-owner`, { timeout: 0 })
  try {
    // Not WAL: in it readers and the writer would not exclude each other across all versions of a file's life.
    db.exec('pragma journal_mode=delete; pragma synchronous=off')
    db.exec(
      'create table if not exists owner (one integer primary key check (one = 1), pid integer, host text, since text)',
    )
    db.exec('begin immediate')
    const since = new Date(now).toISOString()
    db.prepare('insert or replace into owner values (1, ?, ?, ?)').run(process.pid, hostname(), since)
    db.exec('commit; begin immediate')
  } catch (cause) {
    const owner = whoOwns(db)
    db.close()
    if ((cause as { errcode?: number }).errcode !== sqliteBusy) throw cause
    const who = owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host} since ${owner.since}`
    throw fault('millrace/in-use', `${file} is in use by ${who}`, { cause, data: owner })
  }
  return {
    release() {
      db.exec('rollback')
      db.close()
    },
  }
}

const sqliteBusy = 5

function whoOwns(db: DatabaseSync): { pid: number; host: string; since: string } | undefined {
  try {
    return db.prepare('select pid, host, since from owner').get() as { pid: number; host: string; since: string }
  } catch {
    return undefined
  }
}
