// Message data are frozen, since all processors share them. V8's error for a write to them does not mention messages,
// so it is replaced.
import { fault } from './errors.ts'

const write =
  /^Cannot (?:assign to read only property '(.*)' of object '(?:#<Object>|\[object (?:Object|Array)\])'|delete property '(.*)' of (?:#<Object>|\[object (?:Object|Array)\])|(?:add|define) property (.*), object is not extensible|redefine property: (.*))$/s

/**
 * Returns `millrace/data-is-frozen` for an error caused by a write to frozen data, and any other error unchanged. With
 * `given`, the value that the code got, a write counts only if it fits something in that value: the code may have
 * frozen objects of its own.
 */
export function toldOfFrozen(where: string, error: unknown, given?: unknown): unknown {
  const said = wordsOf(error)
  const property = said === undefined ? null : write.exec(said)
  if (property === null) return error
  const [, assigned, deleted, added, redefined] = property
  const known = assigned ?? deleted ?? redefined
  if (given !== undefined && !(known === undefined ? mayGet(given, added!) : has(given, known))) return error
  const what = `${where} wrote to data of a message, which are frozen; change a copy, structuredClone(data): ${said}`
  return fault('millrace/data-is-frozen', what, { cause: error })
}

function wordsOf(error: unknown): string | undefined {
  try {
    // By name: an error of another realm is not an instance of our TypeError.
    const { name, message } = error as TypeError
    return name === 'TypeError' && typeof message === 'string' ? message : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Tests whether a value contains a property of that name, at any depth. */
function has(value: unknown, name: string): boolean {
  return isObject(value) && (Object.hasOwn(value, name) || Object.values(value).some((child) => has(child, name)))
}

/** Tests whether anything in a value could get a property of that name; an index fits a list only. */
function mayGet(value: unknown, name: string): boolean {
  if (!isObject(value)) return false
  if (Array.isArray(value) === /^\d+$/.test(name)) return true
  return Object.values(value).some((child) => mayGet(child, name))
}
