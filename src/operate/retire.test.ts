import assert from 'node:assert/strict'
import test from 'node:test'
import { type ErrorCode, isMillraceError } from '../model/errors.ts'
import type { ProcessorRow } from './processors.ts'
import { toRetire } from './retire.ts'

function row(name: string, on: string, state: ProcessorRow['state'], held = 0): ProcessorRow {
  const rest = {
    position: 0,
    lag: 0,
    running: 0,
    concurrency: null,
    concurrencySet: null,
    paused: null,
    owner: null,
    counts: null,
  }
  return { name, on, state, held, ...rest }
}

function refused(rows: readonly ProcessorRow[], name: string, code: ErrorCode, text: string): void {
  assert.throws(
    () => toRetire(rows, name, { force: false }),
    (error) => isMillraceError(error, code) && error.message === text,
  )
}

test('only the rows of a processor that are gone are retired', () => {
  const rows = [row('till', 'orders', 'live'), row('till', 'returns', 'gone'), row('labels', 'orders', 'gone')]
  assert.deepEqual(toRetire(rows, 'till', { force: false }), [rows[1]])
})

test('a processor that the app has, or that is unknown, is not retired', () => {
  const rows = [row('till', 'orders', 'live'), row('labels', 'orders', 'gone')]
  refused(rows, 'till', 'millrace/processor-in-use', 'processor "till" is part of the app')
  const text = 'the store knows no processor "label"; did you mean "labels"?'
  refused(rows, 'label', 'millrace/unknown-processor', text)
})

test('a processor with messages at the desk is retired only by force', () => {
  const rows = [row('labels', 'orders', 'gone', 2), row('labels', 'returns', 'gone', 1)]
  refused(rows, 'labels', 'millrace/processor-has-held', 'processor "labels" holds 3 messages at the desk')
  assert.deepEqual(toRetire(rows, 'labels', { force: true }), rows)
})
