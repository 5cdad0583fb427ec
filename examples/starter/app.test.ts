import assert from 'node:assert/strict'
import test from 'node:test'
import { given, simulation } from 'millrace/testing'
import shop, { OrderPlaced, sales } from './app.ts'

test('an order without a quantity is refused', async () => {
  await given(sales)
    .when(OrderPlaced, { sku: 'flour', quantity: 0 })
    .then({ refused: /nothing was ordered/ })
})

test('an order is sold once, though the power fails', async () => {
  await using sim = simulation({ app: shop })
  await sim.publish(OrderPlaced, { sku: 'flour', quantity: 2 })
  await sim.crash({ power: true })
  await sim.restart()
  await sim.publish(OrderPlaced, { sku: 'flour', quantity: 3 })
  await sim.untilIdle()
  assert.deepEqual(sim.rows('sales'), [{ sku: 'flour', sold: 5 }])
})
