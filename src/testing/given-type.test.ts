import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { command, event } from '../index.ts'
import { given } from './index.ts'

const schema = z.object({ orderId: z.string(), grams: z.number().int(), unit: z.enum(['g', 'kg']).optional() })
const upcast = {
  1: ({ kilos, ...rest }: { orderId: string; kilos: number }) => ({ ...rest, grams: kilos * 1_000 }),
  2: ({ pallet: _, ...rest }: Record<string, unknown>) => rest,
}
const Weighed = event('order.weighed', { version: 3, schema, upcast })
const old = { orderId: 'o-1', kilos: 2 }

test('old data pass each upcast and the schema of today, and come as handlers get them', () => {
  const data = given(Weighed).upcasts(1, old, { orderId: 'o-1', grams: 2_000 })
  assert.deepEqual(data, { orderId: 'o-1', grams: 2_000 })
  assert(Object.isFrozen(data))
  given(Weighed).upcasts(2, { orderId: 'o-1', grams: 5, pallet: 7 }, { orderId: 'o-1', grams: 5 })
  const Weigh = command('order.weigh', { version: 3, schema, upcast })
  assert.equal(given(Weigh).upcasts(1, old).grams, 2_000)
})

test('data of the version of today have to fit the schema of today', () => {
  assert.deepEqual(given(Weighed).upcasts(3, { orderId: 'o-1', grams: 5 }), { orderId: 'o-1', grams: 5 })
  assert.throws(() => given(Weighed).upcasts(3, { orderId: 'o-1' }), {
    code: 'millrace/bad-data',
    message: /^stored data of event "order\.weighed" does not fit its schema: grams: /,
  })
})

test('data that become other data than expected fail with the difference', () => {
  const wrong = () => given(Weighed).upcasts(1, old, { orderId: 'o-1', grams: 2 })
  assert.throws(wrong, {
    name: 'AssertionError',
    message: /^event "order\.weighed" of version 1 is upcast to other data\n[\s\S]*2000/,
    actual: { orderId: 'o-1', grams: 2_000 },
    expected: { orderId: 'o-1', grams: 2 },
  })
})

for (const [what, broken, code, message] of [
  ['a chain with a gap', { 2: upcast[2] }, 'millrace/no-upcast', /version 1 and has no upcast from 1/],
  [
    'an upcast that throws',
    { ...upcast, 2: ({ at }: { at: { day: string } }) => at.day },
    'millrace/bad-data',
    /^the upcast of "order\.weighed" from version 2 throws: TypeError: Cannot read/,
  ],
  [
    'an upcast that returns a promise',
    { ...upcast, 1: async () => ({}) },
    'millrace/bad-data',
    /^the upcast of "order\.weighed" from version 1 returned a promise/,
  ],
  [
    'a result that does not fit',
    { ...upcast, 1: (data: object) => data },
    'millrace/bad-data',
    /^stored data of version 1 of event "order\.weighed" does not fit its schema: grams: /,
  ],
] as const) {
  test(`${what} fails, and the error names the version`, () => {
    const Broken = event('order.weighed', { version: 3, schema, upcast: broken as never })
    assert.throws(() => given(Broken).upcasts(1, old), { code, message })
  })
}

test('an upcast that gives other data each time is found', () => {
  let grams = 0
  const Changing = event('order.weighed', {
    version: 2,
    schema,
    upcast: { 1: () => ({ orderId: 'o', grams: grams++ }) },
  })
  assert.throws(() => given(Changing).upcasts(1, old), {
    name: 'AssertionError',
    message: /^event "order\.weighed" of version 1: its upcast gives other data each time/,
  })
})

test('a wrong version, data that are not JSON and an option that does nothing are refused', () => {
  for (const version of [0, -1, 1.5, Number.NaN, '1' as never, undefined as never]) {
    assert.throws(() => given(Weighed).upcasts(version, old), {
      code: 'millrace/bad-option',
      message: /version is .*, but must be a whole number from 1 to 3/,
    })
  }
  assert.throws(() => given(Weighed).upcasts(4, old), { code: 'millrace/newer-version' })
  for (const data of [undefined, { at: new Date() }, () => {}]) {
    assert.throws(() => given(Weighed).upcasts(1, data), {
      code: 'millrace/not-json',
      message: /^version 1 of event "order\.weighed" is not plain JSON/,
    })
  }
  assert.throws(() => given(Weighed, { now: 5 }), { code: 'millrace/unknown-option' })
})
