import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { Progress, span } from './progress.ts'

const start = { processor: 'p', stream: 1, epoch: 1, low: 0, done: null }

test('positions done in any order, stored and loaded at any time, give the same low-water and done-set', () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(
        Array.from({ length: 200 }, (_, index) => index + 1),
        { minLength: 1 },
      ),
      fc.integer({ min: 0, max: 200 }),
      (order, reloadAt) => {
        let progress = new Progress(start)
        const done = new Set<number>()
        order.forEach((position, index) => {
          if (index === reloadAt) progress = new Progress(progress.row())
          progress.done(position)
          done.add(position)
        })
        progress = new Progress(progress.row())
        let low = 0
        while (done.has(low + 1)) low++
        assert.equal(progress.low, low)
        for (let position = 1; position <= 200; position++) assert.equal(progress.isDone(position), done.has(position))
      },
    ),
  )
})

test('a position is done once, and never beyond the span', () => {
  const progress = new Progress(start)
  progress.done(1)
  assert.throws(() => progress.done(1), /done before/)
  assert.equal(progress.reaches(1 + span), true)
  progress.done(1 + span)
  assert.equal(progress.reaches(2 + span), false)
  assert.throws(() => progress.done(2 + span), /beyond its span/)
})

test('a restored progress is as it was saved', () => {
  const progress = new Progress(start)
  progress.done(3)
  progress.save()
  for (const position of [1, 2, 7]) progress.done(position)
  assert.equal(progress.low, 3)
  progress.restore()
  assert.equal(progress.low, 0)
  assert.deepEqual(
    [1, 2, 3, 7].map((position) => progress.isDone(position)),
    [false, false, true, false],
  )
  for (const position of [1, 2, 7]) progress.done(position)
  assert.equal(progress.low, 3)
})
