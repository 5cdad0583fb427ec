// What is wrong with which part of a body, as JSON pointers: found only when something is.
import { fault, isMillraceError, type MillraceError } from '../model/errors.ts'
import { type Given, misfitsOf } from '../model/misfits.ts'
import type { PartWrong } from './problem.ts'

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

/** The same error with the parts of the body that it is about. */
export function withParts(error: unknown, parts: (error: MillraceError) => readonly PartWrong[]): unknown {
  if (!isMillraceError(error)) return error
  const { pointer: _, entry: __, ...facts } = (error.data ?? {}) as Record<string, unknown>
  return fault(error.code, error.message, { cause: error, data: { ...facts, errors: parts(error) } })
}
