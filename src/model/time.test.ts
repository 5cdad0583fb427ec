import assert from 'node:assert/strict'
import test from 'node:test'
import { coded } from '../../test/support.ts'
import { type Delay, dueOf } from './time.ts'

const now = Date.UTC(2026, 0, 1)
const year = 365.25 * 24 * 3_600_000
const due = (delay: Delay | Record<string, unknown>) => dueOf('publish', delay as Delay, now)

test('a time to come is kept, as a date, as milliseconds and as a delay', () => {
  assert.equal(due({ at: new Date(now + 5) }), now + 5)
  assert.equal(due({ at: now + 5 }), now + 5)
  assert.equal(due({ delayMs: 5 }), now + 5)
  assert.equal(due({ delayMs: 100 * year }), now + 100 * year)
})

test('a fraction of a millisecond is rounded up, so that nothing comes early', () => {
  assert.equal(due({ delayMs: 0.2 }), now + 1)
  assert.equal(due({ at: now + 0.5 }), now + 1)
})

test('without a delay, and with a time that has passed, a message is due at once', () => {
  for (const delay of [{}, { delayMs: 0 }, { at: now }, { at: now - 1 }, { at: new Date(1e12) }, { at: undefined }]) {
    assert.equal(due(delay), 0)
  }
})

test('a value that is no time is refused, with the value and the allowed ones', () => {
  for (const [delay, says] of [
    [{ at: now, delayMs: 1 }, /both at and delayMs/],
    [{ delayMs: -1 }, /delayMs is -1, but must be milliseconds from 0 on/],
    [{ delayMs: Number.NaN }, /delayMs is NaN/],
    [{ delayMs: Number.POSITIVE_INFINITY }, /delayMs is Infinity/],
    [{ delayMs: '5' }, /delayMs is of type string/],
    [{ delayMs: 100 * year + 1 }, /more than 100 years ahead/],
    [{ at: now * 1_000 }, /at is 1767225600000000, which is more than 100 years ahead/],
    [{ at: now / 1_000 }, /at is 1767225600, which is before 2001: it takes milliseconds since 1970, not seconds/],
    [{ at: new Date(now / 1_000) }, /at is 1970-01-21T10:53:45.600Z, which is before 2001/],
    [{ at: -1 }, /before 2001/],
    [{ at: new Date(Number.NaN) }, /at is an invalid Date/],
    [{ at: '2026-01-01' }, /at is of type string, but must be a valid Date or milliseconds/],
    [{ at: null }, /at is of type object/],
  ] as const) {
    assert.throws(() => due(delay), coded('millrace/bad-time', says))
  }
  assert.throws(() => due({ delay: 5 }), coded('millrace/unknown-option', /publish: unknown option "delay"/))
})
