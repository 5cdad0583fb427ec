import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { Fifo } from './fifo.ts'

test('pushed items leave in that order, with any shifts between', () => {
  const step = fc.oneof(
    fc.record({ push: fc.integer({ min: 1, max: 3_000 }) }),
    fc.record({ shift: fc.integer({ min: 1, max: 3_000 }) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const fifo = new Fifo<number>()
      let pushed = 0
      let left = 0
      for (const one of steps) {
        if ('push' in one) for (const to = pushed + one.push; pushed < to; ) fifo.push(pushed++)
        else for (let n = 0; n < one.shift && left < pushed; n++) assert.equal(fifo.shift(), left++)
        assert.equal(fifo.isEmpty, left === pushed)
      }
    }),
  )
})

test('an empty one has nothing to give', () => {
  const fifo = new Fifo<string>()
  assert.throws(() => fifo.shift())
  fifo.push('one')
  assert.equal(fifo.shift(), 'one')
  assert.throws(() => fifo.shift())
})
