// The kind of a value, whichever realm made it: a `vm` context, as each test file of Jest has one, has an Object, an
// Error and a Date of its own, so that `instanceof` and comparing prototypes say no to what is the same in every respect.

/** An error of any realm, also one that was made without calling `Error`; nothing that only looks like one. */
export function isError(value: unknown): value is Error {
  try {
    return Error.isError(value) || value instanceof Error
  } catch {
    // A proxy that refuses to be looked at.
    return false
  }
}

/** The time of a Date of any realm, milliseconds since 1970, NaN of an invalid one; undefined of anything else. */
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

/** Bytes of any realm; a Buffer too. */
export function isBytes(value: unknown): value is Uint8Array {
  return nameOfArray.call(value) === 'Uint8Array'
}

/** A regular expression of any realm. */
export function isPattern(value: unknown): value is RegExp {
  if (typeof value !== 'object' || value === null) return false
  try {
    // A getter that only regular expressions have an answer for; the prototype itself is no expression.
    return flagOf.call(value) !== undefined
  } catch {
    return false
  }
}

const flagOf = Object.getOwnPropertyDescriptor(RegExp.prototype, 'global')!.get!

/** Whether a prototype is that of plain objects: none, or the `Object.prototype` of any realm. */
export function isPlainPrototype(prototype: object | null): boolean {
  if (prototype === Object.prototype || prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && rootNames.every((name) => Object.hasOwn(prototype, name))
}

const rootNames = ['hasOwnProperty', 'isPrototypeOf', 'propertyIsEnumerable', 'valueOf']
