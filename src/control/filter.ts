import { fault } from '../model/errors.ts'
import { suggest } from '../model/names.ts'
import { checkOptions } from '../model/options.ts'

/** What a field of a filter takes: a text, a number, a whole number from 1, or some of these names. */
export type Field = 'text' | 'number' | 'count' | readonly string[]

/**
 * Checks what a list is asked for; a field that is undefined says nothing.
 *
 * @throws `millrace/unknown-option`, `millrace/bad-option`
 */
export function checkFilter(where: string, filter: object, fields: Readonly<Record<string, Field>>): void {
  checkOptions(where, filter, Object.keys(fields))
  for (const [name, value] of Object.entries(filter)) {
    const problem = value === undefined ? undefined : problemOf(fields[name]!, value)
    if (problem !== undefined) throw fault('millrace/bad-option', `${where}: ${name} ${problem}`)
  }
}

function problemOf(field: Field, value: unknown): string | undefined {
  const is = typeof value === 'string' ? JSON.stringify(value) : String(value)
  if (field === 'text') return typeof value === 'string' ? undefined : `is ${is}, but must be a text`
  if (field === 'number') return Number.isFinite(value) ? undefined : `is ${is}, but must be a number`
  if (field === 'count') {
    return Number.isSafeInteger(value) && (value as number) > 0
      ? undefined
      : `is ${is}, but must be a whole number from 1`
  }
  if (!Array.isArray(value)) return `is ${is}, but must be a list of ${field.join(', ')}`
  const wrong = value.find((one) => !field.includes(one as string))
  return wrong === undefined
    ? undefined
    : `has ${JSON.stringify(wrong)}, which is none of ${field.join(', ')}${suggest(String(wrong), field)}`
}
