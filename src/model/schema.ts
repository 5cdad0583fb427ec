import type { StandardSchemaV1 } from '@standard-schema/spec'
import { fault, isMillraceError, type MillraceError } from './errors.ts'
import { inBrief } from './people.ts'
import { isPromise } from './promise.ts'

/** Any schema of a library that follows Standard Schema: zod, valibot, arktype and others. */
export type Schema<In = unknown, Out = In> = StandardSchemaV1<In, Out>
/** A schema of data of any type. */
// biome-ignore lint/suspicious/noExplicitAny: the widest schema, whatever it takes and gives
export type AnySchema = StandardSchemaV1<any, any>
export type Output<S extends AnySchema> = StandardSchemaV1.InferOutput<S>

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

/**
 * A value that JSON carries. A property may be missing; an entry of a list may not, since JSON would turn it into null.
 */
type JsonValue =
  | string
  | number
  | boolean
  | null
  | { readonly [key: string]: JsonValue | undefined }
  | readonly JsonValue[]

type NotJson =
  | bigint
  | symbol
  | Date
  | RegExp
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ArrayBuffer
  | ArrayBufferView
  // biome-ignore lint/suspicious/noExplicitAny: any function at all
  | ((...args: any[]) => unknown)

/** A type as JSON returns it; `never` where JSON would change or lose it. */
type AsJson<T> = [T] extends [JsonValue | undefined]
  ? T
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends NotJson
      ? never
      : T extends readonly unknown[]
        ? { [K in keyof T]: AsEntry<T[K]> }
        : T extends object
          ? { [K in keyof T]: AsJson<T[K]> }
          : T

type AsEntry<T> = T extends undefined ? never : AsJson<T>

/** Passes a schema through when its input and output types agree; else becomes an error to read. */
export type Stable<S extends AnySchema> =
  Same<StandardSchemaV1.InferInput<S>, Output<S>> extends true
    ? S
    : { error: 'a message schema must not transform: input and output type differ' }

/** Passes a schema through when its data survives JSON; else becomes an error to read. */
export type Plain<S extends AnySchema> = [Output<S>] extends [AsJson<Output<S>>]
  ? S
  : { error: 'message data must be plain JSON: no Date, bigint, Map, Set, function, bytes or undefined in a list' }

/** Passes a schema through when it always has data; else becomes an error to read. */
export type Present<S extends AnySchema> =
  unknown extends Output<S>
    ? S
    : undefined extends Output<S>
      ? { error: 'message data must not be undefined: use an object with optional properties, or null' }
      : S

const issuesShown = 3

/**
 * Checks a value and returns the output of the schema. Errors call it `what`, of the type where one is given.
 *
 * @throws `millrace/bad-data`, `millrace/async-schema`
 */
export function check(what: string, schema: AnySchema, value: unknown, type?: Named): unknown {
  let issues: string[]
  try {
    // A promise is refused below.
    const result = schema['~standard'].validate(value) as StandardSchemaV1.Result<unknown>
    if (isPromise(result)) throw notChecked(named(what, type), schema, value)
    if (result.issues === undefined) return result.value
    issues = result.issues.map(({ path = [], message }) => {
      const place = path.map((key) => String(typeof key === 'object' ? key.key : key)).join('.')
      return place === '' ? message : `${place}: ${message}`
    })
  } catch (cause) {
    throw isMillraceError(cause) ? cause : schemaThrows(named(what, type), cause)
  }
  const more = issues.length > issuesShown ? ` (and ${issues.length - issuesShown} more)` : ''
  throw fault(
    'millrace/bad-data',
    `${named(what, type)} does not fit its schema: ${issues.slice(0, issuesShown).join('; ')}${more}`,
    {
      data: { issues },
    },
  )
}

const schemaThrows = (what: string, cause: unknown) =>
  fault('millrace/bad-data', `${what} cannot be checked, its schema throws: ${inBrief(cause)}`, { cause })

/**
 * Finds out why a schema returned a promise. A library may return one also when its check throws, and hide the error.
 * Its own `parse`, which many have, throws that error, or says that it needs a promise.
 */
function notChecked(what: string, schema: AnySchema, value: unknown): MillraceError {
  const { parse } = schema as { parse?: unknown }
  try {
    if (typeof parse === 'function') isPromise(parse.call(schema, value))
  } catch (cause) {
    const why = inBrief(cause)
    if (!/async|promise/i.test(why)) return schemaThrows(what, cause)
    return fault('millrace/async-schema', `${what}: its schema checks asynchronously: ${why}`, { cause })
  }
  return fault('millrace/async-schema', `${what}: its schema checks asynchronously, or throws`)
}

interface Named {
  readonly kind: string
  readonly name: string
}

export const named = (what: string, type: Named | undefined) =>
  type === undefined ? what : `${what} ${type.kind} "${type.name}"`

export function isSchema(value: unknown): value is AnySchema {
  const standard = (value as { '~standard'?: { version?: unknown; validate?: unknown } } | null | undefined)?.[
    '~standard'
  ]
  return standard?.version === 1 && typeof standard.validate === 'function'
}
