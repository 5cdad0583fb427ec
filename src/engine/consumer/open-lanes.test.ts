import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Delivery } from './delivery.ts'
import { OpenLanes } from './open-lanes.ts'

const delivery = () => ({}) as Delivery

test('the newest of each lane is known until the lane ends, however many have come and gone', () => {
  const context = fc.integer({ min: 0, max: 40 }).map(String)
  const step = fc.oneof(fc.record({ add: context }), fc.record({ end: context }), fc.record({ look: context }))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), fc.array(step, { maxLength: 200 }), (lanesMax, steps) => {
      const lanes = new OpenLanes(lanesMax)
      const model = new Map<string, Delivery>()
      for (const one of steps) {
        if ('add' in one) {
          const newest = delivery()
          model.set(one.add, newest)
          lanes.of(one.add).newest = newest
        } else if ('end' in one) {
          model.delete(one.end)
          lanes.end(one.end)
        } else assert.equal(lanes.of(one.look).newest, model.get(one.look))
        for (let name = 0; name <= 40; name++) assert.equal(lanes.has(String(name)), model.has(String(name)))
      }
      for (const [name, newest] of model) assert.equal(lanes.of(name).newest, newest)
    }),
  )
})

test('lanes without messages go when there are many', () => {
  const lanes = new OpenLanes(100)
  const stays = delivery()
  lanes.of('stays').newest = stays
  for (let name = 0; name < 10_000; name++) {
    lanes.of(`c${name}`).newest = delivery()
    lanes.end(`c${name}`)
    assert(lanes.size <= 102, `${lanes.size} lanes`)
  }
  assert.equal(lanes.of('stays').newest, stays)
})
