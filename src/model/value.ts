// The values that a statement binds.
import { fault } from './errors.ts'
import { dateMs, isBytes } from './kinds.ts'

/**
 * A value that a statement binds; anything else is `millrace/bad-value`. A whole number within
 * `Number.MAX_SAFE_INTEGER` and a boolean are bound as an integer, any other number as floating point, a bigint of at
 * most 64 bits as an integer. An integer is read as a number where that is exact, else as a bigint.
 */
export type Value = string | number | bigint | boolean | null | Uint8Array

/**
 * Refuses values that cannot be bound, or would come back as something else (an object as first value would silently
 * become named parameters).
 *
 * @param of what has the values, for the message
 */
export function checkValues(values: readonly unknown[], of = 'the statement'): asserts values is Value[] {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    const why = unfit(value)
    if (why !== undefined) {
      throw fault('millrace/bad-value', `value ${index + 1} of ${of} is ${why}, which cannot be bound`)
    }
  }
}

function unfit(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? undefined : 'a string with half a character (a lone surrogate)'
    case 'number':
      return Number.isFinite(value) ? undefined : String(value)
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? undefined : 'a bigint of more than 64 bits'
    case 'boolean':
      return undefined
    case 'object':
      if (value === null || isBytes(value)) return undefined
      if (Array.isArray(value)) return 'an array (in a query write list(…) for it)'
      return dateMs(value) === undefined ? 'of type object' : 'a Date'
    default:
      return `of type ${typeof value}`
  }
}
