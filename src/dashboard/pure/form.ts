// The form of a message, from the JSON Schema of its type: which fields there are, and what each takes. It only helps to
// write; the schema of the server judges. What it does not know is edited as JSON, in its place, with a line that says why.
//
// The inside of a field is made when it is asked for, so a schema that contains itself has a form as deep as its data.

import type { Common, Field, NamedField, Option, TextInput, Variant } from './fields.ts'
import {
  fits,
  followedMax,
  type JsonSchema,
  type Keywords,
  kindIn,
  labelOf,
  listIn,
  propertiesIn,
  resolved,
  schemaIn,
  shown,
  targetOf,
  textIn,
} from './schema.ts'

/** Makes the form of a schema. */
export function formOf(schema: JsonSchema): Field {
  return fieldOf(schemaIn(schema), schema, 0)
}

/** A text that may be longer is edited in several lines. */
const lineMax = 200

function fieldOf(given: JsonSchema, root: JsonSchema, followed: number): Field {
  if (typeof given === 'boolean') return json({}, given ? 'it takes any value' : 'it takes no value')
  const reference = given['$ref']
  if (reference !== undefined) {
    const target = typeof reference === 'string' ? targetOf(reference, root) : undefined
    if (target === undefined || followed >= followedMax) return json(given, `the schema refers to ${shown(reference)}`)
    if (typeof target === 'boolean') return fieldOf(target, root, followed + 1)
    const { $ref: _, ...beside } = given
    return fieldOf({ ...target, ...beside }, root, followed + 1)
  }
  const all = listIn(given['allOf'])
  if (all.length === 1) {
    const { allOf: _, ...beside } = given
    const only = all[0]!
    if (typeof only === 'object') return fieldOf({ ...only, ...beside }, root, followed + 1)
  }
  const strange = unknown.find((keyword) => given[keyword] !== undefined)
  if (strange !== undefined) return json(given, `the schema says ${strange}, which a form cannot show`)
  const { one: simple, nullable } = withoutNull(given)
  const inner = ofKind(simple, root, followed)
  const { title = inner.title, help = inner.help, preset = inner.preset } = commonOf(given)
  return { ...inner, title, help, preset, nullable: nullable || inner.nullable }
}

/** What a form cannot show; each says something that none of its fields would. */
const unknown = [
  ...['allOf', 'not', 'if', 'dependentSchemas', 'dependentRequired', 'patternProperties', 'propertyNames'],
  ...['prefixItems', 'contains', 'unevaluatedProperties', 'unevaluatedItems', '$dynamicRef'],
] as const

/** The schema without the value null: `["string", "null"]`, `anyOf: [X, null]`, or null among the values of an enum. */
function withoutNull(schema: Keywords): { readonly one: Keywords; readonly nullable: boolean } {
  const { type } = schema
  if (Array.isArray(type) && type.includes('null')) {
    const others = type.filter((one) => one !== 'null')
    const enumerated = Array.isArray(schema['enum']) ? { enum: schema['enum'].filter((one) => one !== null) } : {}
    return { one: { ...schema, type: others.length === 1 ? others[0] : others, ...enumerated }, nullable: true }
  }
  for (const keyword of ['anyOf', 'oneOf'] as const) {
    const several = listIn(schema[keyword])
    const others = several.filter((one) => !isNull(one))
    if (several.length === 0 || others.length === several.length) continue
    const { [keyword]: _, ...beside } = schema
    const [only] = others
    if (others.length === 1 && typeof only === 'object') return { one: { ...beside, ...only }, nullable: true }
    return { one: { ...beside, [keyword]: others }, nullable: true }
  }
  return { one: schema, nullable: false }
}

const isNull = (schema: JsonSchema) =>
  typeof schema === 'object' && (schema['type'] === 'null' || ('const' in schema && schema['const'] === null))

