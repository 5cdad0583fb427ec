// `FILE-token`: the token of the people and programs of this machine who may read the file. The command, and curl in the
// guides, read it. It is made with the first start that serves HTTP, and stays, so that scripts go on working.
import { readFileSync } from 'node:fs'
import { newToken, tokenPattern } from '../../operate/token.ts'
import { readOwnFile, writeOwnFile } from './own-file.ts'

export const tokenFileOf = (file: string): string => `${file}-token`

/** Reads the token beside a file; undefined where there is none. */
export function readTokenFile(file: string): string | undefined {
  try {
    return tokenIn(readFileSync(tokenFileOf(file), 'utf8'))
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
  const path = tokenFileOf(file)
  const known = tokenIn(readOwnFile(path) ?? '')
  if (known !== undefined) return known
  const token = newToken()
  writeOwnFile(path, `${token}\n`, 'token file')
  return token
}

function tokenIn(given: string): string | undefined {
  const text = given.trim()
  return tokenPattern.test(text) ? text : undefined
}
