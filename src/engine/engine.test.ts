import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { z } from 'zod'
import { TestClock } from '../../test/clock.ts'
import { coded } from '../../test/support.ts'
import { fault } from '../model/errors.ts'
import { event, topic } from '../model/message.ts'
import { defaults } from '../model/options.ts'
import type { Committed } from '../seam/commit.ts'
import type { Broker } from '../seam/store.ts'
import type { World } from '../seam/world.ts'
import { Engine } from './engine.ts'
import type { EnginePlan } from './plan.ts'

const Placed = event('placed', { schema: z.object({ n: z.number() }) })
const limits = Object.fromEntries(Object.entries(defaults).map(([name, bound]) => [name, bound.default]))

/** An app without processors on a store that answers each commit as the test says. */
function run({ clean = true }: { readonly clean?: boolean } = {}) {
  const clock = new TestClock(5)
  const told: string[] = []
  const commits: ((answer: Committed | Promise<never>) => void)[] = []
  const world = Object.assign(clock, { soon: queueMicrotask, newId: () => 'id', log: () => {} }) as unknown as World
  const none = async () => []
  const flows = { delivered: none, underWayByMediator: none, withdrawn: none }
  const store = {
    open: async () => {},
    leases: {
      takeOver: async () => ({
        streams: [{ id: 1, kind: 'topic', name: 'orders', head: 0 }],
        clean,
        nextDue: undefined,
        numbers: { desk: 0 },
        flows: { last: { flow: 0, entry: 0, mail: 0 }, nextDue: null },
        renamed: [],
      }),
    },
    log: { onArrival: () => {} },
    processors: { paused: none, untold: none, concurrencies: none },
    progress: { rows: none, clearMarks: async () => {} },
    schedules: { rows: none },
    pendingActions: { list: none },
    operations: { open: none, expire: async () => undefined },
    flows: new Proxy(flows, { get: (_, name) => Reflect.get(flows, name) ?? new Proxy({}, { get: () => none }) }),
    room: () => undefined,
    health: () => [],
    commit: () => new Promise((resolve) => commits.push(resolve as (typeof commits)[number])),
    close: async (end: string) => void told.push(`closed: ${end}`),
  }
  const broker = { name: 'none', where: 'nowhere', create: () => store } as unknown as Broker
  const failed: EnginePlan['failed'] = (error) => void told.push(`failed: ${(error as { code: string }).code}`)
  const plan = {
    ...{
      app: 'shop',
      destinations: [topic('orders', [Placed])],
      processors: [],
      leftOut: [],
      mediators: [],
      others: [],
    },
    ...{
      schedules: [],
      alerts: [],
      setup: undefined,
      tellsChanges: false,
      limits,
      waitMs: 0,
      failed,
      accepted: () => {},
    },
  } as unknown as EnginePlan
  const open = (stops = () => false) => Engine.open(plan, world, broker, stops)
  return { clock, told, commits, open }
}

const lost: Committed = { state: 'lost', why: fault('millrace/ownership-lost', 'another process has it') }

test('an engine takes messages between begin and stop, and nothing before or after', async () => {
  const { told, open } = run()
  const engine = await open()
  const publish = () => engine.intake.publish(Placed, { n: 1 }, undefined)
  await assert.rejects(publish(), coded('millrace/stopping', /is starting and accepts nothing/))
  engine.begin()
  await turn()
  assert.deepEqual([engine.health(), await engine.idle()], [{ status: 'green', reasons: [] }, true])
  await engine.stop(0)
  await assert.rejects(publish(), coded('millrace/stopping', /is stopped and accepts nothing/))
  assert.deepEqual([told, await engine.idle(), engine.health().status], [['closed: clean'], false, 'red'])
})

test('an engine begins once', async () => {
  const { open } = run()
  const engine = await open()
  engine.begin()
  assert.throws(() => engine.begin(), /goes from running to running/)
})

test('a store that fails ends the run: all who wait are told, the store is closed, and its owner once', async () => {
  const { told, commits, open } = run()
  const engine = await open()
  engine.begin()
  const published = engine.intake.publish(Placed, { n: 1 }, undefined)
  const idle = engine.idle()
  await turn()
  commits[0]!(lost)
  await assert.rejects(published, coded('millrace/ownership-lost'))
  assert.equal(await idle, false)
  await engine.stop(0)
  assert.deepEqual(told, ['closed: left', 'failed: millrace/ownership-lost'])
})

test('a start that is to end closes the store, cleanly where the run before has left nothing', async () => {
  for (const clean of [true, false]) {
    const { told, open } = run({ clean })
    await assert.rejects(
      open(() => true),
      coded('millrace/stopping'),
    )
    assert.deepEqual(told, [clean ? 'closed: clean' : 'closed: left'])
  }
})

test('a stop that comes before the engine has begun closes the store', async () => {
  const { told, open } = run()
  const engine = await open()
  await Promise.all([engine.stop(0), engine.stop(0)])
  assert.deepEqual(told, ['closed: clean'])
  assert.throws(() => engine.begin(), coded('millrace/stopping'))
})
