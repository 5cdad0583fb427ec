import { fault } from './errors.ts'

const shape = /^[A-Za-z][A-Za-z0-9._-]{0,99}$/

export const isName = (name: unknown): boolean => typeof name === 'string' && shape.test(name)

/** Refuses a name that cannot serve as an address, as a table entry and as a word on the command line. */
export function checkName(what: string, name: unknown): void {
  if (isName(name)) return
  throw fault(
    'millrace/bad-name',
    `${what} name ${JSON.stringify(name)} is not allowed: letters, digits, ".", "_", "-"`,
  )
}

/**
 * Checks words for people: one to so many characters.
 *
 * @throws `millrace/bad-option`
 */
export function checkWords(where: string, option: string, words: unknown, charsMax: number): string | undefined {
  if (words === undefined) return undefined
  if (typeof words === 'string' && words.trim() !== '' && words.length <= charsMax) return words
  throw fault('millrace/bad-option', `${where}: ${option} must be a text of 1 to ${charsMax} characters`)
}

/** The most characters of the title of a type, and of the owner of a part. */
export const wordsMax = 200

/**
 * Looks up an own property of a user's object. Inherited properties such as "constructor" or "toString" are not found.
 */
export function own<Value>(table: Readonly<Record<string | number, Value>>, name: string | number): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

/** Tests that an object inherits nothing of its own kind, so that its entries are all there is to look up. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/**
 * The known name nearest to a wrong one, as the end of a sentence; empty when none is near. A name that shares no
 * letter in the same place is not near: "id" is not a misspelt "at".
 *
 * @param known the names that are allowed in its place
 */
export function suggest(wrong: string, known: Iterable<string>): string {
  let best = ''
  let bestDistance = Math.max(2, Math.floor(wrong.length / 3)) + 1
  for (const name of known) {
    const distance = editDistance(wrong.toLowerCase(), name.toLowerCase(), bestDistance)
    if (distance >= Math.max(wrong.length, name.length)) continue
    if (distance < bestDistance) [best, bestDistance] = [name, distance]
  }
  return best === '' ? '' : `; did you mean "${best}"?`
}

/** Levenshtein distance by rows, cut off at a bound. */
function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) >= bound) return bound
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
