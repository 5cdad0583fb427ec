// A copy of a database as it is at one moment, made beside the work under way by a thread of its own.
import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { fault, isMillraceError } from '../../model/errors.ts'
import { inBrief, messageOf } from '../../model/people.ts'
import type { AppState } from '../../seam/offline.ts'
import { startThread } from '../node/thread.ts'
import type { CopyWork } from './copy-work.ts'
import { freeBytesOf } from './free.ts'
import { isAlone } from './missing-wal.ts'
import { threads } from './threads.ts'

/** Paths to which this process copies now. */
const underWay = new Set<string>()

/**
 * A copy to make. `app` is the state of the app of this process; no other process may have the file. Another program may
 * have a file that is no app's.
 */
export interface CopyPlan {
  readonly file: string
  /** The path of the copy, where no file may be. */
  readonly to: string
  readonly app: AppState | 'none'
  readonly freeBytesMin: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Copies a database.
 *
 * @returns the size of the copy, bytes
 * @throws `millrace/backup-exists`, `millrace/backup-failed`, `millrace/disk-low`; `millrace/stopping` when aborted
 */
export async function copy({ file, app, freeBytesMin, signal, ...plan }: CopyPlan): Promise<number> {
  const to = resolve(plan.to)
  if (underWay.has(to)) throw fault('millrace/backup-exists', `a copy to ${to} is being made`)
  const there = [to, `${to}-wal`, `${to}-journal`].find((name) => existsSync(name))
  if (there !== undefined) throw fault('millrace/backup-exists', `${there} exists and is not overwritten`)
  if (!existsSync(dirname(to))) throw copyFault(file, to, `there is no folder ${dirname(to)}`)
  checkRoom(file, to, freeBytesMin)
  underWay.add(to)
  // It has another name until it is complete, so that a copy that was cut off is not taken for a copy.
  const partial = `${to}-partial-${randomUUID()}`
  try {
    const mark = app === 'none' ? 'none' : app === 'stopped' && isAlone(file) ? 'alone' : 'as it is'
    await copyInThread({ file, to: partial, app: app === 'none' ? 'running' : app, mark }, signal)
    place(partial, to)
    syncFolder(to)
    return statSync(to).size
  } catch (error) {
    throw isMillraceError(error) ? error : copyFault(file, to, error)
  } finally {
    underWay.delete(to)
    removeDatabase(partial)
  }
}

export function copyFault(file: string, to: string, why: unknown) {
  return fault('millrace/backup-failed', `cannot copy ${file} to ${to}: ${messageOf(why)}`)
}

/** @throws `millrace/disk-low` */
export function checkRoom(file: string, to: string, freeBytesMin: number): void {
  const freeBytes = freeBytesOf(to)
  const needed = statSync(file).size + (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0)
  if (freeBytes >= needed + freeBytesMin) return
  throw fault(
    'millrace/disk-low',
    `the disk of ${to} has ${freeBytes} bytes free, the copy of ${basename(file)} may need ${needed}, and ${freeBytesMin} are to stay free`,
  )
}

/** Makes the copy and syncs it, but not its name. @throws `millrace/backup-failed`, `millrace/stopping` when aborted */
export async function copyInThread(work: CopyWork, signal?: AbortSignal): Promise<void> {
  const stopped = () => fault('millrace/stopping', `the copy of ${work.file} was given up, because the app stops`)
  if (signal?.aborted) throw stopped()
  const error = await new Promise<string | undefined>((resolve) => {
    let answer: { error?: string } | undefined
    const abort = () => thread.post('abort')
    const thread = startThread<{ error?: string }>(threads.backup, work, {
      answer: (given) => {
        answer = given
      },
      failed: (error) => {
        answer = { error: inBrief(error) }
      },
      ended: () => {
        signal?.removeEventListener('abort', abort)
        resolve(answer === undefined ? 'its thread ended' : answer.error)
      },
    })
    signal?.addEventListener('abort', abort, { once: true })
  })
  if (signal?.aborted) throw stopped()
  if (error !== undefined) throw copyFault(work.file, work.to, error)
}

/** Names a finished copy, unless the name was taken while the copy was made. */
function place(partial: string, to: string): void {
  try {
    linkSync(partial, to)
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'EEXIST') throw fault('millrace/backup-exists', `${to} exists and is not overwritten`)
    // Not every file system has links.
    renameSync(partial, to)
  }
}

/** Makes the names in the folder of a file durable. */
export function syncFolder(file: string): void {
  const folder = openSync(dirname(file), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

export function removeDatabase(file: string): void {
  for (const ending of ['', '-journal', '-wal', '-shm']) rmSync(`${file}${ending}`, { force: true })
}
