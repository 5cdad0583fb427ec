// `FILE-token`: the token of the people and programs of this machine who may read the file. The command, and curl in the
// guides, read it. It is made with the first start that serves HTTP, and stays, so that scripts go on working.
import { closeSync, fchmodSync, fstatSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { fault } from '../../model/errors.ts'
import { newToken, tokenPattern } from '../../operate/token.ts'

export const tokenFileOf = (file: string): string => `${file}-token`

/** Reads the token beside a file; undefined where there is none. */
export function readTokenFile(file: string): string | undefined {
  try {
    return tokenIn(tokenFileOf(file))
  } catch {
    return undefined
  }
}

/**
 * Returns the token beside a file, which it makes where there is none, or where others can read the one that there is.
 *
 * @throws `millrace/cannot-open`
 */
export function makeTokenFile(file: string): string {
  return usableToken(file) ?? written(file)
}

function usableToken(file: string): string | undefined {
  try {
    const at = openSync(tokenFileOf(file), 'r')
    try {
      const { mode, uid } = fstatSync(at)
      const own = process.getuid === undefined || uid === process.getuid()
      if (!own || (process.platform !== 'win32' && (mode & 0o077) !== 0)) return undefined
    } finally {
      closeSync(at)
    }
    return tokenIn(tokenFileOf(file))
  } catch {
    return undefined
  }
}

/** Whole or not at all: who reads while it is made sees the old one, or none. */
function written(file: string): string {
  const path = tokenFileOf(file)
  const token = newToken()
  const draft = `${path}-${process.pid}`
  try {
    const at = openSync(draft, 'w', 0o600)
    try {
      fchmodSync(at, 0o600)
      writeSync(at, `${token}\n`)
    } finally {
      closeSync(at)
    }
    renameSync(draft, path)
  } catch (cause) {
    throw fault('millrace/cannot-open', `the token file ${path} cannot be written`, { cause })
  }
  return token
}

function tokenIn(path: string): string | undefined {
  const text = readFileSync(path, 'utf8').trim()
  return tokenPattern.test(text) ? text : undefined
}
