import assert from 'node:assert/strict'
import test from 'node:test'
import { coded } from '../../test/support.ts'
import { type Bound, checkOptions, defaults, type Limit, limit } from './options.ts'

const all = Object.entries(defaults) as [Limit, Bound][]

test('every default is a number within its bounds, a whole one unless it says so, and says what it is with its unit', () => {
  for (const [name, { default: value, min, max, what, fraction = false }] of all) {
    const fits = fraction ? Number.isFinite : Number.isSafeInteger
    for (const number of [value, min, max]) assert(fits(number), name)
    assert(min <= value && value <= max, name)
    if (name.endsWith('Ms')) assert.match(what, /, milliseconds\b/, name)
    if (name.includes('Bytes') || name.endsWith('bytes')) assert.match(what, /, bytes$/, name)
  }
})

test('a value within its bounds is taken, none is the default, and any other is refused with the bounds', () => {
  for (const [name, { default: value, min, max, fraction = false }] of all) {
    assert.equal(limit('here', name, undefined), value)
    assert.equal(limit('here', name, min), min)
    assert.equal(limit('here', name, max), max)
    const halves = fraction ? [] : [min + 0.5]
    for (const wrong of [min - 1, max + 1, ...halves, Number.NaN, Number.POSITIVE_INFINITY, '7', null, 7n, {}]) {
      const says = new RegExp(`^here: ${name} is .*, but must be a (?:whole )?number from ${min} to ${max} \\(`)
      assert.throws(() => limit('here', name, wrong), coded('millrace/bad-option', says))
    }
  }
})

test('a text is shown in quotes: it is not taken for the number that it looks like', () => {
  const says = /^here: attempts is "3", but must be a whole number/
  assert.throws(() => limit('here', 'attempts', '3'), coded('millrace/bad-option', says))
})

test('an unknown option is refused, with the one that was meant', () => {
  checkOptions('here', {}, [])
  checkOptions('here', { a: 1 }, ['a', 'b'])
  assert.throws(
    () => checkOptions('here', { concurency: 1 }, ['concurrency']),
    coded('millrace/unknown-option', /^here: unknown option "concurency"; did you mean "concurrency"\?$/),
  )
  assert.throws(() => checkOptions('here', { zzz: 1 }, ['a']), coded('millrace/unknown-option', /"zzz"$/))
  for (const none of [undefined, null, 'a', 7]) {
    assert.throws(
      () => checkOptions('here', none as unknown as object, []),
      coded('millrace/bad-option', /options must be an object/),
    )
  }
})

test('of unknown options only those are proposed that are known there and not given already', () => {
  const says = (options: object) => {
    try {
      checkOptions('publish', options, ['id', 'at', 'delayMs'])
    } catch (error) {
      return (error as Error).message
    }
    return undefined
  }
  assert.equal(says({ delay: 5 }), 'publish: unknown option "delay"; did you mean "delayMs"?')
  assert.equal(says({ delay: 5, delayMs: 5 }), 'publish: unknown option "delay"')
  assert.equal(says({ to: 5 }), 'publish: unknown option "to"')
})
