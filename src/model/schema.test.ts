import assert from 'node:assert/strict'
import test from 'node:test'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import { coded } from '../../test/support.ts'
import { isMillraceError } from './errors.ts'
import { type AnySchema, check, isSchema } from './schema.ts'

const three: [library: string, schema: AnySchema][] = [
  ['zod', z.object({ lines: z.array(z.object({ quantity: z.number() })) })],
  ['valibot', v.object({ lines: v.array(v.object({ quantity: v.number() })) })],
  ['arktype', type({ lines: type({ quantity: 'number' }).array() })],
]

for (const [library, schema] of three) {
  test(`a schema of ${library} gives the value, or says where it does not fit`, () => {
    assert(isSchema(schema))
    const good = { lines: [{ quantity: 1 }] }
    assert.deepEqual(check('data', schema, good), good)
    assert.throws(
      () => check('data', schema, { lines: [{ quantity: 1 }, { quantity: 'two' }] }),
      coded('millrace/bad-data', /^data does not fit its schema: lines\.1\.quantity: /),
    )
    assert.throws(() => check('data', schema, 7), coded('millrace/bad-data', /^data does not fit its schema: /))
  })
}

test('three issues are named and the others counted, all are in the data of the error', () => {
  const schema = z.record(z.string(), z.number())
  const wrong = { a: 'x', b: 'x', c: 'x', d: 'x', e: 'x' }
  assert.throws(
    () => check('data', schema, wrong),
    (error) => {
      assert(isMillraceError(error, 'millrace/bad-data'))
      assert.match(error.message, /a: .*; b: .*; c: [^;]* \(and 2 more\)$/)
      assert.equal((error.data as { issues: string[] }).issues.length, 5)
      return true
    },
  )
})

test('a schema that checks asynchronously is refused, and its later rejection is handled', async () => {
  const validate = () => Promise.reject(new Error('later'))
  const late: AnySchema = { '~standard': { version: 1, vendor: 'own', validate } }
  for (const schema of [late, v.objectAsync({}), z.object({}).refine(async () => true)]) {
    assert.throws(() => check('data', schema, {}), coded('millrace/async-schema', /^data: /))
  }
  await new Promise((resolve) => setImmediate(resolve))
})

test('a schema that throws is refused with the thrown error', () => {
  const schema = v.pipe(
    v.string(),
    v.check(() => {
      throw new Error('broken check')
    }),
  )
  assert.throws(() => check('data', schema, 'x'), coded('millrace/bad-data', /its schema throws: Error: broken check$/))
})

test('only what follows Standard Schema, version 1, is a schema', () => {
  const validate = () => ({ value: 1 })
  assert(isSchema({ '~standard': { version: 1, vendor: 'own', validate } }))
  assert(isSchema(Object.assign(() => {}, { '~standard': { version: 1, vendor: 'own', validate } })))
  for (const none of [undefined, null, {}, 7, { '~standard': 1 }, { '~standard': { version: 2, validate } }, z.string])
    assert(!isSchema(none))
})
