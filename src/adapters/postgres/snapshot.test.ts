import assert from 'node:assert/strict'
import test from 'node:test'
import { snapshotOf, snapshotText } from './snapshot.ts'

test('a snapshot is read as the server writes it', () => {
  assert.deepEqual(snapshotOf('10:20:10,14'), { xmax: 20, open: [10, 14] })
  assert.deepEqual(snapshotOf('20:20:'), { xmax: 20, open: [] })
})

test('the transaction that took a snapshot is numbered with it, and none that began between', () => {
  assert.deepEqual(snapshotOf('10:20:10', 23), { xmax: 24, open: [10, 20, 21, 22] })
  assert.deepEqual(snapshotOf('10:20:10', 20), { xmax: 21, open: [10] })
  assert.deepEqual(snapshotOf('10:20:10', 15), { xmax: 20, open: [10] })
})

test('a snapshot is written as the server reads it', () => {
  for (const text of ['10:20:10,14', '20:20:']) assert.equal(snapshotText(snapshotOf(text)), text)
})
