// Small files beside the file of an app that are for its owner only: a token, sessions.
import { closeSync, fchmodSync, fstatSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { fault } from '../../model/errors.ts'

/** Reads a file; undefined where there is none, or where others can read or could have made it. */
export function readOwnFile(path: string): string | undefined {
  try {
    const at = openSync(path, 'r')
    try {
      const { mode, uid } = fstatSync(at)
      const own = process.getuid === undefined || uid === process.getuid()
      if (!own || (process.platform !== 'win32' && (mode & 0o077) !== 0)) return undefined
      return readFileSync(at, 'utf8')
    } finally {
      closeSync(at)
    }
  } catch {
    return undefined
  }
}

/**
 * Writes a file, whole or not at all: who reads while it is made sees the old one, or none.
 *
 * @param what names the file in an error
 * @throws `millrace/cannot-open`
 */
export function writeOwnFile(path: string, text: string, what: string): void {
  const draft = `${path}-${process.pid}`
  try {
    const at = openSync(draft, 'w', 0o600)
    try {
      fchmodSync(at, 0o600)
      writeSync(at, text)
    } finally {
      closeSync(at)
    }
    renameSync(draft, path)
  } catch (cause) {
    throw fault('millrace/cannot-open', `the ${what} ${path} cannot be written`, { cause })
  }
}
