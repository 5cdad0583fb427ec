// Where data do not fit their schema, as JSON pointers.
import { isPromise } from './promise.ts'
import type { AnySchema } from './schema.ts'

/** One place in data that does not fit. */
export interface Misfit {
  /** JSON Pointer (RFC 6901); empty for all of the data. */
  readonly pointer: string
  readonly detail: string
}

/** Data that a schema has refused, or may refuse. */
export interface Given {
  readonly type: { readonly schema: AnySchema }
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
export function misfitsOf({ type, data }: Given, before: string): Misfit[] {
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

const escaped = (key: PropertyKey) => String(key).replaceAll('~', '~0').replaceAll('/', '~1')
