import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempDisposableSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { suite, type TestContext } from 'node:test'
import type { App } from 'millrace'
import { simulation } from 'millrace/testing'
import simulated, { shop } from './app.ts'
import { withExpress } from './express.ts'
import { withHono } from './hono.ts'
import { OrderSettled } from './messages.ts'
import { placeOrder } from './orders.ts'
import { postOrder } from './requests.ts'

type Make = (shop: App) => Server

/** The web application in a folder of its own, with a client. */
async function served(t: TestContext, make: Make) {
  const folder = mkdtempDisposableSync(join(tmpdir(), 'hybrid-'))
  const hybrid = shop(join(folder.path, 'hybrid.db'))
  const server = make(hybrid)
  await hybrid.start()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await hybrid.stop()
    folder.remove()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const ask = async (path: string, { json, headers }: { json?: unknown; headers?: Record<string, string> } = {}) => {
    const asked: RequestInit = { headers: { 'content-type': 'application/json', ...headers } }
    const answer = await fetch(
      `${url}${path}`,
      json === undefined ? asked : { ...asked, method: 'POST', body: JSON.stringify(json) },
    )
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  return { hybrid, url, ask }
}

const left = async ({ read }: App, sku: string) =>
  (await read<{ left: number }>`select left from articles where sku = ${sku}`)[0]!.left
const published = async (app: App, type: string) => (await app.messages.list({ type })).items.length

for (const [name, make] of Object.entries<Make>({ Express: withExpress, Hono: withHono })) {
  suite(name, () => {
    test(`${name}: a request is answered at once, with its rows and its event in one transaction; the order is settled later`, async (t) => {
      const { hybrid, ask } = await served(t, make)
      await hybrid.processors.pause('sale')
      const order = { orderId: 'o-1', sku: 'sieve', quantity: 2 }
      const placed = { ...order, cents: 1_990, state: 'placed' }
      assert.deepEqual(await ask('/orders', { json: order }), { status: 202, body: placed })
      // A client that has not got the answer asks again: nothing is placed twice.
      assert.deepEqual(await ask('/orders', { json: order }), { status: 202, body: placed })
      assert.deepEqual([await left(hybrid, 'sieve'), await published(hybrid, 'order.placed')], [998, 1])
      await hybrid.processors.resume('sale')
      await hybrid.idle()
      assert.deepEqual(await ask('/orders/o-1'), { status: 200, body: { ...placed, state: 'paid' } })
    })

    test(`${name}: a request that is refused, or fails after its event, leaves no row and no event`, async (t) => {
      const { hybrid, ask } = await served(t, make)
      const refused = await ask('/orders', { json: { orderId: 'o-1', sku: 'millstone', quantity: 4 } })
      assert.deepEqual(refused, { status: 409, body: { error: 'there are not 4 of "millstone"' } })
      assert.equal((await ask('/orders/o-1')).status, 404)
      assert.equal((await ask('/orders', { json: { orderId: 'o-1' } })).status, 400)
      const order = { orderId: 'o-1', sku: 'millstone', quantity: 1 }
      const failing = hybrid.transaction(async (tx) => {
        await placeOrder(tx, order)
        throw new Error('what follows fails')
      })
      await assert.rejects(failing, /what follows fails/)
      assert.deepEqual([await left(hybrid, 'millstone'), await published(hybrid, 'order.placed')], [3, 0])
    })

    test(`${name}: an event is handled by the function of the route, in its commit; a refused one is at the desk`, async (t) => {
      const { hybrid, ask } = await served(t, make)
      const headers = { authorization: 'Bearer for-trying-only' }
      const sold = '/edge/events/partners?type=partner.sold'
      assert.equal((await ask(sold, { json: {} })).status, 401)
      for (const [orderId, quantity] of [
        ['p-1', 1],
        ['p-2', 4],
      ] as const) {
        assert.equal((await ask(sold, { json: { orderId, sku: 'millstone', quantity }, headers })).status, 202)
      }
      await hybrid.idle()
      assert.equal((await ask('/orders/p-1')).body['state'], 'paid')
      assert.equal((await ask('/orders/p-2')).status, 404)
      assert.deepEqual([await left(hybrid, 'millstone'), await published(hybrid, 'order.placed')], [2, 1])
      const held = await hybrid.desk.list()
      assert.deepEqual(
        held.map(({ processor, state, data }) => [processor, state, data]),
        [['intake', 'held', { orderId: 'p-2', sku: 'millstone', quantity: 4 }]],
      )
    })

    test(`${name}: a request that waits has the reply of the flow; after its time it is told where it stands`, async (t) => {
      const { hybrid, ask } = await served(t, make)
      const headers = { prefer: 'wait=60' }
      const paid = await ask('/orders', { json: { orderId: 'o-1', sku: 'sieve', quantity: 1 }, headers })
      assert.deepEqual([paid.status, paid.body['state']], [200, 'paid'])
      const declined = await ask('/orders', { json: { orderId: 'o-2', sku: 'millstone', quantity: 2 }, headers })
      assert.deepEqual([declined.status, declined.body['state']], [200, 'declined'])
      assert.equal(await left(hybrid, 'millstone'), 3)
      await hybrid.processors.pause('cards')
      const order = { orderId: 'o-3', sku: 'sieve', quantity: 1 }
      const waiting = await ask('/orders', { json: order, headers: { prefer: 'wait=0' } })
      assert.deepEqual([waiting.status, waiting.body['state']], [202, 'placed'])
      // A client that asks again gets the reply of the same flow.
      await hybrid.processors.resume('cards')
      const again = await ask('/orders', { json: order, headers })
      assert.deepEqual([again.status, again.body['state']], [200, 'paid'])
    })
  })
}

test('the power fails right after the answer: the order is there, and is settled once', async () => {
  const order = { orderId: 'o-1', sku: 'sieve', quantity: 1 }
  await using sim = simulation({ app: simulated })
  await sim.untilIdle()
  const placed = { status: 202, body: { ...order, cents: 995, state: 'placed' } }
  assert.deepEqual(await sim.settled(postOrder(sim.app, order, undefined)), placed)
  await sim.crash({ power: true })
  await sim.restart()
  assert.deepEqual(await sim.settled(postOrder(sim.app, order, undefined)), placed)
  await sim.untilIdle()
  assert.deepEqual(sim.rows('orders'), [{ ...order, cents: 995, state: 'paid' }])
  assert.equal(sim.published(OrderSettled).length, 1)
})