function ofKind(schema: Keywords, root: JsonSchema, followed: number): Field {
  if (schema['$ref'] !== undefined) return fieldOf(schema, root, followed)
  if ('const' in schema) return { ...common, is: 'choice', options: [optionOf(schema['const'])] }
  if (Array.isArray(schema['enum'])) return { ...common, is: 'choice', options: schema['enum'].map(optionOf) }
  const several = [...listIn(schema['oneOf']), ...listIn(schema['anyOf'])]
  if (several.length > 0) return variantsOf(several, schema, root)
  const types = Array.isArray(schema['type']) ? (schema['type'] as unknown[]) : [schema['type']]
  if (types.length > 1)
    return variantsOf(
      types.map((type) => ({ ...schema, type }) as JsonSchema),
      {},
      root,
    )
  switch (types[0] ?? kindIn(schema)) {
    case 'object':
      return objectOf(schema, root)
    case 'array':
      return listOf(schema, root)
    case 'string':
      return textOf(schema)
    case 'number':
    case 'integer':
      return numberOf(schema)
    case 'boolean':
      return { ...common, is: 'flag' }
    case 'null':
      return { ...common, is: 'choice', options: [optionOf(null)] }
    default:
      return json(schema, types[0] === undefined ? 'it takes any value' : `the schema says type ${shown(types[0])}`)
  }
}

function objectOf(schema: Keywords, root: JsonSchema): Field {
  const properties = propertiesIn(schema)
  const { additionalProperties = true } = schema
  if (properties.length === 0 && additionalProperties !== false) {
    return json(schema, 'it takes fields of any name')
  }
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : [])
  const fields = properties.map(([name, inner]): NamedField => {
    return { name, required: required.has(name), field: () => fieldOf(inner, root, 0) }
  })
  return { ...common, is: 'object', fields, open: additionalProperties !== false }
}

function listOf(schema: Keywords, root: JsonSchema): Field {
  const { items = true, minItems, maxItems } = schema
  if (Array.isArray(items)) return json(schema, 'each place of the list has a schema of its own')
  return {
    ...common,
    is: 'list',
    least: numberIn(minItems) ?? 0,
    most: numberIn(maxItems),
    item: () => fieldOf(schemaIn(items), root, 0),
  }
}

const inputs: Readonly<Record<string, TextInput>> = {
  date: 'date',
  time: 'time',
  'date-time': 'moment',
  email: 'email',
  'idn-email': 'email',
  uri: 'url',
  url: 'url',
}

function textOf(schema: Keywords): Field {
  const { format, pattern, minLength, maxLength } = schema
  const most = numberIn(maxLength)
  const known = typeof format === 'string' && Object.hasOwn(inputs, format) ? inputs[format] : undefined
  return {
    ...common,
    is: 'text',
    input: known ?? (most !== undefined && most > lineMax ? 'long' : 'line'),
    least: numberIn(minLength) ?? 0,
    most,
    pattern: typeof pattern === 'string' ? pattern : undefined,
  }
}

function numberOf(schema: Keywords): Field {
  const { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  const whole = type === 'integer'
  const above = numberIn(exclusiveMinimum)
  const below = numberIn(exclusiveMaximum)
  return {
    ...common,
    is: 'number',
    whole,
    // A bound that is not itself allowed is one more, or one less, of whole numbers; of others the server says it.
    least: numberIn(minimum) ?? (above === undefined || !whole ? above : Math.floor(above) + 1),
    most: numberIn(maximum) ?? (below === undefined || !whole ? below : Math.ceil(below) - 1),
    step: numberIn(multipleOf) ?? (whole ? 1 : undefined),
  }
}

function variantsOf(several: readonly JsonSchema[], beside: Keywords, root: JsonSchema): Field {
  const all = several.map((one) => resolved(one, root))
  if (all.every((one) => typeof one === 'object' && 'const' in one)) {
    const options = all.map((one) => {
      const { const: value, title } = one as Keywords
      return { label: textIn(title) ?? shown(value), json: JSON.stringify(value) }
    })
    return { ...common, is: 'choice', options }
  }
  const { oneOf: _, anyOf: __, title: ___, description: ____, ...shared } = beside
  const variants = all.map((one, at): Variant => {
    const schema = typeof one === 'object' ? { ...shared, ...one } : one
    return {
      label: labelOf(schema, at),
      fits: (text) => fits(schema, JSON.parse(text)),
      field: () => fieldOf(schema, root, 0),
    }
  })
  return { ...common, is: 'variants', variants }
}

const common: Common = { title: undefined, help: undefined, nullable: false, preset: undefined }

function commonOf(schema: Keywords): Omit<Common, 'nullable'> {
  const { title, description, default: preset } = schema
  return {
    title: textIn(title),
    help: textIn(description),
    preset: preset === undefined ? undefined : JSON.stringify(preset),
  }
}

function json(schema: Keywords, why: string): Field {
  return { ...common, ...commonOf(schema), is: 'json', why }
}

const numberIn = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined)
const optionOf = (value: unknown): Option => ({
  label: typeof value === 'string' ? value : shown(value),
  json: JSON.stringify(value),
})
