// The kind of a value of any realm. A `vm` context, as each test file of Jest has one, has its own Object, Error and
// Date, so `instanceof` and comparing prototypes fail for values that are otherwise the same.

/**
 * Tests for an error of any realm, also one made without calling `Error`; false for an object that only looks like one.
 */
export function isError(value: unknown): value is Error {
  try {
    return Error.isError(value) || value instanceof Error
  } catch {
    // The value is a proxy whose traps throw.
    return false
  }
}

/** The time of a Date of any realm, milliseconds since 1970; NaN for an invalid Date, undefined for any other value. */
export function dateMs(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  try {
    return Date.prototype.getTime.call(value)
  } catch {
    return undefined
  }
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object
const nameOfArray = Object.getOwnPropertyDescriptor(typedArray, Symbol.toStringTag)!.get!

/** Tests for bytes of any realm; a Buffer counts. */
export function isBytes(value: unknown): value is Uint8Array {
  return nameOfArray.call(value) === 'Uint8Array'
}

/** Tests for a regular expression of any realm. */
export function isPattern(value: unknown): value is RegExp {
  if (typeof value !== 'object' || value === null) return false
  try {
    // Only regular expressions answer this getter; for the prototype itself it returns undefined.
    return flagOf.call(value) !== undefined
  } catch {
    return false
  }
}

const flagOf = Object.getOwnPropertyDescriptor(RegExp.prototype, 'global')!.get!

/** Tests for the prototype of plain objects: null, or the `Object.prototype` of any realm. */
export function isPlainPrototype(prototype: object | null): boolean {
  if (prototype === Object.prototype || prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && rootNames.every((name) => Object.hasOwn(prototype, name))
}

const rootNames = ['hasOwnProperty', 'isPrototypeOf', 'propertyIsEnumerable', 'valueOf']
