import assert from 'node:assert/strict'
import test from 'node:test'
import type { AttemptEnd } from '../../index.ts'
import { attemptLine } from './attempt-line.ts'

const now = new Date(2026, 10, 29, 9, 5, 7)
const handled: AttemptEnd = {
  processor: 'stock',
  type: 'order.placed',
  id: '1',
  context: 'flour',
  attempt: 1,
  outcome: 'handled',
  error: undefined,
  nextInMs: undefined,
}
const error = { code: 'Error', message: 'no stock', stack: 'Error: no stock\n    at file:///shop/app.ts:18:9' }
const lineOf = (end: Partial<AttemptEnd>, columns = 80) =>
  attemptLine({ ...handled, ...end }, now, { columns, colour: (_, text) => text })

test('a line has time, kind, processor and message, reason, place and consequence', () => {
  assert.equal(lineOf({}), '09:05:07 handled stock order.placed flour')
  assert.equal(lineOf({ context: undefined, attempt: 3 }), '09:05:07 handled stock order.placed, attempt 3')
  const failed = { outcome: 'failed', error } as const
  assert.equal(
    lineOf({ ...failed, nextInMs: 1_520 }),
    '09:05:07 failed  stock order.placed flour: no stock at app.ts:18, again in 1.5 s',
  )
  assert.equal(
    lineOf({ ...failed, nextInMs: 0, error: { code: 'x', message: 'no' } }),
    '09:05:07 failed  stock order.placed flour: no, again',
  )
  assert.equal(
    lineOf({ outcome: 'held', attempt: 5, error }),
    '09:05:07 held    stock order.placed flour: no stock at app.ts:18',
  )
})

test('of a long error its text and the type are cut, not the context, the place, or what follows', () => {
  const message = 'the supplier has answered with a status that nobody has expected, and no body at all'
  const end = { outcome: 'failed', nextInMs: 1_520, error: { ...error, message } } as const
  assert.equal(lineOf(end), '09:05:07 failed  stock order… flour: the supplier … at app.ts:18, again in 1.5 s')
})

test('the causes of an error are told where it does not repeat them, and one of them may have the place', () => {
  const refused = { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:9' }
  const failed = { code: 'TypeError', message: 'fetch failed', stack: 'TypeError: fetch failed\n at node:internal' }
  const lines = [
    { ...failed, cause: { ...refused, stack: error.stack } },
    { ...failed, message: `no answer: ${refused.message}`, cause: refused },
    { code: 'a', message: 'a', cause: { code: 'b', message: 'b', cause: { code: 'c', message: 'c', cause: failed } } },
  ].map((one) => lineOf({ outcome: 'held', error: one }, 120))
  assert.deepEqual(lines, [
    '09:05:07 held    stock order.placed flour: fetch failed: connect ECONNREFUSED 127.0.0.1:9 at app.ts:18',
    '09:05:07 held    stock order.placed flour: no answer: connect ECONNREFUSED 127.0.0.1:9',
    '09:05:07 held    stock order.placed flour: a: b: c: fetch failed',
  ])
})

test('a line fits the columns, with any text; long names leave room for the error', () => {
  const long = 'one\ntwo '.repeat(40)
  const ends = [
    { context: long },
    { outcome: 'held', error: { code: 'x', message: long } },
    { outcome: 'failed', nextInMs: 60_000, processor: long, context: long, error: { ...error, message: long } },
    { outcome: 'failed', nextInMs: 60_000, context: '製粉所'.repeat(20), error },
  ] as const
  const [, , , narrow] = ends
  assert.match(lineOf(narrow, 80), / no stock at app\.ts:18, again in 60\.0 s$/)
  for (const end of ends) {
    for (const columns of [80, 40]) {
      const line = lineOf(end, columns)
      assert(!line.includes('\n'))
      assert(line.length <= columns, line)
    }
  }
  assert.equal(
    lineOf({ outcome: 'failed', nextInMs: 60_000, context: long, error }),
    '09:05:07 failed  stock order… one\\ntwo …: no stock at app.ts:18, again in 60.0 s',
  )
})
