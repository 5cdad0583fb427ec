import assert from 'node:assert/strict'
import test from 'node:test'
import { Groups } from './groups.ts'

test('a group has its values once each, and is forgotten with the last of them', () => {
  const groups = new Groups<number>()
  groups.add('a', 1)
  groups.add('a', 1)
  groups.add('a', 2)
  groups.add('b', 1)
  assert.deepEqual(
    [[...groups.of('a')], [...groups.all()]],
    [
      [1, 2],
      [1, 2, 1],
    ],
  )
  groups.delete('a', 1)
  groups.delete('a', 3)
  groups.delete('c', 1)
  assert.deepEqual([[...groups.of('a')], [...groups.of('c')]], [[2], []])
  groups.delete('a', 2)
  assert.deepEqual([[...groups.of('a')], [...groups.all()]], [[], [1]])
})
