// Attributes of messages that another system has made, for which a message has no field.
import { fault, type MillraceError } from './errors.ts'
import { isPlainPrototype } from './kinds.ts'
import { inBrief } from './people.ts'

/** Attributes of CloudEvents by name: lower-case letters and digits; scalars. */
export type Attributes = Readonly<Record<string, string | number | boolean>>

const bytesMax = 8_192
const namePattern = /^[a-z0-9]+$/

/** Names of what a message has a field of its own for. */
const taken: ReadonlySet<string> = new Set(['specversion', 'id', 'source', 'type', 'data', 'traceparent'])

/** Checks attributes and gives a frozen copy. Errors: `millrace/bad-attributes`. */
export function checkAttributes(where: string, given: unknown): Attributes {
  const isPlain = typeof given === 'object' && given !== null && isPlainPrototype(Object.getPrototypeOf(given))
  if (!isPlain) throw badAttributes(where, 'they must be a plain object')
  const copy: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    if (!namePattern.test(name))
      throw badAttributes(where, `"${inBrief(name)}" is no name: only a to z and 0 to 9 may be in it`)
    if (taken.has(name))
      throw badAttributes(where, `"${name}" is no attribute beside others: a message has a field for it`)
    if (!isText(value) && typeof value !== 'boolean' && !Number.isFinite(value)) {
      throw badAttributes(where, `"${name}" must be a well-formed string, a finite number or a boolean`)
    }
    copy[name] = value as string | number | boolean
  }
  const bytes = Buffer.byteLength(JSON.stringify(copy))
  if (bytes > bytesMax) throw badAttributes(where, `they are ${bytes} bytes, but must be at most ${bytesMax}`)
  return Object.freeze(copy)
}

export const isText = (value: unknown): value is string => typeof value === 'string' && value.isWellFormed()

export const badAttributes = (where: string, why: string): MillraceError =>
  fault('millrace/bad-attributes', `${where}: attributes: ${why}`)
