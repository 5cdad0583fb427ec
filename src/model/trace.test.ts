import assert from 'node:assert/strict'
import { test } from 'node:test'
import { carriedBy, traceFields, traceIn, traceOf } from './trace.ts'

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

test('a trace is one text, which is taken apart into traceparent and tracestate', () => {
  assert.equal(traceOf(traceparent, undefined), traceparent)
  assert.deepEqual(traceFields(traceparent), { traceparent })
  assert.deepEqual(traceFields(traceOf(traceparent, 'a=1, b=2')), { traceparent, tracestate: 'a=1, b=2' })
  assert.deepEqual(traceFields(null), {})
})

test('a tracestate that is too long, or is no header, is left out', () => {
  for (const state of ['', 'x'.repeat(513), 'a=1\n', 'a=ä', 7]) assert.equal(traceOf(traceparent, state), traceparent)
})

test('messages caused by a message from elsewhere have the tracestate of its attributes', () => {
  const attributes = { tracestate: 'a=1', subject: 's' }
  assert.equal(carriedBy({ trace: traceparent, attributes }), `${traceparent} a=1`)
  assert.equal(carriedBy({ trace: null, attributes }), null)
  assert.equal(carriedBy({ trace: `${traceparent} b=2`, attributes: null }), `${traceparent} b=2`)
})

test('headers give a trace where traceparent is well-formed', () => {
  assert.equal(traceIn(new Headers({ traceparent, tracestate: 'a=1' })), `${traceparent} a=1`)
  assert.equal(traceIn(new Headers({ traceparent: `${traceparent}0`, tracestate: 'a=1' })), null)
  assert.equal(traceIn(new Headers({ tracestate: 'a=1' })), null)
})
