import assert from 'node:assert/strict'
import test from 'node:test'
import { logLine } from './print-log.ts'

const time = new Date('2026-03-01T12:00:00.123Z')

test('a log line begins with its time, then the most urgent part: the error', () => {
  const line = logLine(time, 'warn', 'attempt 1 failed', { type: 'rang', error: 'no bell', nextInMs: 200 })
  assert.equal(
    line,
    '2026-03-01T12:00:00.123Z millrace warn: attempt 1 failed (error=no bell, type=rang, nextInMs=200)',
  )
})

test('a log line is one line, for any text and fields', () => {
  const line = logLine(time, 'error', 'one\ntwo\r\u2028three\u001b[31m', { error: 'a\nb' })
  assert.equal(line, '2026-03-01T12:00:00.123Z millrace error: one two three [31m (error=a b)')
})

test('a long log line is cut between characters, and says how much is left out', () => {
  const line = logLine(time, 'error', 'x'.repeat(20_000))
  assert(line.length < 4_100, `${line.length} characters`)
  assert.match(line, /x… \(16016 more characters\)$/)
  const emoji = logLine(time, 'error', '🔔'.repeat(20_000))
  assert(emoji.isWellFormed())
  const odd = logLine(time, 'error', ` ${'🔔'.repeat(20_000)}`)
  assert(odd.isWellFormed())
})
