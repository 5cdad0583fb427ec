// What is wrong with which part of a body, as JSON pointers: found only when something is.
import { fault, isMillraceError, type MillraceError } from '../model/errors.ts'
import type { MessageType } from '../model/message.ts'
import { isPromise } from '../model/promise.ts'
import type { PartWrong } from './problem.ts'

/** Data that a type has refused, or may refuse. */
export interface Given {
  readonly type: MessageType
  readonly data: unknown
}

interface Result {
  readonly issues?: readonly Issue[] | undefined
}

/** As of Standard Schema. */
interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What the schema of a type says of data; nothing where they fit, or it cannot tell. */
export function misfitsOf({ type, data }: Given, before: string): PartWrong[] {
  try {
    const result = type.schema['~standard'].validate(data) as Result
    if (isPromise(result) || result.issues === undefined) return []
    return result.issues.map(({ path = [], message }) => ({
      pointer: before + path.map((key) => `/${escaped(typeof key === 'object' ? key.key : key)}`).join(''),
      detail: message,
    }))
  } catch {
    return []
  }
}

/** Where an error is about, within the body. */
export function partsOf(error: MillraceError, given: Given | undefined, before: string, data = '/data'): PartWrong[] {
  const { pointer } = (error.data ?? {}) as { readonly pointer?: string | undefined }
  const found = given === undefined || error.code !== 'millrace/bad-data' ? [] : misfitsOf(given, before + data)
  if (found.length > 0) return found
  return [{ pointer: before + (pointer ?? (dataCodes.has(error.code) ? data : '')), detail: error.message }]
}

const dataCodes: ReadonlySet<string> = new Set([
  'millrace/bad-data',
  'millrace/not-json',
  'millrace/bad-context',
  'millrace/too-large',
])

const escaped = (key: PropertyKey) => String(key).replaceAll('~', '~0').replaceAll('/', '~1')

/** The same error with the parts of the body that it is about. */
export function withParts(error: unknown, parts: (error: MillraceError) => readonly PartWrong[]): unknown {
  if (!isMillraceError(error)) return error
  const { pointer: _, entry: __, ...facts } = (error.data ?? {}) as Record<string, unknown>
  return fault(error.code, error.message, { cause: error, data: { ...facts, errors: parts(error) } })
}
