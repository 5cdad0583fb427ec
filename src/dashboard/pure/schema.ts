// What a JSON Schema says, read with care: it comes from a library of the user's, and may say anything.

export type JsonSchema = boolean | { readonly [keyword: string]: unknown }
export type Keywords = Readonly<Record<string, unknown>>

/** References that are followed in a row. */
export const followedMax = 20

export function resolved(schema: JsonSchema, root: JsonSchema): JsonSchema {
  let one: JsonSchema | undefined = schema
  for (let n = 0; n < followedMax && typeof one === 'object' && typeof one['$ref'] === 'string'; n++) {
    one = targetOf(one['$ref'], root)
  }
  return one ?? schema
}

/** The constants of an object tell it from others; else its title, or what kind of value it is. */
export function labelOf(schema: JsonSchema, at: number): string {
  if (typeof schema === 'boolean') return 'anything'
  const title = textIn(schema['title'])
  if (title !== undefined) return title
  const constants = constantsOf(schema).map(([, value]) => (typeof value === 'string' ? value : shown(value)))
  if (constants.length > 0) return constants.join(', ')
  const { type } = schema
  return typeof type === 'string' && type !== 'object' ? (kindWords[type] ?? type) : `shape ${at + 1}`
}

const kindWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'number',
  integer: 'whole number',
  boolean: 'yes or no',
  array: 'list',
  null: 'nothing',
}

function constantsOf(schema: Keywords): [name: string, value: unknown][] {
  const properties = propertiesIn(schema)
  return properties.flatMap(([name, inner]): [string, unknown][] =>
    typeof inner === 'object' && 'const' in inner ? [[name, inner['const']]] : [],
  )
}

export function fits(schema: JsonSchema, value: unknown): boolean {
  if (typeof schema === 'boolean') return schema
  if ('const' in schema) return schema['const'] === value
  const kind = kindOf(value)
  const type = schema['type'] ?? kindIn(schema)
  const types = Array.isArray(type) ? type : [type]
  const isOfType = types.some(
    (one) => one === undefined || one === kind || (one === 'integer' && Number.isInteger(value)),
  )
  if (!isOfType || kind !== 'object') return isOfType
  const data = value as Readonly<Record<string, unknown>>
  const required = Array.isArray(schema['required']) ? (schema['required'] as string[]) : []
  return (
    constantsOf(schema).every(([name, constant]) => data[name] === constant) &&
    required.every((name) => Object.hasOwn(data, name))
  )
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** A place in the schema itself: `#`, or `#/…`. */
export function targetOf(reference: string, root: JsonSchema): JsonSchema | undefined {
  if (reference !== '#' && !reference.startsWith('#/')) return undefined
  let target: unknown = root
  for (const step of decoded(reference).split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof target !== 'object' || target === null || !Object.hasOwn(target, name)) return undefined
    target = (target as Keywords)[name]
  }
  return typeof target === 'boolean' || isObject(target) ? target : undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export const listIn = (value: unknown): readonly JsonSchema[] => (Array.isArray(value) ? value.map(schemaIn) : [])
const isObject = (value: unknown): value is Keywords =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
/** What is no schema says nothing. */
export const schemaIn = (value: unknown): JsonSchema => (typeof value === 'boolean' || isObject(value) ? value : true)
export const propertiesIn = ({ properties }: Keywords): [name: string, schema: JsonSchema][] =>
  isObject(properties) ? Object.entries(properties).map(([name, inner]) => [name, schemaIn(inner)]) : []
export const textIn = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
export const shown = (value: unknown) => (JSON.stringify(value) ?? String(value)).slice(0, 100)

/** A schema that names no type, and says what only one has. */
export function kindIn(schema: Keywords): string | undefined {
  if (schema['properties'] !== undefined) return 'object'
  return schema['items'] === undefined ? undefined : 'array'
}
