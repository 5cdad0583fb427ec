// Many flows at once, long ones, and a domain that is sick.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import {
  app,
  channel,
  command,
  type FlowItem,
  type FlowRow,
  type FlowStep,
  mediator,
  processor,
  Refused,
  sqlite,
} from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { place, started } from '../support.ts'
import { conductor, Do, Done, doing, Orders, Paid, Placed, setup, Work, worker } from './support.ts'

/** What a storm's flow of an order does: told by its number, so that a reckoning can say how it has to end. */
const fate = (order: string) => {
  const n = Number(order.slice(2))
  return { refused: n % 5 === 0, waits: n % 3 === 0, races: n % 2 === 0, behind: n % 4 === 0 ? 'quick' : 'fast' }
}

/** Where a racer that is behind runs: in one lane with those of many others, or by itself, slowly. */
const trackOf = (order: string) => (Number(order.slice(2)) % 8 < 4 ? 'crowd' : `slow ${order}`)

const stormy = conductor(async (data, flow) => {
  const { refused, waits, races, behind } = fate(data.order)
  await doing(flow, data, 'first')
  if (waits) await flow.wait('paid', Paid)
  if (races) {
    const racer = (name: string) => () => doing(flow, name === behind ? { order: trackOf(data.order) } : data, name)
    const { done } = await flow.race([racer('quick'), racer('fast')], { losers: 'withdraw' })
    await doing(flow, data, `${done} won`)
  }
  await flow.all([doing(flow, data, 'left'), doing(flow, data, 'right')])
  if (refused) throw new Refused('no')
  flow.publish(Done, data)
})

/** How many racers have ended how. */
type Races = Map<string, number>

/** What a flow says of one of its calls. */
function said({ outcome }: FlowStep): 'done' | 'never' | 'unknown' | 'not told' {
  if (outcome === undefined) return 'not told'
  if (outcome.ok) return 'done'
  assert.match(outcome.code, /^millrace\/(step|flow)-cancelled$/)
  return outcome.effects!
}

/** Reckons for one flow whether what it says of its calls, how it had to end, and what was done agree; counts racers. */
function reckon(order: string, { state, steps, endedAt }: FlowItem, effects: readonly string[], races: Races): void {
  const { refused, races: hasRace } = fate(order)
  assert.equal(state, refused ? 'compensated' : 'completed')
  const calls = steps.filter(({ kind, undo }) => kind === 'call' && !undo)
  const names = calls.map(({ name }) => name)
  const won = names.includes('quick won') ? 'quick' : 'fast'
  assert.deepEqual(names, ['first', ...(hasRace ? ['quick', 'fast', `${won} won`] : []), 'left', 'right'])
  for (const call of calls) {
    const { name } = call
    const lost = (name === 'quick' || name === 'fast') && name !== won
    if (!lost) assert.equal(said(call), 'done')
    if (said(call) === 'done') assert(call.endedAt! <= endedAt!, `"${name}" was done after the flow had ended`)
    const how = lost ? `${name} lost: ${said(call)}` : `${name} won`
    if (lost || name === won) races.set(how, (races.get(how) ?? 0) + 1)
  }
  // What was withdrawn has no effect, and an undo where it had begun; what was done before that is undone as the rest.
  const named = (verb: string, ...ends: string[]) =>
    calls.filter((call) => ends.includes(said(call))).map(({ name }) => `${verb} ${name}`)
  const of = (verb: string) => effects.filter((what) => what.startsWith(`${verb} `))
  const undos = refused ? named('undo', 'done', 'unknown').toReversed() : []
  assert.deepEqual(of('do').toSorted(), named('do', 'done').toSorted())
  assert.deepEqual(of('undo'), undos)
  for (const undo of undos) assert(effects.indexOf(undo) > effects.indexOf(undo.slice(2)))
}

