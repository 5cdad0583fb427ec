import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Delivery } from './delivery.ts'
import { OpenLanes } from './open-lanes.ts'

const delivery = () => ({}) as Delivery

test('the newest of each lane is known until the lane ends, however many have come and gone', () => {
  const context = fc.integer({ min: 0, max: 40 }).map(String)
  const step = fc.oneof(fc.record({ add: context }), fc.record({ end: context }))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), fc.array(step, { maxLength: 200 }), (namesMax, steps) => {
      const lanes = new OpenLanes(namesMax)
      const model = new Map<string, Delivery>()
      for (const one of steps) {
        if ('add' in one) {
          model.set(one.add, delivery())
          lanes.add(one.add, model.get(one.add)!)
        } else {
          model.delete(one.end)
          lanes.end(one.end)
        }
        for (let name = 0; name <= 40; name++) {
          assert.equal(lanes.newestOf(String(name)), model.get(String(name)))
          assert.equal(lanes.has(String(name)), model.has(String(name)))
        }
      }
    }),
  )
})

test('names of lanes that have ended go when there are many', () => {
  const lanes = new OpenLanes(100)
  lanes.add('stays', delivery())
  for (let name = 0; name < 10_000; name++) {
    lanes.add(`c${name}`, delivery())
    lanes.end(`c${name}`)
    assert(lanes.names <= 105, `${lanes.names} names`)
  }
  assert(lanes.has('stays'))
})
