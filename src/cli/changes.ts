// Finds the differences between two JSON values, for people.
import { safe } from './print.ts'

/** One difference: `before` is absent where the place is new, `after` where it is gone. */
export interface Change {
  /** The place, such as `lines[2].quantity`; empty for the whole value. */
  readonly path: string
  readonly before?: unknown
  readonly after?: unknown
}

export function changesOf(before: unknown, after: unknown, path = ''): Change[] {
  if (isList(before) && isList(after)) {
    const indexes = [...Array(Math.max(before.length, after.length)).keys()]
    return indexes.flatMap((at) => changeOf(before, after, at, `${path}[${at}]`))
  }
  if (isObject(before) && isObject(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)])
    return [...names].flatMap((name) => changeOf(before, after, name, step(path, name)))
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }]
}

type Parts = Readonly<Record<string | number, unknown>>

function changeOf(before: Parts, after: Parts, key: string | number, path: string): Change[] {
  if (!Object.hasOwn(before, key)) return [{ path, after: after[key] }]
  if (!Object.hasOwn(after, key)) return [{ path, before: before[key] }]
  return changesOf(before[key], after[key], path)
}

function step(path: string, name: string): string {
  if (!/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(name)) return `${path}[${JSON.stringify(name)}]`
  return path === '' ? name : `${path}.${name}`
}

function isList(value: unknown): value is Parts & { readonly length: number } {
  return Array.isArray(value)
}

function isObject(value: unknown): value is Parts {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const linesMax = 100

/** Formats a line for the old value (`-`) and one for the new (`+`), up to a bounded number. */
export function changeLines(changes: readonly Change[]): string[] {
  const lines = changes.flatMap((change) => [
    ...('before' in change ? [changeLine('-', change.path, change.before)] : []),
    ...('after' in change ? [changeLine('+', change.path, change.after)] : []),
  ])
  if (lines.length <= linesMax) return lines
  return [...lines.slice(0, linesMax), `… and ${lines.length - linesMax} lines more; --json has all`]
}

function changeLine(sign: string, path: string, value: unknown): string {
  return safe(`${sign} ${path === '' ? '' : `${path}: `}${JSON.stringify(value)}`)
}
