// Errors of SQLite and of the file system become errors of Millrace.
import { fault, isMillraceError, type MillraceError } from '../../model/errors.ts'
import { messageOf } from '../../model/people.ts'
import { whyNotOpened } from './file-place.ts'

const sqliteCodes = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  protocol: 15,
  notADatabase: 26,
}

/** The codes of the system for a disk without room. */
const full: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT'])

/** The result code of SQLite without what extends it; 0 for errors of others. */
function codeOf(error: unknown): number {
  return ((error as { errcode?: number } | null | undefined)?.errcode ?? 0) & 0xff
}

/** Tells whether another connection has a lock that is needed: the same may succeed later. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error)
  return code === sqliteCodes.busy || code === sqliteCodes.locked || code === sqliteCodes.protocol
}

/** Makes `millrace/locked` about a file. `held` names the holder of the lock, where it is known. */
export function lockedFault(file: string, cause: unknown, held = 'another program'): MillraceError {
  return fault('millrace/locked', `${held} holds the write lock of ${file}`, { cause })
}

/** Makes `millrace/files-replaced`. `why` says what happened to a file that was open. */
export function misplacedFault(why: string): MillraceError {
  return fault('millrace/files-replaced', `${why} while this app had it open; the app accepts no further messages`)
}

/** The error of Millrace for a database that could not be opened. */
export function openFault(file: string, error: unknown): unknown {
  if (isMillraceError(error)) return error
  const code = codeOf(error)
  if (code === sqliteCodes.corrupt || code === sqliteCodes.notADatabase) {
    return fault('millrace/corrupt-file', `${file} is damaged: ${textOf(error)}`, { cause: error })
  }
  if (isBusy(error)) return lockedFault(file, error)
  if (full.has((error as { code?: string } | null)?.code)) {
    return fault('millrace/disk-full', `cannot write ${file}: ${textOf(error)}`, { cause: error })
  }
  if (code !== sqliteCodes.full) {
    const why = whyNotOpened(file, error)
    if (why !== undefined) return why
  }
  return (
    diskTrouble(file, error) ?? fault('millrace/cannot-open', `cannot open ${file}: ${textOf(error)}`, { cause: error })
  )
}

/** The error for a write that failed by the disk or by a lock of another program; undefined for every other error. */
export function storeTrouble(file: string, error: unknown): MillraceError | undefined {
  if (isMillraceError(error, 'millrace/locked')) return error
  return isBusy(error) ? lockedFault(file, error) : diskTrouble(file, error)
}

/** Whether after an error it is unknown what is committed, or the store belongs to another process. */
export function endsStore(error: unknown): error is MillraceError {
  return isMillraceError(error) && endings.includes(error.code)
}

const endings: readonly string[] = [
  'millrace/sync-failed',
  'millrace/disk-failed',
  'millrace/files-replaced',
  'millrace/ownership-lost',
]

/** Tells whether the disk has caused an error. */
export const isDiskTrouble = (error: unknown): boolean => diskTrouble('', error) !== undefined

/** The error of Millrace for an error that the disk has caused; undefined for every other error. */
export function diskTrouble(file: string, error: unknown): MillraceError | undefined {
  const text = () => `cannot write ${file}: ${textOf(error)}`
  switch (codeOf(error)) {
    case sqliteCodes.full:
      return fault('millrace/disk-full', text(), { cause: error })
    case sqliteCodes.readOnly:
      return fault('millrace/read-only', text(), { cause: error })
    case sqliteCodes.ioError:
    case sqliteCodes.corrupt:
    case sqliteCodes.cannotOpen:
      return fault('millrace/disk-failed', text(), { cause: error })
    default:
      return undefined
  }
}

function textOf(error: unknown): string {
  return messageOf(error)
}
