import assert from 'node:assert/strict'
import test from 'node:test'
import { HeldContexts } from './held-contexts.ts'

test('a context that waits is known by name, up to the bound', () => {
  const held = new HeldContexts(2)
  held.add('a')
  held.add('b')
  assert.deepEqual([held.has('a'), held.has('b'), held.has('c')], ['yes', 'yes', 'no'])
  held.delete('a')
  assert.deepEqual([held.has('a'), held.has('b')], ['no', 'yes'])
})

test('beyond the bound no context that waits is missed, and one that has gone is forgotten', () => {
  const held = new HeldContexts(1)
  const names = Array.from({ length: 1_000 }, (_, n) => `context ${n}`)
  for (const name of names) held.add(name)
  assert.deepEqual(
    names.filter((name) => held.has(name) === 'no'),
    [],
  )
  assert.equal(held.has('context 0'), 'yes')
  assert.equal(held.has('context 999'), 'maybe')
  for (const name of names.slice(500)) held.delete(name)
  assert.deepEqual([held.has('context 499'), held.has('context 999')], ['maybe', 'no'])
})

test('a context that leaves makes room for another name', () => {
  const held = new HeldContexts(1)
  held.add('a')
  held.delete('a')
  held.add('b')
  assert.equal(held.has('b'), 'yes')
})

test('a counter of the filter that is full never tells of a context that waits that it does not', () => {
  const held = new HeldContexts(0)
  for (let n = 0; n < 300; n++) held.add('a')
  for (let n = 0; n < 299; n++) held.delete('a')
  assert.equal(held.has('a'), 'maybe')
  // The last of all empties the filter.
  held.delete('a')
  assert.equal(held.has('a'), 'no')
})
