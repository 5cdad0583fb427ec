import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { jsonSchemaOf } from '../../model/json-schema.ts'
import { blankOf, type Field } from './fields.ts'
import { formOf } from './form.ts'
import type { JsonSchema } from './schema.ts'

const ofZod = (schema: z.ZodType) => formOf(jsonSchemaOf(schema, 'draft-2020-12').schema as JsonSchema)

/** The fields of an object by name. */
function inside(form: Field): Readonly<Record<string, Field>> {
  assert.equal(form.is, 'object')
  return Object.fromEntries(form.fields.map(({ name, field }) => [name, field()]))
}

test('an order has a form: texts, numbers, choices, lists, optional fields, fields that may be null', () => {
  const form = ofZod(
    z.object({
      orderId: z.string().min(1).max(20).describe('As on the slip'),
      sku: z.enum(['sieve', 'bowl']),
      quantity: z.number().int().min(1).max(99),
      price: z.number().gt(0).nullable(),
      gift: z.boolean().default(false),
      at: z.iso.datetime(),
      mail: z.email().optional(),
      lines: z.array(z.object({ n: z.number() })).min(1),
      note: z.string().max(2_000).optional(),
    }),
  )
  assert.equal(form.is, 'object')
  assert.deepEqual(
    form.fields.filter(({ required }) => !required).map(({ name }) => name),
    ['gift', 'mail', 'note'],
  )
  const { orderId, sku, quantity, price, gift, at, mail, lines, note } = inside(form)
  const none = { title: undefined, help: undefined, nullable: false, preset: undefined }
  const text = { ...none, is: 'text', input: 'line', least: 0, most: undefined, pattern: undefined }
  assert.deepEqual(orderId, { ...text, help: 'As on the slip', least: 1, most: 20 })
  assert.deepEqual(sku, {
    ...none,
    is: 'choice',
    options: [
      { label: 'sieve', json: '"sieve"' },
      { label: 'bowl', json: '"bowl"' },
    ],
  })
  assert.deepEqual(quantity, { ...none, is: 'number', whole: true, least: 1, most: 99, step: 1 })
  assert.deepEqual(price, {
    ...none,
    nullable: true,
    is: 'number',
    whole: false,
    least: 0,
    most: undefined,
    step: undefined,
  })
  assert.deepEqual(gift, { ...none, preset: 'false', is: 'flag' })
  assert.deepEqual([at?.is === 'text' && at.input, mail?.is === 'text' && mail.input], ['moment', 'email'])
  assert.equal(note?.is === 'text' && note.input, 'long')
  assert(lines?.is === 'list')
  assert.deepEqual([lines.least, lines.item().is], [1, 'object'])
})

test('one of several shapes is told by its constants', () => {
  const form = ofZod(
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('card'), number: z.string() }),
      z.object({ kind: z.literal('cash'), given: z.number() }),
    ]),
  )
  assert(form.is === 'variants')
  assert.deepEqual(
    form.variants.map(({ label }) => label),
    ['card', 'cash'],
  )
  const which = (json: string) => form.variants.map(({ fits }) => fits(json))
  assert.deepEqual(which('{"kind":"cash","given":5}'), [false, true])
  assert.deepEqual(which('{"kind":"card"}'), [false, false])
  assert.deepEqual(Object.keys(inside(form.variants[1]!.field())), ['kind', 'given'])
  const simple = ofZod(z.union([z.string(), z.number(), z.null()]))
  assert(simple.is === 'variants')
  assert.deepEqual([simple.nullable, simple.variants.map(({ label }) => label)], [true, ['text', 'number']])
  assert.deepEqual(
    simple.variants.map(({ fits }) => fits('7')),
    [false, true],
  )
})

test('constants with titles are a choice', () => {
  const form = formOf({ oneOf: [{ const: 1, title: 'One' }, { const: 'two' }] })
  assert(form.is === 'choice')
  assert.deepEqual(form.options, [
    { label: 'One', json: '1' },
    { label: '"two"', json: '"two"' },
  ])
})

test('a schema that contains itself has a form as deep as somebody opens it', () => {
  const Part = z.object({
    name: z.string(),
    get parts() {
      return z.array(Part).optional()
    },
  })
  let form = ofZod(Part)
  for (let depth = 0; depth < 50; depth++) {
    const { parts } = inside(form)
    assert(parts?.is === 'list')
    form = parts.item()
  }
  assert.equal(form.is, 'object')
  assert.equal(blankOf(form), '{"name":""}')
  assert.equal(formOf({ $ref: '#' }).is, 'json')
})

