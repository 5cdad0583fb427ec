// Type test, compiled and not run: which schemas may declare a message, with each of three libraries.
import { type } from 'arktype'
import { command, type DataOf, event } from 'millrace'
import * as v from 'valibot'
import { z } from 'zod'
import { is, type Same } from './is.ts'

// ── what goes ────────────────────────────────────────────────────────────────────────────────────────────────────

const Order = event('order', { schema: z.object({ id: z.string(), note: z.string().optional() }) })
is<Same<DataOf<typeof Order>, { id: string; note?: string | undefined }>>()
is<Same<typeof Order.name, 'order'>>()

const ValibotOrder = event('order', { schema: v.object({ id: v.string(), lines: v.array(v.number()) }) })
is<Same<DataOf<typeof ValibotOrder>, { id: string; lines: number[] }>>()
event('order', { schema: v.object({ id: v.optional(v.string()) }), context: (data) => data.id ?? 'none' })
event('order', { schema: v.variant('kind', [v.object({ kind: v.literal('a') }), v.object({ kind: v.literal('b') })]) })
event('order', { schema: v.pipe(v.string(), v.trim(), v.minLength(1)) })

const ArktypeOrder = event('order', { schema: type({ id: 'string', 'note?': 'string', lines: 'number[]' }) })
is<Same<DataOf<typeof ArktypeOrder>['lines'], number[]>>()
event('order', { schema: type({ id: 'string.uuid' }).or({ number: 'number' }) })
event('order', { schema: type({ id: 'string' }), context: (data) => data.id })

type Tree = { readonly value: string; readonly children: readonly Tree[] }
const tree: z.ZodType<Tree, Tree> = z.lazy(() => z.object({ value: z.string(), children: z.array(tree) }))
const Recursive = event('tree', { schema: tree, context: (data) => data.children[0]?.value ?? data.value })
is<Same<DataOf<typeof Recursive>, Tree>>()
const getters = z.object({
  value: z.string(),
  get children() {
    return z.array(getters)
  },
})
event('tree', { schema: getters, context: ({ children }) => children[0]!.children[0]!.value })
const valibotTree: v.GenericSchema<Tree> = v.object({ value: v.string(), children: v.array(v.lazy(() => valibotTree)) })
event('tree', { schema: valibotTree })

const shape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('circle'), radius: z.number() }),
  z.object({ kind: z.literal('square'), side: z.number() }),
])
const Shape = event('shape', { schema: shape })
is<Same<DataOf<typeof Shape>, { kind: 'circle'; radius: number } | { kind: 'square'; side: number }>>()

event('unknown', { schema: z.unknown() })
event('unknown', { schema: z.object({ anything: z.unknown(), whatever: z.any() }) })
event('json', { schema: z.json() })
event('union', { schema: z.union([z.string(), z.null(), z.object({ a: z.boolean().nullable() })]) })
event('tuple', { schema: z.tuple([z.string(), z.literal(3)]) })
event('tuple', { schema: z.tuple([z.string(), z.number().optional()]) })
event('rest', { schema: z.tuple([z.string()], z.number()) })
event('record', { schema: z.record(z.string(), z.array(z.object({ x: z.number().nullish() }))) })
event('partial', { schema: z.partialRecord(z.enum(['a', 'b']), z.number()) })
event('both', { schema: z.object({ a: z.string() }).and(z.object({ b: z.string() })) })
event('loose', { schema: z.looseObject({ a: z.string() }) })
event('empty', { schema: z.object({}) })
event('readonly', { schema: z.object({ list: z.array(z.string()).readonly() }) })
event('same', { schema: z.object({ name: z.string().trim().toLowerCase() }) })
event('both.ways', { schema: z.object({ id: z.string().brand<'Id', 'inout'>() }) })
interface Declared {
  id: string
  inner: { at: number }[]
}
event('interface', { schema: z.custom<Declared>((value) => typeof value === 'object') })

command('plain', { schema: z.object({}) })
command('full', { schema: z.object({}), reply: z.object({ left: z.number() }), refusal: z.object({ why: z.string() }) })
command('list', { schema: z.object({}), reply: z.array(z.string()), refusal: z.string() })

