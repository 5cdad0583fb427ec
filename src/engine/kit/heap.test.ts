import assert from 'node:assert/strict'
import test from 'node:test'
import { Heap } from './heap.ts'

test('items leave in the order of their keys, for any order of arrival', () => {
  const heap = new Heap<number>((n) => n)
  const numbers = Array.from({ length: 1_000 }, (_, n) => (n * 617) % 991)
  for (const n of numbers) heap.push(n)
  assert.equal(heap.first, 0)
  const left = numbers.map(() => heap.shift())
  assert.deepEqual(
    left,
    numbers.toSorted((a, b) => a - b),
  )
  assert.equal(heap.shift(), undefined)
})

test('one more is put and taken by looking at few, however many there are', () => {
  const looks = (count: number) => {
    let looked = 0
    const heap = new Heap<number>((n) => {
      looked++
      return n
    })
    for (let n = 1; n <= count; n++) heap.push(n)
    looked = 0
    heap.push(0)
    assert.equal(heap.shift(), 0)
    return looked
  }
  assert(looks(100_000) <= 6 * Math.ceil(Math.log2(100_000)) + 6)
  assert(looks(10) <= 6 * Math.ceil(Math.log2(10)) + 6)
})
