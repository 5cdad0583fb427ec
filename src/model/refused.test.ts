import assert from 'node:assert/strict'
import test from 'node:test'
import vm from 'node:vm'
import { z } from 'zod'
import { command } from './message.ts'
import { isRefused, Refused } from './refused.ts'

const Take = command('stock.take', { schema: z.object({}), refusal: z.object({ short: z.number() }) })
const Plain = command('plain', { schema: z.object({}) })

test('a refusal is an error with a reason and data', () => {
  const refused = new Refused('out of stock', { short: 1 })
  assert(refused instanceof Error)
  assert.deepEqual(
    [refused.name, refused.code, refused.message, refused.data],
    ['Refused', 'refused', 'out of stock', { short: 1 }],
  )
  assert.equal(new Refused('no').data, undefined)
})

test('a refusal is of a command when its data fits', () => {
  assert(Refused.by(Take, new Refused('out of stock', { short: 1 })))
  assert(!Refused.by(Take, new Refused('out of stock', { shrt: 1 })))
  assert(!Refused.by(Take, new Refused('out of stock')))
  assert(Refused.by(Plain, new Refused('no')))
  for (const other of [undefined, null, 'refused', new Error('refused'), { code: 'refused' }])
    assert(!Refused.by(Take, other))
})

test('a refusal is recognised also when another copy of the package made it', () => {
  assert(isRefused(new Refused('no')))
  assert(isRefused(vm.runInNewContext(`Object.assign(new Error('no'), { [Symbol.for('millrace.refused')]: true })`)))
  assert(!isRefused(Object.assign(new Error('no'), { code: 'refused' })))
})