test('a reference may say a title, and may be null', () => {
  const form = formOf({
    $defs: { sku: { type: 'string', title: 'Article' } },
    type: 'object',
    properties: {
      a: { $ref: '#/$defs/sku' },
      b: { anyOf: [{ $ref: '#/$defs/sku' }, { type: 'null' }], title: 'Other' },
    },
  })
  const { a, b } = inside(form)
  assert.deepEqual([a?.is, a?.title, a?.nullable], ['text', 'Article', false])
  assert.deepEqual([b?.is, b?.title, b?.nullable], ['text', 'Other', true])
})

test('a value that a form cannot show is edited as JSON, with the reason', () => {
  const why = (schema: JsonSchema) => {
    const form = formOf(schema)
    return form.is === 'json' ? form.why : form.is
  }
  assert.equal(why(true), 'it takes any value')
  assert.equal(why({}), 'it takes any value')
  assert.equal(why({ type: 'object' }), 'it takes fields of any name')
  assert.equal(why({ type: 'object', additionalProperties: { type: 'number' } }), 'it takes fields of any name')
  assert.equal(why({ type: 'string', not: { const: 'x' } }), 'the schema says not, which a form cannot show')
  assert.equal(why({ prefixItems: [{}, {}] }), 'the schema says prefixItems, which a form cannot show')
  assert.equal(
    why({ allOf: [{ type: 'object' }, { type: 'object' }] }),
    'the schema says allOf, which a form cannot show',
  )
  assert.equal(why({ $ref: 'https://example.com/x' }), 'the schema refers to "https://example.com/x"')
  assert.equal(why({ $ref: '#/none' }), 'the schema refers to "#/none"')
  assert.equal(why({ type: 'money' }), 'the schema says type "money"')
  assert.equal(why({ allOf: [{ type: 'string' }] }), 'text')
  const { tags, name } = inside(formOf({ properties: { tags: { type: 'object' }, name: { type: 'string' } } }))
  assert.deepEqual([tags?.is, name?.is], ['json', 'text'])
})

test('a value to begin with has what is needed, and the defaults', () => {
  const form = ofZod(
    z.object({
      id: z.string(),
      n: z.number().int().min(3),
      kind: z.literal('card'),
      flag: z.boolean(),
      sku: z.string().default('sieve'),
      lines: z.array(z.object({ q: z.number() })).min(2),
      gone: z.string().nullable(),
      note: z.string().optional(),
    }),
  )
  const blank = { id: '', n: 3, kind: 'card', flag: false, lines: [{ q: 0 }, { q: 0 }], gone: null }
  assert.deepEqual(JSON.parse(blankOf(form)), blank)
})

test('every schema has a form, and a value to begin with', () => {
  const keyword = fc.constantFrom(
    'type',
    'enum',
    'const',
    'properties',
    'items',
    'anyOf',
    'oneOf',
    'allOf',
    '$ref',
    'required',
    'default',
    'minimum',
    'maxLength',
    'format',
    'title',
    'minItems',
    'additionalProperties',
  )
  const value = fc.oneof(
    fc.constantFrom('string', 'object', 'array', '#', '#/items', 'date', '__proto__', 'constructor'),
    fc.jsonValue({ maxDepth: 2 }),
  )
  const { schema } = fc.letrec<{ schema: unknown }>((tie) => ({
    schema: fc.dictionary(
      keyword,
      fc.oneof(
        { maxDepth: 3 },
        value,
        tie('schema'),
        fc.array(tie('schema'), { maxLength: 3 }),
        fc.dictionary(fc.string({ maxLength: 2 }), tie('schema'), { maxKeys: 2 }),
      ),
      { maxKeys: 4 },
    ),
  }))
  const walk = (field: Field, depth: number): void => {
    JSON.parse(blankOf(field))
    if (depth === 0) return
    if (field.is === 'object') for (const one of field.fields) walk(one.field(), depth - 1)
    if (field.is === 'list') walk(field.item(), depth - 1)
    if (field.is === 'variants') for (const one of field.variants) walk(one.field(), depth - 1)
  }
  fc.assert(
    fc.property(schema, (one) => walk(formOf(one as JsonSchema), 4)),
    { numRuns: 1_000 },
  )
})
