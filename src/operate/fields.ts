// One check for all that is given from outside: to the functions of `app.desk`, `app.processors` and `app.flows`, and
// over the control socket.
import { fault } from '../model/errors.ts'
import { suggest } from '../model/names.ts'
import { checkOptions } from '../model/options.ts'
import { shownValue } from '../model/people.ts'

/**
 * What a field takes: a text, a path, a number, a whole number from 1 (`count`) or from 0 (`whole`), true or false (`flag`), a
 * list of numbers, a list of anything, anything at all, some of these names, one of these names, or an object.
 */
export type Field =
  | 'text'
  | 'path'
  | 'number'
  | 'count'
  | 'whole'
  | 'flag'
  | 'numbers'
  | 'list'
  | 'any'
  | readonly string[]
  | { readonly oneOf: readonly string[] }
  | Fields

/** The fields of an object by name; all but those it `needs` may be left out, and `undefined` says nothing. */
export interface Fields {
  readonly fields: Readonly<Record<string, Field>>
  readonly needs?: readonly string[] | undefined
}

/**
 * Checks the fields of an object.
 *
 * @throws `millrace/unknown-option`, `millrace/bad-option`
 */
export function checkFields(where: string, given: object, { fields, needs = [] }: Fields): void {
  const values = given as Readonly<Record<string, unknown>>
  checkOptions(where, values, Object.keys(fields))
  for (const [name, field] of Object.entries(fields)) {
    const value = values[name]
    if (value !== undefined) checkField(where, name, field, value)
    else if (needs.includes(name)) throw fault('millrace/bad-option', `${where}: ${name} is missing`)
  }
}

/** Errors as of {@link checkFields}. */
export function checkField(where: string, name: string, field: Field, value: unknown): void {
  if (typeof field === 'object' && 'fields' in field) {
    if (!isObject(value)) {
      throw fault('millrace/bad-option', `${where}: ${name} is ${shownValue(value)}, but must be an object`)
    }
    checkFields(where, value, field)
    return
  }
  const problem = problemOf(field, value)
  if (problem !== undefined) throw fault('millrace/bad-option', `${where}: ${name} ${problem}`)
}

type Simple = Exclude<Field, Fields>

/** Longer than any name, path, context or reason may be. */
export const charsMax = 5_000

const kinds: Readonly<Record<Extract<Field, string>, readonly [is: (value: unknown) => boolean, what: string]>> = {
  text: [isText, `a text of at most ${charsMax} characters`],
  path: [(value) => isText(value) && value !== '' && !value.includes('\0'), 'the path of a file'],
  number: [(value) => Number.isFinite(value), 'a number'],
  count: [(value) => Number.isSafeInteger(value) && (value as number) > 0, 'a whole number from 1'],
  whole: [(value) => Number.isSafeInteger(value) && (value as number) >= 0, 'a whole number from 0'],
  flag: [(value) => typeof value === 'boolean', 'true or false'],
  numbers: [(value) => Array.isArray(value) && value.every(Number.isFinite), 'a list of numbers'],
  list: [(value) => Array.isArray(value), 'a list'],
  any: [() => true, 'anything'],
}

function problemOf(field: Simple, value: unknown): string | undefined {
  if (typeof field === 'string') {
    const [is, what] = kinds[field]
    return is(value) ? undefined : `is ${shownValue(value)}, but must be ${what}`
  }
  if ('oneOf' in field) {
    if (field.oneOf.includes(value as string)) return undefined
    return `is ${shownValue(value)}, but must be ${field.oneOf.join(' or ')}${hint(value, field.oneOf)}`
  }
  if (!Array.isArray(value)) return `is ${shownValue(value)}, but must be a list of ${field.join(', ')}`
  const wrong: unknown = value.find((one) => !field.includes(one as string))
  if (wrong === undefined && value.every((one) => one !== undefined)) return undefined
  return `has ${shownValue(wrong)}, which is none of ${field.join(', ')}${hint(wrong, field)}`
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= charsMax
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const wordCharsMax = 100

function hint(value: unknown, names: readonly string[]): string {
  return typeof value === 'string' && value.length <= wordCharsMax ? suggest(value, names) : ''
}