// ── what transforms ──────────────────────────────────────────────────────────────────────────────────────────────

// @ts-expect-error a default makes the input differ from the output
event('zod', { schema: z.object({ a: z.string().default('x') }) })
// @ts-expect-error so does a prefault
event('zod', { schema: z.object({ a: z.string().prefault('x') }) })
// @ts-expect-error a transform to another type
event('zod', { schema: z.object({ a: z.string().transform((text) => text.length) }) })
// @ts-expect-error a transform at the top
event('zod', { schema: z.string().transform((text) => ({ text })) })
// @ts-expect-error coerce takes anything
event('zod', { schema: z.object({ a: z.coerce.number() }) })
// @ts-expect-error preprocess takes anything
event('zod', { schema: z.object({ a: z.preprocess((value) => value, z.string()) }) })
// @ts-expect-error a codec has two types
event('zod', { schema: z.object({ a: z.codec(z.string(), z.number(), { decode: Number, encode: String }) }) })
// @ts-expect-error text in, boolean out
event('zod', { schema: z.object({ a: z.stringbool() }) })
// @ts-expect-error a brand on the output only: handlers could not publish what they get from elsewhere
event('zod', { schema: z.object({ a: z.string().brand<'Id'>() }) })
// @ts-expect-error a transform deep inside
event('zod', { schema: z.object({ a: z.array(z.object({ b: z.tuple([z.string().transform(Number)]) })) }) })
// @ts-expect-error a default of valibot
event('valibot', { schema: v.object({ a: v.optional(v.string(), 'x') }) })
// @ts-expect-error a transform of valibot
event('valibot', { schema: v.object({ a: v.pipe(v.string(), v.transform(Number)) }) })
// @ts-expect-error a brand of valibot
event('valibot', { schema: v.object({ a: v.pipe(v.string(), v.brand('Id')) }) })
// @ts-expect-error a default of arktype
event('arktype', { schema: type({ a: 'string = "x"' }) })
// @ts-expect-error a morph of arktype
event('arktype', { schema: type({ a: 'string.numeric.parse' }) })
// @ts-expect-error a brand of arktype
event('arktype', { schema: type({ a: 'string#id' }) })
// @ts-expect-error commands follow the same rule
command('zod', { schema: z.object({ a: z.string().default('x') }) })
// @ts-expect-error replies too
command('zod', { schema: z.object({}), reply: z.object({ a: z.string().default('x') }) })
// @ts-expect-error refusals too
command('zod', { schema: z.object({}), refusal: z.object({ a: z.coerce.number() }) })

// ── what JSON does not carry ─────────────────────────────────────────────────────────────────────────────────────

