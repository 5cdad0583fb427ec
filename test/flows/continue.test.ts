// Flows that continue as new ones: what goes on in their place has all that they had.
import assert from 'node:assert/strict'
import test from 'node:test'
import { event, mediator, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { place, started } from '../support.ts'
import { Do, doing, effects, Orders, Paid, Placed, setup, type TestFlow, Undo, warehouse, worker } from './support.ts'

const count = z.object({ order: z.string(), n: z.number(), who: z.string().optional() })
type Count = z.infer<typeof count>
const Counted = event('counted', { schema: count, context: (data) => data.order })
const Counts = topic('counts', [Counted])

function counting(run: (data: Count, flow: TestFlow, goOn: (data: Count) => void) => unknown, options: object = {}) {
  return mediator('counts.up', {
    on: Counts,
    startedBy: Counted,
    sends: [Do, Undo],
    waits: [Paid],
    ...options,
    run: ({ data }, flow) => run(data, flow as never, (next) => flow.continueAs(next)),
  })
}

test('mail is had once, at any number of continuations of the flow that waits for it, and later mail comes too', async (t) => {
  const had: string[] = []
  const counts = counting(async ({ order, n }, flow, goOn) => {
    const { id } = await flow.wait('paid', Paid)
    had.push(`${n} ${id}`)
    goOn({ order, n: n + 1 })
  })
  const running = await started(t, warehouse(place(t), worker(), Counts, counts))
  await running.publish(Paid, { order: 'o-1' }, { id: 'before' })
  await running.publish(Counted, { order: 'o-1', n: 1 })
  await running.idle()
  for (const id of ['p-1', 'p-2', 'p-3']) await running.publish(Paid, { order: 'o-1' }, { id })
  await running.idle()
  assert.deepEqual([...new Set(had)], ['1 before', '2 p-1', '3 p-2', '4 p-3'])
  const flows = await running.flows.list()
  assert.deepEqual(
    flows.map(({ continues, state }) => [continues, state]),
    [
      [null, 'completed'],
      [1, 'completed'],
      [2, 'completed'],
      [3, 'completed'],
      [4, 'running'],
    ],
  )
})

test('a serial flow keeps its turn when it is continued', async (t) => {
  const counts = counting(
    async ({ order, n, who }, flow, goOn) => {
      await flow.call('count', Do, { order, step: `${who}${n}` })
      if (n < 3) goOn({ order, n: n + 1, who: who! })
    },
    { serial: true },
  )
  const running = await started(t, warehouse(place(t), worker(), Counts, counts))
  await Promise.all(['A', 'B'].map((who) => running.publish(Counted, { order: 'o-1', n: 1, who })))
  await running.idle()
  assert.deepEqual(
    await effects(running),
    ['A1', 'A2', 'A3', 'B1', 'B2', 'B3'].map((what) => `do ${what}`),
  )
})

test('the value of oncePer is that of the flow that continues', async (t) => {
  const counts = counting(
    async ({ order, n }, flow, goOn) => {
      if (n === 3) await flow.wait('paid', Paid)
      else goOn({ order, n: n + 1 })
    },
    { oncePer: ({ order }: Count) => order },
  )
  const running = await started(t, warehouse(place(t), worker(), Counts, counts))
  await running.publish(Counted, { order: 'o-1', n: 1 })
  await running.idle()
  await running.publish(Counted, { order: 'o-1', n: 1 })
  await running.idle()
  assert.deepEqual(
    (await running.flows.list()).map(({ state, once }) => [state, once]),
    [
      ['completed', null],
      ['completed', null],
      ['running', 'o-1'],
    ],
  )
})

test('a flow that waits for a continued flow waits for its last continuation, and compensates that', async (t) => {
  const parts = counting(async ({ order, n }, flow, goOn) => {
    await doing(flow, { order }, `${n}`)
    if (n < 3) return goOn({ order, n: n + 1 })
    if (order !== 'o-1') await flow.wait('paid', Paid)
    return { counted: n }
  })
  const results: unknown[] = []
  const whole = mediator('whole', {
    on: Orders,
    startedBy: Placed,
    sends: [Do, Undo],
    starts: [parts],
    run: async ({ data }, flow) => {
      await doing(flow as TestFlow, data, 'first')
      results.push(await flow.subflow('count', parts, { ...data, n: 1 }))
    },
  })
  const running = await started(t, warehouse(place(t), worker(), Counts, parts, whole))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  assert.deepEqual(results, [{ counted: 3 }])
  await running.publish(Placed, { order: 'o-2' })
  await running.idle()
  const [waiting] = await running.flows.list({ mediator: 'whole', states: ['running'] })
  await running.flows.cancel(waiting!.id, { by: 'ann' })
  await running.idle()
  const left = await running.flows.list({ context: 'o-2' })
  assert.deepEqual(
    left.map(({ mediator: name, state }) => [name, state]),
    [
      ['whole', 'compensated'],
      ['counts.up', 'completed'],
      ['counts.up', 'completed'],
      ['counts.up', 'compensated'],
    ],
  )
  assert.deepEqual((await effects(running)).slice(-2), ['undo 3', 'undo first'])
})

test('bad data for a continuation throw where it is called, and a function that fails after it does not continue', async (t) => {
  const caught: string[] = []
  const counts = counting(async ({ order, n }, flow, goOn) => {
    try {
      goOn({ order, n: 'many' } as never)
    } catch (error) {
      caught.push((error as { code: string }).code)
    }
    goOn({ order, n: n + 1 })
    await flow.call('count', Do, { order, step: 'fails' })
  })
  const running = await started(t, warehouse(place(t), worker({ fails: 'refuse' }), Counts, counts))
  await running.publish(Counted, { order: 'o-1', n: 1 })
  await running.idle()
  assert.deepEqual(new Set(caught), new Set(['millrace/bad-data']))
  assert.deepEqual(
    (await running.flows.list()).map(({ state }) => state),
    ['failed'],
  )
})

test('a flow that is cancelled, or out of time, ends every continuation of the flow it waits for, at any moment', async () => {
  const child = counting(async ({ order, n }, flow, goOn) => {
    await flow.sleep('a moment', 3)
    goOn({ order, n: n + 1 })
  })
  for (const timeoutMs of [undefined, 200]) {
    const parent = mediator('whole', {
      on: Orders,
      startedBy: Placed,
      starts: [child],
      run: async ({ data }, flow) => {
        await flow.subflow('count', child, { ...data, n: 1 }, timeoutMs === undefined ? {} : { timeoutMs })
      },
    })
    await using sim = simulation({ parts: [Orders, Counts, worker(), child, parent], setup: setup as never })
    for (let n = 0; n < 20; n++) {
      await sim.publish(Placed, { order: `o-${n}` })
      await sim.advance(0.3)
    }
    await sim.advance(150)
    for (const { id } of await sim.flows.list({ mediator: 'whole', states: ['running'] })) {
      if (timeoutMs === undefined) await sim.flows.cancel(id, { by: 'ann' })
    }
    await sim.advance(1_000)
    assert.deepEqual(await sim.flows.list({ states: ['running', 'compensating'] }), [])
  }
})
