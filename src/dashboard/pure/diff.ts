// The difference of two JSON values, as the change list that makes one of the other: small, and in the order of the data.
import type { DataChange } from '../../model/change.ts'

type Json = unknown

/** The changes that make `after` of `before`; empty where they are the same. */
export function changesOf(before: Json, after: Json, path = ''): DataChange[] {
  if (Object.is(before, after)) return []
  if (Array.isArray(before) && Array.isArray(after)) return changesOfLists(before, after, path)
  if (isObject(before) && isObject(after)) {
    const removed = Object.keys(before)
      .filter((name) => !Object.hasOwn(after, name))
      .map((name): DataChange => ({ op: 'remove', path: `${path}/${escaped(name)}` }))
    const others = Object.keys(after).flatMap((name): DataChange[] => {
      const inner = `${path}/${escaped(name)}`
      if (!Object.hasOwn(before, name)) return [{ op: 'add', path: inner, value: after[name] }]
      return changesOf(before[name], after[name], inner)
    })
    return [...removed, ...others]
  }
  return [{ op: 'replace', path, value: after }]
}

/** What is alike at both ends stays; between them elements are replaced, then removed from the back or added. */
function changesOfLists(before: readonly Json[], after: readonly Json[], path: string): DataChange[] {
  let start = 0
  while (start < before.length && start < after.length && same(before[start], after[start])) start++
  let end = 0
  const room = Math.min(before.length, after.length) - start
  while (end < room && same(before.at(-1 - end), after.at(-1 - end))) end++
  const from = before.slice(start, before.length - end)
  const to = after.slice(start, after.length - end)
  const changes: DataChange[] = []
  const both = Math.min(from.length, to.length)
  for (let at = 0; at < both; at++) changes.push(...changesOf(from[at], to[at], `${path}/${start + at}`))
  for (let at = from.length - 1; at >= both; at--) changes.push({ op: 'remove', path: `${path}/${start + at}` })
  for (let at = both; at < to.length; at++) changes.push({ op: 'add', path: `${path}/${start + at}`, value: to[at] })
  return changes
}

const same = (a: Json, b: Json) => changesOf(a, b).length === 0
const isObject = (value: Json): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const escaped = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1')

/** The value at a JSON Pointer; undefined where there is none. */
export function valueAt(data: Json, path: string): Json {
  let value = data
  for (const step of path.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, Json>>)[name]
  }
  return value
}
