import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import { fault } from '../../model/errors.ts'
import type { FileOwner } from '../../seam/file.ts'

/**
 * Opens one connection to a file. A simulation puts its own in place and counts, breaks or ends what goes through it.
 */
export type OpenDatabase = (
  file: string,
  options: { readonly timeout: number; readonly readOnly?: boolean },
) => DatabaseSync

export const nodeDatabase: OpenDatabase = (file, options) => new DatabaseSync(file, options)

/** Longer than `ownerOf` looks, milliseconds: looking must not get in the way of who starts. */
const lookMs = 100

/**
 * One process per file. A database of its own beside it (`FILE-owner`) names the owner, and a write transaction on it
 * is held for life: the system frees it when the process ends, however it ends.
 *
 * @throws `millrace/in-use` with who has it
 */
export function takeOwnership(file: string, now: number, database: OpenDatabase): { release(): void } {
  const db = database(`${file}-owner`, { timeout: lookMs })
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

/** The process that has a file now; undefined when nobody has. Makes nothing. */
export function ownerOf(file: string): FileOwner | undefined {
  if (!existsSync(`${file}-owner`)) return undefined
  const db = new DatabaseSync(`${file}-owner`, { timeout: 0 })
  try {
    db.exec('begin immediate')
    db.exec('rollback')
    return undefined
  } catch (error) {
    const owner = whoOwns(db)
    // Without the right to lock, whether the process that is named lives has to do.
    if ((error as { errcode?: number }).errcode !== sqliteBusy && (owner === undefined || !lives(owner))) {
      return undefined
    }
    return owner ?? { pid: 0, host: hostname(), since: '' }
  } finally {
    db.close()
  }
}

function whoOwns(db: DatabaseSync): FileOwner | undefined {
  try {
    db.exec(`pragma busy_timeout=${lookMs}`)
    const row = db.prepare('select pid, host, since from owner').get() as FileOwner | undefined
    return row && { ...row }
  } catch {
    return undefined
  }
}

function lives({ pid, host }: FileOwner): boolean {
  if (host !== hostname()) return true
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}
