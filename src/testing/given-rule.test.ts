import assert from 'node:assert/strict'
import test from 'node:test'
import { type Decision, type DeskOptions, desk, discard, event, hold, Refused, resubmit, retry, topic } from 'millrace'
import { given } from 'millrace/testing'
import { z } from 'zod'
import { coded } from '../../test/support.ts'

const Placed = event('order.placed', {
  schema: z.object({ orderId: z.string(), quantity: z.number().int() }),
  context: (order) => order.orderId,
})
const Cancelled = event('order.cancelled', { schema: z.object({ orderId: z.string() }) })
const Orders = topic('orders', [Placed, Cancelled])
const order = { orderId: 'o-1', quantity: -2 }

type Rule = NonNullable<NonNullable<DeskOptions<typeof Placed>['decide']>['order.placed']>
const orderDesk = (rule: Rule, options: Partial<DeskOptions<typeof Placed>> = {}) =>
  desk('order-desk', { on: Orders, decide: { 'order.placed': rule }, ...options } as DeskOptions<typeof Placed>)

test('a rule is told of a failure as at the desk, and its decision is compared', async () => {
  const part = orderDesk(({ message: { data, context }, processor, error, attempts }) => {
    assert.deepEqual([context, processor, attempts, error.data], ['o-1', 'stock', 3, { short: 2 }])
    assert(Object.isFrozen(data))
    return data.quantity < 0 ? resubmit({ ...data, quantity: -data.quantity }, error.message) : retry()
  })
  const failure = {
    type: Placed,
    data: order,
    error: new Refused('sign corrected', { short: 2 }),
    processor: 'stock',
    attempts: 3,
  }
  const expected = resubmit({ orderId: 'o-1', quantity: 2 }, 'sign corrected')
  assert.deepEqual(await given(part).when(failure).decides(expected), expected)
  assert.deepEqual(await given(part).when(failure), expected)
})

test('a rule is asked once, however often the decision is wanted, and not before', async () => {
  let asked = 0
  const part = orderDesk(() => {
    asked++
    return discard('not ours')
  })
  const failure = given(part).when({ type: Placed, data: order, error: { code: 'Error', message: 'broken' } })
  assert.equal(asked, 0)
  await failure.decides(discard('not ours'))
  await failure
  assert.equal(asked, 1)
})

test('reads of a rule are answered by the test', async () => {
  const part = orderDesk(async ({ read, message }) => {
    const [row] = await read<{ n: number }>`select count(*) as n
      from shipped where id = ${message.data.orderId}`
    return row!.n > 0 ? discard('shipped already') : retry()
  })
  const query = (text: string, values: readonly unknown[]) => {
    assert.deepEqual([text, values], ['select count(*) as n from shipped where id = ?', ['o-1']])
    return [{ n: 1 }]
  }
  const error = new Error('broken')
  await given(part, { query }).when({ type: Placed, data: order, error }).decides(discard('shipped already'))
  await given(part, { query: () => 7 as never })
    .when({ type: Placed, data: order, error })
    .decides(
      hold(
        'the rule failed with millrace/bad-option: given: query gave number for `select count(*) as n from shipped where id = ?`, but must give rows',
      ),
    )
})

test('a decision that a rule may not make is held, with the reason, as at the desk', async () => {
  const cases: readonly [Rule, RegExp][] = [
    [
      () => resubmit({ orderId: 'o-2', quantity: 1 }, 'another'),
      /wanted to resubmit, but .* from context "o-1" to "o-2"/,
    ],
    [
      () => resubmit({ orderId: 'o-1', quantity: 1.5 }, 'half'),
      /wanted to resubmit, but .*data of event "order.placed"/,
    ],
    [() => undefined as never, /returned no decision/],
    [() => ({ do: 'wait' }) as never, /returned no decision/],
    [() => Promise.reject(new Error('no database')), /failed with Error: no database/],
  ]
  for (const [rule, reason] of cases) {
    const decision: Decision = await given(orderDesk(rule)).when({ type: Placed, data: order, error: new Error('x') })
    assert.equal(decision.do, 'hold')
    assert.match((decision as { reason: string }).reason, reason)
  }
  const slow = orderDesk(() => new Promise<never>(() => {}), { decideMs: 5 })
  await given(slow)
    .when({ type: Placed, data: order, error: new Error('x') })
    .decides(hold('the rule failed with Error: it did not decide within 5 ms'))
  await given(orderDesk(() => retry(), { decisionsMax: 2 }))
    .when({ type: Placed, data: order, error: new Error('x'), decisions: 2 })
    .decides(hold('its rule has decided 2 times, and it failed again after each decision'))
})

test('data that no schema fits reach the rule as stored, and it may repair them', async () => {
  const part = orderDesk(({ message: { data } }) => {
    const { order: orderId, count } = data as never as { order: string; count: string }
    return resubmit({ orderId, quantity: Number(count) }, 'moved to the new shape')
  })
  const data = { order: 'o-3', count: '4' } as never
  await given(part)
    .when({ type: Placed, data, error: { code: 'millrace/bad-data', message: 'does not fit' } })
    .decides(resubmit({ orderId: 'o-3', quantity: 4 }, 'moved to the new shape'))
})

test('a decision that was not expected says both, and why the rule failed', async () => {
  const boom = new Error('boom')
  const part = orderDesk(() => {
    throw boom
  })
  const compared = given(part)
    .when({ type: Placed, data: order, error: new Error('x') })
    .decides(retry())
  await assert.rejects(compared, (error: Error) => {
    assert(error instanceof assert.AssertionError)
    assert.match(
      error.message,
      /desk "order-desk" decides about "order.placed" to hold, not to retry, as its rule failed: boom/,
    )
    assert.equal(error.cause, boom)
    return true
  })
})

test('failures that the desk does not look after are refused', () => {
  const part = orderDesk(() => retry())
  const Other = event('order.placd', { schema: z.object({}) })
  const error = new Error('x')
  const when = (failure: object) => () => given(part).when(failure as never)
  assert.throws(when({ type: Other, data: {}, error }), coded('millrace/bad-option', /did you mean "order.placed"/))
  assert.throws(
    when({ type: Cancelled, data: { orderId: 'o' }, error }),
    coded('millrace/missing-handler', /which is held/),
  )
  assert.throws(
    when({ type: Placed, data: order, eror: error }),
    coded('millrace/unknown-option', /did you mean "error"/),
  )
  assert.throws(
    () => given({ kind: 'topic', name: 'orders' } as never),
    coded('millrace/bad-option', /a processor, a desk, a mediator or a type/),
  )
})
