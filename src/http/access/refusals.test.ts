import assert from 'node:assert/strict'
import test from 'node:test'
import type { Audit } from '../../model/desk.ts'
import { fault } from '../../model/errors.ts'
import { linesMax, minuteMs, Refusals } from './refusals.ts'

/** An edge whose minutes the test ends. */
function audited({ runs = true } = {}) {
  const lines: Audit[] = []
  const timers: (() => void)[] = []
  const world = {
    now: () => 7,
    after: (ms: number, fn: () => void) => {
      assert.equal(ms, minuteMs)
      timers.push(fn)
      return { cancel: () => void timers.splice(timers.indexOf(fn), 1) }
    },
    log: () => {},
  }
  const access = () => {
    if (!runs) throw fault('millrace/not-started', 'no')
    return { refused: async (some: readonly Audit[]) => void lines.push(...some) }
  }
  const refusals = new Refusals({ world, access } as never)
  return { lines, refusals, timers }
}

const route = { method: 'POST', path: '/api/desk/{id}/release' } as const
const refused = { route, who: 'ada', from: '10.0.0.1' }
const notAllowed = fault('millrace/not-allowed', 'ada may not repair')
const nobody = fault('millrace/not-signed-in', 'the token is not known')

test('a refusal is a line: sender, route, reason, address', () => {
  const { lines, refusals } = audited()
  refusals.add(refused, notAllowed)
  refusals.add({ ...refused, who: undefined }, nobody)
  refusals.add({ ...refused, who: undefined, from: '' }, nobody)
  const line = { at: 7, action: 'refused', item: null, subject: 'POST /api/desk/{id}/release' }
  assert.deepEqual(lines, [
    { ...line, by: 'ada', reason: 'ada may not repair', detail: { code: 'millrace/not-allowed', from: '10.0.0.1' } },
    {
      ...{ ...line, by: 'address 10.0.0.1', reason: 'the token is not known' },
      detail: { code: 'millrace/not-signed-in', from: '10.0.0.1' },
    },
    {
      ...{ ...line, by: 'address unknown', reason: 'the token is not known' },
      detail: { code: 'millrace/not-signed-in', from: '' },
    },
  ])
})

test('an error that is about the request is no refusal', () => {
  const { lines, refusals, timers } = audited()
  for (const code of ['millrace/bad-data', 'millrace/unknown-route', 'millrace/stale-revision'] as const) {
    refusals.add(refused, fault(code, 'no'))
  }
  assert.deepEqual([lines.length, timers.length], [0, 0])
})

test('of a flood there are ten lines a minute, and one that counts the rest', () => {
  const { lines, refusals, timers } = audited()
  for (let n = 0; n < 1_000; n++) refusals.add(refused, n % 4 === 0 ? notAllowed : nobody)
  assert.equal(lines.length, linesMax)
  timers.shift()!()
  assert.equal(lines.length, linesMax + 1)
  const { by, subject, reason, detail } = lines.at(-1)!
  assert.deepEqual([by, subject, reason], ['millrace', 'requests over HTTP', '990 more within a minute'])
  assert.deepEqual(detail, { counts: { 'millrace/not-signed-in': 743, 'millrace/not-allowed': 247 } })
  assert.equal(timers.length, 0, 'a quiet minute writes nothing')
  refusals.add(refused, nobody)
  assert.equal(lines.length, linesMax + 2)
})

test('a server that ends writes what was counted', () => {
  const { lines, refusals, timers } = audited()
  for (let n = 0; n <= linesMax; n++) refusals.add(refused, nobody)
  refusals.end()
  assert.deepEqual([lines.length, timers.length, lines.at(-1)!.reason], [linesMax + 1, 0, '1 more within a minute'])
})

test('while the app does not run a refusal is an answer only', () => {
  const { lines, refusals } = audited({ runs: false })
  refusals.add(refused, nobody)
  assert.equal(lines.length, 0)
})