// @ts-expect-error a Date
event('zod', { schema: z.object({ a: z.date() }) })
// @ts-expect-error a Date at the top
event('zod', { schema: z.date() })
// @ts-expect-error an optional Date
event('zod', { schema: z.object({ a: z.date().optional() }) })
// @ts-expect-error a nullable Date
event('zod', { schema: z.object({ a: z.date().nullable() }) })
// @ts-expect-error a list of Dates
event('zod', { schema: z.array(z.date()) })
// @ts-expect-error a Date in a tuple
event('zod', { schema: z.object({ a: z.tuple([z.string(), z.date()]) }) })
// @ts-expect-error a Date at the end of a tuple
event('zod', { schema: z.object({ a: z.tuple([z.string()], z.date()) }) })
// @ts-expect-error a Date in a record
event('zod', { schema: z.object({ a: z.record(z.string(), z.date()) }) })
// @ts-expect-error a Date in a union
event('zod', { schema: z.object({ a: z.union([z.string(), z.date()]) }) })
const branches = [z.object({ k: z.literal(1) }), z.object({ k: z.literal(2), a: z.date() })] as const
// @ts-expect-error a Date in one branch
event('zod', { schema: z.discriminatedUnion('k', branches) })
// @ts-expect-error a Date in an intersection
event('zod', { schema: z.object({ a: z.string() }).and(z.object({ b: z.date() })) })
// @ts-expect-error a Date deep inside
event('zod', { schema: z.object({ a: z.object({ b: z.array(z.object({ c: z.date() })) }) }) })
// @ts-expect-error a bigint
event('zod', { schema: z.object({ a: z.bigint() }) })
// @ts-expect-error a bigint in a list
event('zod', { schema: z.object({ a: z.array(z.bigint()) }) })
// @ts-expect-error a symbol
event('zod', { schema: z.object({ a: z.symbol() }) })
// @ts-expect-error a Map
event('zod', { schema: z.object({ a: z.map(z.string(), z.number()) }) })
// @ts-expect-error a Set
event('zod', { schema: z.object({ a: z.set(z.string()) }) })
// @ts-expect-error bytes
event('zod', { schema: z.object({ a: z.instanceof(Uint8Array) }) })
// @ts-expect-error a buffer
event('zod', { schema: z.object({ a: z.instanceof(ArrayBuffer) }) })
// @ts-expect-error a function
event('zod', { schema: z.object({ a: z.custom<() => void>() }) })
// @ts-expect-error an optional function
event('zod', { schema: z.object({ a: z.custom<(text: string) => number>().optional() }) })
// @ts-expect-error a promise
event('zod', { schema: z.object({ a: z.custom<Promise<string>>() }) })
// @ts-expect-error a regular expression
event('zod', { schema: z.object({ a: z.instanceof(RegExp) }) })
// @ts-expect-error an address object
event('zod', { schema: z.object({ a: z.instanceof(URL) }) })
// @ts-expect-error undefined in a list comes back as null
event('zod', { schema: z.array(z.string().optional()) })
// @ts-expect-error undefined within an object in a list, in a list
event('zod', { schema: z.object({ a: z.array(z.object({ b: z.array(z.undefined()) })) }) })
// @ts-expect-error there is always data
event('zod', { schema: z.undefined() })
// @ts-expect-error data cannot be optional as a whole
event('zod', { schema: z.object({ a: z.string() }).optional() })
// @ts-expect-error a Date of valibot
event('valibot', { schema: v.object({ a: v.nullable(v.date()) }) })
// @ts-expect-error a bigint of valibot
event('valibot', { schema: v.array(v.bigint()) })
// @ts-expect-error a Map of valibot
event('valibot', { schema: v.object({ a: v.map(v.string(), v.string()) }) })
// @ts-expect-error a Date of arktype
event('arktype', { schema: type({ a: 'Date' }) })
// @ts-expect-error a bigint of arktype
event('arktype', { schema: type({ 'a?': 'bigint[]' }) })
// @ts-expect-error a Set of arktype
event('arktype', { schema: type({ a: 'Set' }) })
// @ts-expect-error a Date in a command
command('zod', { schema: z.object({ a: z.date() }) })
// @ts-expect-error a Date in a reply
command('zod', { schema: z.object({}), reply: z.object({ a: z.date() }) })
// @ts-expect-error a Map in a refusal
command('zod', { schema: z.object({}), refusal: z.object({ a: z.map(z.string(), z.string()) }) })

// ── what is no schema, and contexts ──────────────────────────────────────────────────────────────────────────────

// @ts-expect-error a schema is needed
event('none', {})
// @ts-expect-error a plain object is no schema
event('none', { schema: { id: 'string' } })
// @ts-expect-error the context has to be text
event('number', { schema: z.object({ id: z.number() }), context: (data) => data.id })
// @ts-expect-error the context has to be there
event('optional', { schema: z.object({ id: z.string().optional() }), context: (data) => data.id })
// @ts-expect-error the data has no such property
event('typo', { schema: z.object({ id: z.string() }), context: (data) => data.ix })
// @ts-expect-error no such option
event('typo', { schema: z.object({ id: z.string() }), contxt: (data: { id: string }) => data.id })
// @ts-expect-error an upcast is a function
event('upcast', { version: 2, schema: z.object({}), upcast: { 1: 'old' } })
// @ts-expect-error events have no reply
event('reply', { schema: z.object({}), reply: z.object({}) })
