// Flows leave memory and come back: how many stay, that each goes the same way again, and what strays from that way.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { app, type Part, sqlite } from 'millrace'
import { place, started } from '../support.ts'
import { conductor, Do, Done, doing, effects, Orders, Paid, Placed, setup, worker } from './support.ts'

const bounded = (file: string, hotFlowsMax: number, ...parts: Part[]) =>
  app({ name: 'memory', broker: sqlite({ file }), log: () => {}, setup, hotFlowsMax, parts: [Orders, ...parts] })

test('after a burst no more flows are in memory than may be, and the others come back when something comes', async (t) => {
  const runs = new Map<string, number>()
  const waits = conductor(async (data, flow) => {
    runs.set(data.order, (runs.get(data.order) ?? 0) + 1)
    await doing(flow, data, 'a')
    await flow.wait('paid', Paid)
    await doing(flow, data, 'b')
  })
  const running = await started(t, bounded(place(t), 10, worker(), waits))
  const orders = Array.from({ length: 200 }, (_, n) => `o-${n}`)
  await Promise.all(orders.map((order) => running.publish(Placed, { order })))
  await running.idle()
  runs.clear()
  for (const order of orders) {
    await running.publish(Paid, { order })
    await running.idle()
  }
  const again = orders.filter((order) => runs.has(order)).length
  assert(again >= orders.length - 10, `${orders.length - again} flows were in memory`)
  const counts = await running.flows.counts()
  assert.deepEqual(counts, [{ mediator: 'conductor', state: 'completed', flows: orders.length }])
})

/** What a function has come by, a line each; each run of it writes its own. */
type Trace = string[]

const winding = (traces: Map<string, Trace[]>) =>
  conductor(async (data, flow) => {
    const lines: Trace = []
    traces.set(data.order, [...(traces.get(data.order) ?? []), lines])
    const note = (what: unknown) => void lines.push(JSON.stringify(what))
    note([flow.random(), flow.id(), flow.now()])
    note(await flow.call('a', Do, { ...data, step: 'a' }))
    note(await flow.all([doing(flow, data, 'b'), doing(flow, data, 'c')]))
    note((await flow.wait('paid', Paid)).data)
    note(await flow.map(['x', 'y', 'z'], (step) => flow.call('each', Do, { ...data, step }), { limit: 2 }))
    await flow.sleep('a moment', 1)
    note('slept')
    note(await flow.call('last', Do, { ...data, step: 'last' }))
    flow.publish(Done, data)
    note('end')
  })
const awaits = 6

async function wind(t: test.TestContext, hotFlowsMax: number) {
  const traces = new Map<string, Trace[]>()
  const running = await started(t, bounded(place(t), hotFlowsMax, worker(), winding(traces)))
  const orders = ['o-1', 'o-2', 'o-3', 'o-4', 'o-5']
  for (const order of orders) await running.publish(Placed, { order })
  await running.idle()
  for (const order of orders) await running.publish(Paid, { order })
  while ((await running.flows.list({ states: ['completed'] })).length < orders.length) await turn()
  return { traces, effects: await effects(running) }
}

test('a flow that leaves memory at every await is run anew after each, and every run goes the way of the one before', async (t) => {
  const { traces, effects: left } = await wind(t, 0)
  const undisturbed = await wind(t, 100)
  const shape = (trace: Trace) => trace.slice(1)
  for (const [order, runs] of traces) {
    assert(runs.length > awaits, `${order} was run ${runs.length} times`)
    const whole = runs.at(-1)!
    for (const run of runs) assert.deepEqual(run, whole.slice(0, run.length), order)
    const [only, ...more] = undisturbed.traces.get(order)!
    assert.deepEqual(more, [])
    assert.deepEqual(shape(whole), shape(only!))
  }
  assert.deepEqual(left.toSorted(), undisturbed.effects.toSorted())
})

test('a function that continues after a wait outside its steps, beside a step, is paused and told so', async (t) => {
  for (const hotFlowsMax of [100, 0]) {
    const { promise: outside, resolve: comes } = Promise.withResolvers<void>()
    const strays = conductor(async (data, flow) => {
      await flow.all([
        flow.sleep('an hour', 3_600_000),
        outside.then(() => flow.call('after', Do, { ...data, step: 'after' })),
      ])
    })
    const running = await started(t, bounded(place(t), hotFlowsMax, worker(), strays))
    await running.publish(Placed, { order: 'o-1' })
    await running.idle()
    comes()
    while ((await running.flows.list({ states: ['paused'] })).length === 0) await turn()
    const [{ error } = { error: null }] = await running.flows.list()
    assert.equal(error!.code, 'millrace/flow-waits-outside')
    assert.match(error!.message, /came to call "after" \(do\) after waiting for something that is no step/)
    // Of what was in memory nothing has left.
    if (hotFlowsMax > 0) assert.deepEqual(await effects(running), [])
    await running.stop()
  }
})
