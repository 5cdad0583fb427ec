// One process per file. A database of its own beside it (`FILE-owner`) names the owner, and a write transaction on it is
// held for life: the system frees it when the process ends, however it ends.
//
//   waits ──nobody has it──→ has the lock ──names itself──→ owns ──release──→ nobody has it
//     │ └───somebody has it, tries again by timer───┘ └──a reader is in the way: owns without a name
//     └ after waitMs: `millrace/in-use`
import { chmodSync, chownSync, closeSync, existsSync, openSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { fault, type MillraceError } from '../../model/errors.ts'
import type { FileOwner } from '../../seam/file.ts'
import type { World } from '../../seam/world.ts'
import { DatabaseSync } from '../node/sqlite.ts'
import { isBusy, lockedFault, openFault } from './trouble.ts'

/**
 * Opens one connection to a file. A simulation puts its own in place and counts, breaks or ends what goes through it.
 */
export type OpenDatabase = (
  file: string,
  options: { readonly timeout: number; readonly readOnly?: boolean | undefined },
) => DatabaseSync

export const nodeDatabase: OpenDatabase = (file, options) => new DatabaseSync(file, options)

/** How long looking for the owner may take, milliseconds: it must not get in the way of a start. */
const lookMs = 100
const againMs = 20

export interface Owned {
  release(): void
}

/**
 * Takes a file for this process; waits up to `waitMs` while another has it, or a lock of it, and not
 * while `stops` says so. `check` looks at the file
 * before anything is made beside it, and only while nobody has it: where an app of this process has the file, closing a
 * descriptor of it would drop the locks of that app.
 *
 * @throws `millrace/in-use` with who has it, `millrace/locked`; as `check` does
 */
export async function takeOwnership(
  file: string,
  world: World,
  database: OpenDatabase,
  waitMs: number,
  check: () => void,
  stops: () => boolean = () => false,
): Promise<Owned> {
  const begun = world.elapsed()
  for (;;) {
    const waitedMs = world.elapsed() - begun
    const owned = attempt(file, world.now(), database, check, waitedMs >= lookMs)
    if ('release' in owned) return owned
    if (stops() || waitedMs >= Math.max(waitMs, lookMs)) throw owned
    await new Promise<void>((resolve) => void world.after(againMs, resolve, true))
  }
}

/** Takes the file, or gives why that is not possible now. */
function attempt(
  file: string,
  now: number,
  database: OpenDatabase,
  check: () => void,
  nameless: boolean,
): Owned | MillraceError {
  const owner = ownerOf(file)
  if (owner !== undefined) return inUse(file, owner)
  try {
    check()
  } catch (error) {
    if (isBusy(error)) return lockedFault(file, error)
    throw error
  }
  makePrivate(file)
  const db = database(`${file}-owner`, { timeout: 0 })
  // Read before it is written: whoever comes first in between is named, and not this process.
  const before = whoOwns(db)
  try {
    // Not WAL: in it readers and the writer would not exclude each other across all versions of a file's life.
    db.exec('pragma journal_mode=delete; pragma synchronous=off')
    db.exec('begin immediate')
    if (!named(db, now) && !nameless) throw readerInTheWay
    db.exec('begin immediate')
  } catch (error) {
    db.close()
    if (error === readerInTheWay || isBusy(error)) return inUse(file, before)
    throw error
  }
  return {
    release() {
      try {
        db.exec('delete from owner; commit')
      } catch {
        // Somebody reads it: the name stays, of a process that does not have the file.
      } finally {
        db.close()
      }
    },
  }
}

const readerInTheWay = new Error('somebody reads who owns the file')

/** Writes down who owns the file, within the lock, and ends it; false, and the lock is held no more, when somebody reads. */
function named(db: DatabaseSync, now: number): boolean {
  try {
    db.exec(
      'create table if not exists owner (one integer primary key check (one = 1), pid integer, host text, since text)',
    )
    const since = new Date(now).toISOString()
    db.prepare('insert or replace into owner values (1, ?, ?, ?)').run(process.pid, hostname(), since)
    db.exec('commit')
    return true
  } catch (error) {
    if (!isBusy(error)) throw error
    db.exec('rollback')
    return false
  }
}

/** Only this user may read who owns a file: a reader of a lock can stand in its way. */
function makePrivate(file: string): void {
  const path = `${file}-owner`
  const found = statSync(path, { throwIfNoEntry: false })
  const uid = process.geteuid?.()
  if (found !== undefined) {
    if (found.uid === uid && (found.mode & 0o077) !== 0) chmodSync(path, 0o600)
    return
  }
  try {
    // New, so that no lock of it can be dropped by closing it.
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error
    return
  }
  const of = uid === 0 ? statSync(file, { throwIfNoEntry: false }) : undefined
  // As SQLite does it: what root makes beside a file belongs to the user of the file.
  if (of !== undefined) chownSync(path, of.uid, of.gid)
}

/** The process that has a file now; undefined when nobody has. Makes nothing. */
export function ownerOf(file: string): FileOwner | undefined {
  if (!existsSync(`${file}-owner`)) return undefined
  let db: DatabaseSync
  try {
    db = new DatabaseSync(`${file}-owner`, { timeout: 0 })
  } catch (error) {
    throw openFault(file, error)
  }
  try {
    db.exec('begin immediate')
    db.exec('rollback')
    return undefined
  } catch (error) {
    const owner = whoOwns(db)
    // Without the right to lock, whether the process that is named lives has to do.
    if (isBusy(error)) return owner ?? { pid: 0, host: hostname(), since: '' }
    return owner
  } finally {
    db.close()
  }
}

/** The process that is named as the owner, if it lives. */
function whoOwns(db: DatabaseSync): FileOwner | undefined {
  try {
    db.exec(`pragma busy_timeout=${lookMs}`)
    const row = db.prepare('select pid, host, since from owner').get() as FileOwner | undefined
    db.exec('pragma busy_timeout=0')
    return row !== undefined && lives(row) ? { ...row } : undefined
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

function inUse(file: string, owner: FileOwner | undefined): MillraceError {
  return fault('millrace/in-use', `${file} is in use by ${nameOf(owner)}`, { data: owner })
}

function nameOf(owner: FileOwner | undefined): string {
  if (owner === undefined || owner.pid === 0) return 'another process'
  const { pid, host, since } = owner
  // Another container may have a process of that number and name of host, which has begun before.
  const begun = Date.now() - process.uptime() * 1_000 - lookMs
  return pid === process.pid && host === hostname() && Date.parse(since) >= begun
    ? `this process ${pid} itself: another app in it has the file since ${since}`
    : `process ${pid} on ${host} since ${since}`
}
