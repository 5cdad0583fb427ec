// Data of messages are frozen, since all processors share them. Code that writes to them is told so by V8 in words that
// say nothing of messages.
import { fault } from './errors.ts'

const write =
  /^Cannot (?:assign to read only property '(.*)' of object '(?:#<Object>|\[object (?:Object|Array)\])'|delete property '(.*)' of (?:#<Object>|\[object (?:Object|Array)\])|(?:add|define) property (.*), object is not extensible|redefine property: (.*))$/s

/**
 * The error as it is told of code that was given frozen data: a write to these becomes `millrace/data-is-frozen`, anything
 * else stays as it is. Where the value is `given` that the code had, a write counts only if it fits something in it: the
 * code may have frozen objects of its own.
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
    // By name: an error of another realm is no instance of ours.
    const { name, message } = error as TypeError
    return name === 'TypeError' && typeof message === 'string' ? message : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Whether a property of that name is anywhere in a value. */
function has(value: unknown, name: string): boolean {
  return isObject(value) && (Object.hasOwn(value, name) || Object.values(value).some((child) => has(child, name)))
}

/** Whether anything in a value could get a property of that name: an index is for a list. */
function mayGet(value: unknown, name: string): boolean {
  if (!isObject(value)) return false
  if (Array.isArray(value) === /^\d+$/.test(name)) return true
  return Object.values(value).some((child) => mayGet(child, name))
}
