import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Paced, Ramp } from './ramp.ts'

const paced = (fields: Partial<Paced> = {}): Paced => ({
  ...{ action: 'release', perSecond: null, stopAfter: null, failures: 0, nextAt: null },
  ...fields,
})

const act = { do: 'act', lanes: Number.POSITIVE_INFINITY, messages: 256, restMs: 0 } as const

test('at any rate, no second begins more lanes than allowed, and nearly as many begin', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 0, max: 7 }), (perSecond, late) => {
      const ramp = new Ramp(paced({ perSecond }))
      const begun: number[] = []
      let now = 1_000
      while (now < 6_000) {
        const turn = ramp.turn(now)
        assert(turn.do === 'act')
        if (turn.lanes === 0) now += turn.restMs + late
        else {
          for (let lane = 0; lane < turn.lanes; lane++) begun.push(now)
          ramp.paced(now)
        }
      }
      for (const [n, at] of begun.entries()) assert((begun[n + perSecond] ?? Number.POSITIVE_INFINITY) - at >= 1_000)
      if (late === 0) assert(begun.length >= perSecond * 5 * 0.9 - 1, `${begun.length} at ${perSecond} a second`)
    }),
    { numRuns: 60 },
  )
})

test('the time of the next lane is that of the run before, and a clock that was set back stops nothing', () => {
  assert.deepEqual(new Ramp(paced({ perSecond: 2, nextAt: 1_400 })).turn(1_000), { ...act, lanes: 0, restMs: 400 })
  assert.deepEqual(new Ramp(paced({ perSecond: 2, nextAt: 9_000 })).turn(1_000), { ...act, lanes: 0, restMs: 500 })
  assert.deepEqual(new Ramp(paced({ perSecond: 2, nextAt: 1_000 })).turn(1_000), { ...act, lanes: 1 })
})

test('no message begins where those that failed and those under way are as many as may fail', () => {
  const ramp = new Ramp(paced({ stopAfter: 3, failures: 1 }))
  assert.deepEqual(ramp.turn(0), { ...act, messages: 2 })
  for (const item of [7, 8]) ramp.underWay.add(item)
  assert.deepEqual(ramp.turn(0), { do: 'wait' })
  assert.equal(ramp.ended(7, 'handled'), true)
  assert.equal(ramp.ended(7, 'not handled'), false)
  assert.deepEqual(ramp.turn(0), { ...act, messages: 1 })
  ramp.refused()
  ramp.ended(8, 'not handled')
  assert.deepEqual(ramp.turn(0), { do: 'stop' })
})