/** Reckons for all flows of a storm; gives how their races have ended. */
async function reckonAll(
  orders: readonly string[],
  flows: readonly FlowRow[],
  show: (id: number) => Promise<FlowItem | undefined>,
  rows: readonly { what: string }[],
): Promise<Races> {
  const ids = new Map(flows.map(({ context, id }) => [context, id]))
  assert.deepEqual([flows.length, ids.size], [orders.length, orders.length])
  const effects = new Map<string, string[]>(orders.map((order) => [order, []]))
  for (const { what } of rows) {
    const [order = '', effect = ''] = what.split(': ')
    effects.get(order)!.push(effect)
  }
  const races: Races = new Map()
  for (const order of orders) {
    const flow = (await show(ids.get(order)!))!
    try {
      reckon(order, flow, effects.get(order)!, races)
    } catch (error) {
      throw new Error(`${order}: ${effects.get(order)}; ${JSON.stringify(flow.steps)}`, { cause: error })
    }
  }
  return races
}

/** Writes down whose effect it is: an order's first event has the order as its id. */
const recorder = (slowly: () => Promise<void>) =>
  processor('worker', {
    on: Work,
    concurrency: 64,
    handle: {
      do: async ({ data: { order, step }, correlationId }, { commit }) => {
        if (order.startsWith('slow ')) await slowly()
        return commit(async (tx) => {
          await tx.query`insert into effects (what) values (${`${correlationId}: do ${step}`})`
          return { done: step }
        })
      },
      undo: ({ data: { step }, correlationId }, { commit }) =>
        commit(
          async (tx) => void (await tx.query`insert into effects (what) values (${`${correlationId}: undo ${step}`})`),
        ),
    },
  })

test('a storm of two thousand flows with racing branches and events ends with none inconsistent', async (t) => {
  const orders = Array.from({ length: 2_000 }, (_, n) => `o-${n}`)
  const slowly = async () => {
    for (let turns = 0; turns < 20; turns++) await turn()
  }
  const storm = app({
    name: 'storm',
    broker: sqlite({ file: place(t) }),
    log: () => {},
    setup,
    hotFlowsMax: 100,
    parts: [Orders, recorder(slowly), stormy],
  })
  const running = await started(t, storm)
  await Promise.all(orders.map((order) => running.publish(Placed, { order }, { id: order })))
  await Promise.all(orders.filter((order) => fate(order).waits).map((order) => running.publish(Paid, { order })))
  await running.idle()
  const rows = await running.read<{ what: string }>`select what from effects order by n`
  const flows = await running.flows.list({ limit: 2_001 })
  const races = await reckonAll(orders, flows, running.flows.show, rows)
  for (const how of ['quick won', 'fast won', 'quick lost: never', 'fast lost: never']) assert(races.has(how), how)
})

test('a smaller storm with crashes, power cuts and little room in memory, for ten seeds', async () => {
  const orders = Array.from({ length: 30 }, (_, n) => `o-${n}`)
  const seen = new Set<string>()
  for (let seed = 1; seed <= 10; seed++) {
    const make = () =>
      app({
        name: 'storm',
        broker: sqlite({ file: 'storm.db' }),
        setup,
        hotFlowsMax: 3,
        parts: [Orders, recorder(async () => {}), stormy],
      })
    await using simulated = simulation({ app: make, seed })
    await Promise.all(orders.map((order) => simulated.publish(Placed, { order }, { id: order })))
    await Promise.all(orders.filter((order) => fate(order).waits).map((order) => simulated.publish(Paid, { order })))
    for (let crashes = 0; crashes < 4; crashes++) {
      await simulated.advance(((seed * 7 + crashes * 3) % 11) / 2)
      await simulated.crash({ power: crashes % 2 === 0 })
      await simulated.restart()
    }
    await simulated.untilIdle()
    // What ran alone at two crashes is held: it could have killed the process.
    for (const { id, error } of await simulated.desk.list({ states: ['held'] })) {
      assert.equal(error!.code, 'millrace/killed-the-process')
      await simulated.desk.release(id)
    }
    await simulated.untilIdle()
    const rows = await simulated.query<{ what: string }>`select what from effects order by n`
    const races = await reckonAll(orders, await simulated.flows.list(), simulated.flows.show, rows)
    for (const how of races.keys()) seen.add(how)
  }
  for (const how of ['quick won', 'fast won']) assert(seen.has(how), how)
})

test('a flow of two thousand steps resumes after a crash in its middle, from its journal', async () => {
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
