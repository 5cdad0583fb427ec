import assert from 'node:assert/strict'
import test from 'node:test'
import { pageOf } from './page.ts'

const rows = [10, 20, 30, 40, 50].map((bytes, at) => ({ id: at + 1, bytes }))

function page(limit: number, bytesMax: number, taken: number[] = []) {
  function* each() {
    for (const row of rows) {
      taken.push(row.id)
      yield row
    }
  }
  const { rows: found, next } = pageOf(each(), {
    limit,
    bytesMax,
    sizeOf: ({ bytes }) => bytes,
    cursorOf: ({ id }) => id,
  })
  return { found: found.map(({ id }) => id), next }
}

test('a page ends at its rows or at its bytes, and says after which row the next one begins', () => {
  assert.deepEqual(page(10, 1_000), { found: [1, 2, 3, 4, 5], next: undefined })
  assert.deepEqual(page(2, 1_000), { found: [1, 2], next: 2 })
  assert.deepEqual(page(10, 60), { found: [1, 2, 3], next: 3 })
  assert.deepEqual(page(10, 59), { found: [1, 2], next: 2 })
})

test('a row that is larger than a page is one by itself, so that every list comes to its end', () => {
  assert.deepEqual(page(10, 1), { found: [1], next: 1 })
})

test('no row is read beyond the first that does not fit', () => {
  const taken: number[] = []
  page(10, 30, taken)
  assert.deepEqual(taken, [1, 2, 3])
  taken.length = 0
  page(2, 1_000, taken)
  assert.deepEqual(taken, [1, 2])
})
