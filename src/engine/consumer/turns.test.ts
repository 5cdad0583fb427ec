import assert from 'node:assert/strict'
import test from 'node:test'
import { Turns } from './turns.ts'

test('turns start in order while they may, and a start that pumps starts no other inside itself', () => {
  const started: string[] = []
  let room = 2
  const turns: Turns<string> = new Turns({
    mayStart: () => room > 0,
    start(next) {
      room--
      started.push(`${next} begins`)
      turns.pump()
      started.push(`${next} ends`)
    },
  })
  for (const next of ['a', 'b', 'c']) turns.push(next)
  turns.pump()
  assert.deepEqual(started, ['a begins', 'a ends', 'b begins', 'b ends'])
  assert.equal(turns.isEmpty, false)
  room = 1
  turns.pump()
  assert.deepEqual([started.at(-1), turns.isEmpty], ['c ends', true])
})
