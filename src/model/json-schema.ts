// The JSON Schema of a type, from the library that declares it: Standard Schema 1.1 lets a schema say its own.
import type { StandardJSONSchemaV1 } from '@standard-schema/spec'
import { inBrief } from './people.ts'
import type { AnySchema } from './schema.ts'

/** A JSON Schema; `true` takes anything. */
export type JsonSchema = Readonly<Record<string, unknown>> | true

export interface SchemaSaid {
  readonly schema: JsonSchema
  /** The reason for which it is `true`; undefined where the library gave one. */
  readonly why?: string | undefined
}

export type Draft = 'draft-2020-12' | 'draft-07'

/** The JSON Schema of what a schema takes. A schema that has none, or fails to say it, is described as `true`. */
export function jsonSchemaOf(schema: AnySchema, target: Draft): SchemaSaid {
  try {
    const { vendor, jsonSchema } = (schema as unknown as StandardJSONSchemaV1)['~standard']
    if (jsonSchema === undefined) return { schema: true, why: `a schema of ${vendor} gives no JSON Schema by itself` }
    // Through text, so that what others hold does not change with what we do, and is plain.
    return { schema: JSON.parse(JSON.stringify(jsonSchema.input({ target }))) as JsonSchema }
  } catch (error) {
    return { schema: true, why: inBrief(error) }
  }
}

/** The shape of what a schema takes, for a form. */
export interface Shape {
  /** The JSON Schema (2020-12); null where there is none. */
  readonly schema: JsonSchema | null
  /** The reason for which there is none; null where there is one. */
  readonly why: string | null
}

/** The shape of what a schema takes. */
export function shapeOf(schema: AnySchema): Shape {
  const { schema: said, why } = jsonSchemaOf(schema, 'draft-2020-12')
  return why === undefined ? { schema: said, why: null } : { schema: null, why }
}

/** The same schema where it lies deeper in a document: its references to itself begin at `at`, such as `#/components/x`. */
export function placedAt(schema: JsonSchema, at: string): JsonSchema {
  if (schema === true) return true
  const { $schema: _, ...rest } = schema
  return moved(rest, at) as JsonSchema
}

function moved(value: unknown, at: string): unknown {
  if (Array.isArray(value)) return value.map((one) => moved(one, at))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      const isOwn = key === '$ref' && typeof one === 'string' && (one === '#' || one.startsWith('#/'))
      return [key, isOwn ? `${at}${(one as string).slice(1)}` : moved(one, at)]
    }),
  )
}
