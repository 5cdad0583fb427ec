// JSON that a user gives: in a file, or as text.
import { readFileSync } from 'node:fs'
import { UsageError } from './output.ts'

/** Reads a file of JSON; `option` is the option that names it. */
export function readJson(option: string, path: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`${option} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  return parse(path, text)
}

/** Reads a list: from the text itself where that begins as one, else from a file. */
export function readList(option: string, given: string): unknown {
  return given.trimStart().startsWith('[') ? parse(option, given) : readJson(option, given)
}

export function parse(what: string, json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new UsageError(`${what} is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}
