// One process per file. A second database beside it (`FILE-owner`) names the owner, who keeps a write transaction on it
// open until it ends: the system then frees the lock, also after a crash.
//
//   waits ──nobody has it──→ has the lock ──names itself──→ owns ──release──→ nobody has it
//     │ └───a process has it, tries again by timer───┘ └──a reader is in the way: owns without a name
//     └ after waitMs: `millrace/in-use`
import { chmodSync, chownSync, closeSync, existsSync, openSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { fault, type MillraceError } from '../../model/errors.ts'
import type { StoreOwner } from '../../seam/offline.ts'
import type { World } from '../../seam/world.ts'
import { DatabaseSync } from '../node/sqlite.ts'
import { isBusy, lockedFault, openFault } from './errors.ts'

/**
 * Opens one connection to a file. A simulation replaces it, to count, break or end the statements of the connection.
 */
export type OpenDatabase = (
  file: string,
  options: { readonly timeout: number; readonly readOnly?: boolean | undefined },
) => DatabaseSync

export const nodeDatabase: OpenDatabase = (file, options) => new DatabaseSync(file, options)

/** The time that a look for the owner may take, milliseconds: it must not delay a start. */
const lookMs = 100
const againMs = 20
/** The time after which somebody who looks on would think that nothing happens, milliseconds. */
const silentMs = 1_000

export interface Owned {
  release(): void
}

export interface Taking {
  readonly file: string
  readonly world: World
  readonly database: OpenDatabase
  /** The time to wait while another process has the file, or a lock of it, milliseconds. */
  readonly waitMs: number
  /** Ends the wait early when it returns true. */
  readonly stops?: (() => boolean) | undefined
  /**
   * Looks at the file before anything is made beside it, and only while no process has it: where an app of this process has
   * the file, closing a descriptor of it drops the locks of that app.
   */
  readonly check: () => void
}

/**
 * Takes a file for this process.
 *
 * @throws `millrace/in-use` with the owner as its data, `millrace/locked`; every error of `check`
 */
export async function takeOwnership(taking: Taking): Promise<Owned> {
  const { world, waitMs, stops } = taking
  const begun = world.elapsed()
  let told = waitMs <= silentMs
  for (;;) {
    const waitedMs = world.elapsed() - begun
    const owned = attempt(taking, waitedMs >= lookMs ? 'may be missing' : 'required')
    if ('release' in owned) return owned
    if (stops?.() === true || waitedMs >= Math.max(waitMs, lookMs)) throw owned
    if (!told && waitedMs >= silentMs) {
      told = true
      world.log('warn', `${owned.message}: the start waits for it, at most ${waitMs / 1_000} s`)
    }
    await new Promise<void>((resolve) => void world.after(againMs, resolve, { awake: true }))
  }
}

/**
 * Takes the file. A reader of the `-owner` may keep the name of the owner from being written.
 *
 * @returns why that is not possible now, where it is not
 */
function attempt({ file, world, database, check }: Taking, name: 'required' | 'may be missing'): Owned | MillraceError {
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
  // Read before it is written, so that the message names a process that takes the file in between, not this one.
  const before = whoOwns(db)
  try {
    // Not WAL: in it readers and the writer would not exclude each other across all versions of a file's life.
    db.exec('pragma journal_mode=delete; pragma synchronous=off')
    db.exec('begin immediate')
    if (!named(db, world.now()) && name === 'required') throw readerInTheWay
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
        // A reader is in the way: the name stays, though its process does not have the file.
      } finally {
        db.close()
      }
    },
  }
}

const readerInTheWay = new Error('another process reads who owns the file')

/** Writes the owner within the lock, and commits. @returns false, without the lock, while another process reads it */
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

/** Makes the `-owner` readable by this user only: a reader of a lock can be in its way. */
function makePrivate(file: string): void {
  const path = `${file}-owner`
  const found = statSync(path, { throwIfNoEntry: false })
  const uid = process.geteuid?.()
  if (found !== undefined) {
    if (found.uid === uid && (found.mode & 0o077) !== 0) chmodSync(path, 0o600)
    return
  }
  try {
    // It is new: closing it drops no lock.
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error
    return
  }
  const of = uid === 0 ? statSync(file, { throwIfNoEntry: false }) : undefined
  // As SQLite does it: a file that root makes beside a database belongs to the user of the database.
  if (of !== undefined) chownSync(path, of.uid, of.gid)
}

/** The process that has a file now; undefined when none has. Makes no file. */
export function ownerOf(file: string): StoreOwner | undefined {
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
    // A process without the right to lock sees only whether the named process lives.
    if (isBusy(error)) return owner ?? { pid: 0, host: hostname(), since: '' }
    return owner
  } finally {
    db.close()
  }
}

/** The process that is named as the owner, if it lives. */
function whoOwns(db: DatabaseSync): StoreOwner | undefined {
  try {
    db.exec(`pragma busy_timeout=${lookMs}`)
    const row = db.prepare('select pid, host, since from owner').get() as StoreOwner | undefined
    db.exec('pragma busy_timeout=0')
    return row !== undefined && lives(row) ? { ...row } : undefined
  } catch {
    return undefined
  }
}

function lives({ pid, host }: StoreOwner): boolean {
  if (host !== hostname()) return true
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}

function inUse(file: string, owner: StoreOwner | undefined): MillraceError {
  return fault('millrace/in-use', `${file} is in use by ${nameOf(owner)}`, { data: owner })
}

function nameOf(owner: StoreOwner | undefined): string {
  if (owner === undefined || owner.pid === 0) return 'another process'
  const { pid, host, since } = owner
  // In another container a process that began earlier may have the same number and host name.
  const begun = Date.now() - process.uptime() * 1_000 - lookMs
  return pid === process.pid && host === hostname() && Date.parse(since) >= begun
    ? `this process ${pid} itself: another app in it has the file since ${since}`
    : `process ${pid} on ${host} since ${since}`
}
