import assert from 'node:assert/strict'
import test from 'node:test'
import { type Arrows, assertArrow } from './arrows.ts'

const arrows: Arrows<'open' | 'shut'> = { open: ['shut'], shut: [] }

test('a status changes along its arrows', () => {
  assertArrow('the door', arrows, 'open', 'shut')
})

test('another change is a mistake of the engine', () => {
  assert.throws(() => assertArrow('the door', arrows, 'shut', 'open'), /the door is shut and cannot become open/)
  assert.throws(() => assertArrow('the door', arrows, 'open', 'open'), /the door is open and cannot become open/)
})
