// Values as the server takes them, and back. The client never sees a value that it could not write: it would spoil the
// prepared statement of that name for good.
import { fault } from '../../model/errors.ts'
import type { Scalar, SqlValue } from './statements.ts'

/** A value as text; bytes stay bytes. */
export function valueFor(value: SqlValue): string | Uint8Array | null {
  if (value === null) return null
  if (typeof value === 'string') return escaped(value)
  if (typeof value !== 'object') return String(value)
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : arrayText(value)
}

function arrayText(values: readonly Scalar[]): string {
  let text = '{'
  for (let index = 0; index < values.length; index++) {
    if (index > 0) text += ','
    text += elementText(values[index]!)
  }
  return `${text}}`
}

function elementText(value: Scalar): string {
  if (value === null) return 'null'
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'string') return `"\\\\x${Buffer.from(value).toString('hex')}"`
  const text = escaped(value)
  return `"${special.test(text) ? text.replace(specials, '\\$&') : text}"`
}

const special = /["\\]/
const specials = /["\\]/g

// PostgreSQL has no text with the character 0. The escape keeps the order of texts.
/** Text as it is stored. */
export function escaped(text: string): string {
  if (!text.includes('\0') && !text.includes('\x01')) return text
  return text.replaceAll('\x01', '\x01\x02').replaceAll('\0', '\x01\x01')
}

function unescaped(text: string): string {
  if (!text.includes('\x01')) return text
  return text.replaceAll('\x01\x01', '\0').replaceAll('\x01\x02', '\x01')
}

/** Reads the text of a value. */
export type Parse = (text: string) => unknown

const exactNumber: Parse = (text) => {
  const number = Number(text)
  if (Number.isSafeInteger(number)) return number
  throw fault('millrace/bad-value', `${text} is no number that JavaScript keeps exactly`)
}
const numberOrBigint: Parse = (text) => {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}
const bytes: Parse = (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex'))
const asIs: Parse = (text) => text

const oids = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, text: 25, oid: 26, float4: 700, float8: 701 }

const common: readonly (readonly [oid: number, parse: Parse])[] = [
  [oids.bool, (text) => text === 't'],
  [oids.bytea, bytes],
  [oids.int2, Number],
  [oids.int4, Number],
  [oids.oid, Number],
  [oids.float4, Number],
  [oids.float8, Number],
]

/** How rows of our statements are read; every other type as its text. */
const ours = new Map<number, Parse>([...common, [oids.int8, exactNumber], [oids.text, unescaped]])
/** How rows of users are read. */
const users = new Map<number, Parse>([...common, [oids.int8, numberOrBigint]])

const typesOf = (parsers: ReadonlyMap<number, Parse>) => ({
  getTypeParser: (oid: number): Parse => parsers.get(oid) ?? asIs,
})

export const ourTypes = typesOf(ours)
export const userTypes = typesOf(users)
