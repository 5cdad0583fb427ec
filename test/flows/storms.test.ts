// Many flows at once, long ones, flows that leave memory after each step, and a domain that is sick.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, channel, command, mediator, processor, Refused, sqlite } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { place, started } from '../support.ts'
import { conductor, Do, Done, doing, effects, Orders, Paid, Placed, setup, Work, worker } from './support.ts'

const small = (file: string, ...parts: Parameters<typeof app>[0]['parts'][number][]) =>
  app({ name: 'storm', broker: sqlite({ file }), log: () => {}, setup, hotFlowsMax: 1, parts: [Orders, ...parts] })

test('a flow that leaves memory after every step goes the same way, and does everything once', async (t) => {
  const told: Record<string, string[]> = {}
  const winding = () =>
    conductor(async (data, flow) => {
      const lines: string[] = []
      told[data.order] = lines
      lines.push(`${flow.random() < 2}`)
      const { done } = await flow.call('a', Do, { ...data, step: 'a' })
      lines.push(done)
      const both = await flow.all([doing(flow, data, 'b'), doing(flow, data, 'c')])
      lines.push(...both.map((one) => one.done))
      lines.push((await flow.wait('paid', Paid)).data.order)
      const all = await flow.map(['x', 'y', 'z'], (step) => flow.call('each', Do, { ...data, step }), { limit: 2 })
      lines.push(...all.map((one) => one.done))
      await flow.sleep('a moment', 1)
      flow.publish(Done, data)
      lines.push('end')
    })
  const orders = ['o-1', 'o-2', 'o-3', 'o-4', 'o-5']
  const running = await started(t, small(place(t), worker(), winding()))
  for (const order of orders) await running.publish(Placed, { order })
  for (const order of orders) await running.publish(Paid, { order })
  for (;;) {
    await running.idle()
    if ((await running.flows.list()).every(({ state }) => state === 'completed')) break
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  for (const order of orders) {
    assert.deepEqual(told[order], ['true', 'a', 'b', 'c', order, 'x', 'y', 'z', 'end'])
  }
  const counts = new Map<string, number>()
  for (const what of await effects(running)) counts.set(what, (counts.get(what) ?? 0) + 1)
  assert.deepEqual([...counts.values()], [5, 5, 5, 5, 5, 5])
})

/** What a storm's flow of an order does: told by its number, so that a reckoning can say how it has to end. */
const fate = (order: string) => {
  const n = Number(order.slice(2))
  return { refused: n % 5 === 0, waits: n % 3 === 0, races: n % 2 === 0 }
}

const stormy = conductor(async (data, flow) => {
  const { refused, waits, races } = fate(data.order)
  await doing(flow, data, 'first')
  if (waits) await flow.wait('paid', Paid)
  if (races) {
    await flow.race([() => doing(flow, data, 'quick'), () => flow.sleep('an hour', 3_600_000)], { losers: 'withdraw' })
  }
  await flow.all([doing(flow, data, 'left'), doing(flow, data, 'right')])
  if (refused) throw new Refused('no')
  flow.publish(Done, data)
})

function check(
  rows: readonly { what: string }[],
  states: ReadonlyMap<string, string>,
  orders: readonly string[],
): void {
  const of = new Map<string, string[]>()
  for (const { what } of rows) {
    const [order = '', ...effect] = what.split(': ')
    of.set(order, [...(of.get(order) ?? []), effect.join('')])
  }
  for (const order of orders) {
    const { refused, races } = fate(order)
    const all = ['first', ...(races ? ['quick'] : []), 'left', 'right']
    const done = all.map((step) => `do ${step}`)
    const got = of.get(order) ?? []
    assert.deepEqual(got.slice(0, done.length).toSorted(), done.toSorted(), order)
    assert.deepEqual(got.slice(done.length), refused ? all.toReversed().map((step) => `undo ${step}`) : [], order)
    assert.equal(states.get(order), refused ? 'compensated' : 'completed', order)
  }
}

/** Writes down whose effect it is. */
const recorder = processor('worker', {
  on: Work,
  concurrency: 64,
  handle: {
    do: ({ data: { order, step } }, { commit }) =>
      commit(async (tx) => {
        await tx.query`insert into effects (what) values (${`${order}: do ${step}`})`
        return { done: step }
      }),
    undo: ({ data: { order, step } }, { commit }) =>
      commit(async (tx) => void (await tx.query`insert into effects (what) values (${`${order}: undo ${step}`})`)),
  },
})

test('a storm of a thousand flows with racing branches and events ends with none inconsistent', async (t) => {
  const orders = Array.from({ length: 1_000 }, (_, n) => `o-${n}`)
  const storm = app({
    name: 'storm',
    broker: sqlite({ file: place(t) }),
    setup,
    hotFlowsMax: 100,
    parts: [Orders, recorder, stormy],
  })
  const running = await started(t, storm)
  await Promise.all(orders.map((order) => running.publish(Placed, { order })))
  await Promise.all(orders.filter((order) => fate(order).waits).map((order) => running.publish(Paid, { order })))
  await running.idle()
  const rows = await running.read<{ what: string }>`select what from effects order by n`
  const flows = await running.flows.list({ limit: 2_000 })
  check(rows, new Map(flows.map(({ context, state }) => [context!, state])), orders)
})

test('a smaller storm with crashes, power cuts and little room in memory, for ten seeds', async () => {
  const orders = Array.from({ length: 30 }, (_, n) => `o-${n}`)
  for (let seed = 1; seed <= 10; seed++) {
    const make = () =>
      app({
        name: 'storm',
        broker: sqlite({ file: 'storm.db' }),
        setup,
        hotFlowsMax: 3,
        parts: [Orders, recorder, stormy],
      })
    await using simulated = simulation({ app: make, seed })
    for (const order of orders) {
      await simulated.publish(Placed, { order })
      if (fate(order).waits) await simulated.publish(Paid, { order })
    }
    for (let crashes = 0; crashes < 4; crashes++) {
      await simulated.advance(((seed * 7 + crashes * 3) % 11) / 2)
      await simulated.crash({ power: crashes % 2 === 0 })
      await simulated.restart()
    }
    await simulated.untilIdle()
    const rows = await simulated.query<{ what: string }>`select what from effects order by n`
    const flows = await simulated.flows.list()
    check(rows, new Map(flows.map(({ context, state }) => [context!, state])), orders)
  }
})

test('a flow of two thousand steps goes on after a crash in its middle, from its journal', async () => {
  const steps = 2_000
  const long = conductor(async (data, flow) => {
    for (let step = 0; step < steps; step++) await flow.call('next', Do, { ...data, step: `${step}` })
    flow.publish(Done, data)
  })
  await using simulated = simulation({ parts: [Orders, worker(), long], setup: setup as never })
  await simulated.publish(Placed, { order: 'o-1' })
  await simulated.advance(600)
  await simulated.crash({ power: true })
  await simulated.restart()
  await simulated.untilIdle()
  const [row] = await simulated.query<{ all: number; different: number }>`
    select count(*) as "all", count(distinct what) as different from effects`
  assert.deepEqual({ ...row }, { all: steps, different: steps })
  assert.equal(simulated.published(Done).length, 1)
})

test('a sick domain keeps its own flows waiting, and no others', async (t) => {
  const Treat = command('treat', { schema: z.object({ order: z.string() }), context: ({ order }) => order })
  const Sick = channel('sick', [Treat])
  let heal = () => {}
  const healed = new Promise<void>((resolve) => {
    heal = resolve
  })
  const doctor = processor('doctor', { on: Sick, concurrency: 2, handle: { treat: () => healed } })
  const ill = mediator('ill', {
    on: Orders,
    startedBy: Placed,
    sends: [Treat],
    run: async ({ data }, flow) => void (await flow.call('treat', Treat, data)),
  })
  const well = conductor(async (data, flow) => {
    for (const step of ['a', 'b', 'c']) await doing(flow, data, step)
  })
  const both = app({
    name: 'two',
    broker: sqlite({ file: place(t) }),
    setup,
    parts: [Orders, Sick, doctor, ill, worker(), well],
  })
  const running = await started(t, both)
  const orders = Array.from({ length: 200 }, (_, n) => `o-${n}`)
  await Promise.all(orders.map((order) => running.publish(Placed, { order })))
  const states = async (name: string) => {
    const flows = await running.flows.counts()
    return flows.flatMap(({ mediator: of, state, flows: count }) => (of === name ? [[state, count]] : []))
  }
  while ((await states('conductor'))[0]?.[1] !== 200 || (await states('conductor'))[0]?.[0] !== 'completed') {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.deepEqual(await states('ill'), [['running', 200]])
  heal()
  await running.idle()
  assert.deepEqual(await states('ill'), [['completed', 200]])
})
