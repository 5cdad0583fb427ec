import assert from 'node:assert/strict'
import test from 'node:test'
import { next } from './status.ts'

test('a processor pauses, resumes and stops; once stopped it stays so', () => {
  assert.equal(next('running', 'paused'), 'paused')
  assert.equal(next('paused', 'running'), 'running')
  assert.equal(next('paused', 'stopped'), 'stopped')
  assert.throws(() => next('stopped', 'running'), /the processor is stopped and cannot become running/)
  assert.throws(() => next('running', 'running'), /cannot become/)
})
