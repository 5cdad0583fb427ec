// Puts a copy in the place of a file, in two steps, so that a crash leaves either the one or the other.
//
//   nothing ──copied, synced, renamed──→ ready ──the file with -wal and -shm moved aside, the copy put in place──→ nothing
//
// Until the copy is ready (`FILE-restore-ready`) the file is as it was. After that the next process that takes the file, a
// second run or the next start, finishes the second step.
import { existsSync, renameSync, statSync, utimesSync } from 'node:fs'
import { fault, isMillraceError } from '../../model/errors.ts'
import { messageOf } from '../../model/people.ts'
import type { AppState } from '../../seam/offline.ts'
import { copyInThread, removeDatabase, syncFolder } from './copy.ts'

const readyOf = (file: string) => `${file}-restore-ready`
const partialOf = (file: string) => `${file}-restore-partial`

/** In the order in which they are moved: the -wal never lies beside another file than its own. */
const endings = ['-wal', '-shm', '-journal', ''] as const

/** Makes a copy ready to take the place of a file, which this process owns. `app` is the state of the app of the copy. */
export async function prepareRestore(file: string, copy: string, app: AppState | 'none'): Promise<void> {
  const partial = partialOf(file)
  removeDatabase(partial)
  try {
    const mark = app === 'none' ? 'none' : 'accepted'
    await copyInThread({ file: copy, to: partial, app: app === 'none' ? 'running' : app, mark })
    // The time of the copy is in the names of the files moved aside, so that a second run makes the same names.
    let atMs = Math.floor(Date.now() / 1_000) * 1_000
    while (existsSync(asideOf(file, atMs))) atMs += 1_000
    utimesSync(partial, atMs / 1_000, atMs / 1_000)
    renameSync(partial, readyOf(file))
    syncFolder(file)
  } catch (error) {
    removeDatabase(partial)
    const why = messageOf(error)
    throw fault('millrace/restore-failed', `cannot restore ${copy} to ${file}, which is as it was: ${why}`, {
      cause: error,
    })
  }
}

/** Tells whether a restore was cut off. It is finished before anything reads the file. */
export function isRestoring(file: string): boolean {
  return existsSync(readyOf(file))
}

/** Finishes a restore whose copy is ready, if there is one. Call it only as the owner. @returns the paths moved aside */
export function finishRestore(file: string, rename: (from: string, to: string) => void = renameSync): string[] {
  if (!isRestoring(file)) return []
  try {
    const aside = asideOf(file, statSync(readyOf(file)).mtimeMs)
    for (const ending of endings) if (existsSync(file + ending)) rename(file + ending, aside + ending)
    syncFolder(file)
    rename(readyOf(file), file)
    syncFolder(file)
    return endings.map((ending) => aside + ending).filter((path) => existsSync(path))
  } catch (error) {
    if (isMillraceError(error)) throw error
    const text = `the restore of ${file} is not finished: ${messageOf(error)}`
    throw fault('millrace/restore-failed', text, { cause: error })
  }
}

function asideOf(file: string, atMs: number): string {
  const at = new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z')
  return `${file}-before-${at.replaceAll(':', '-')}`
}
