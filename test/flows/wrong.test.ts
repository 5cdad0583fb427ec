// What goes wrong at the edges of flows and requests stays there: the app goes on, nothing is lost, done twice or hidden.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { app, channel, command, event, mediator, processor, sqlite, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded, place, started } from '../support.ts'
import {
  conductor,
  Do,
  Done,
  doing,
  effects,
  Orders,
  Paid,
  Placed,
  setup,
  type TestFlow,
  Undo,
  warehouse,
  worker,
} from './support.ts'

const hour = 3_600_000
const day = 24 * hour

test('a reply that JSON does not carry, or that is too large, fails its attempt and nothing else', async (t) => {
  const Make = command('report.make', {
    schema: z.object({ what: z.string() }),
    reply: z.unknown(),
  })
  const Reports = channel('reports', [Make])
  const circle: Record<string, unknown> = {}
  circle['itself'] = circle
  const replies: Record<string, unknown> = { big: 12n, circle, date: { at: new Date(0) }, long: 'x'.repeat(2_000) }
  const maker = processor('maker', {
    on: Reports,
    retry: { attempts: 1 },
    handle: { 'report.make': ({ data }) => replies[data.what] },
  })
  const running = await started(
    t,
    app({
      name: 'reports',
      broker: sqlite({ file: place(t) }),
      log: () => {},
      messageBytesMax: 1_000,
      parts: [Reports, maker, Orders],
    }),
  )
  const asked = Object.keys(replies).map((what) => running.request(Make, { what }, { id: what }).catch(() => {}))
  await running.idle()
  await running.publish(Placed, { order: 'o-1' })
  assert.equal(running.health().status, 'green')
  const held = await running.desk.list()
  assert.deepEqual(held.map(({ error }) => error!.code).toSorted(), [
    'millrace/not-json',
    'millrace/not-json',
    'millrace/not-json',
    'millrace/too-large',
  ])
  for (const { id } of held) await running.desk.discard(id, { by: 'ann', reason: 'no report' })
  await Promise.all(asked)
})

test('wrong arguments throw inside the flow: texts, times, versions, branches, undos', async (t) => {
  const codes: string[] = []
  const wrong = conductor(async (data, flow) => {
    const schema = z.object({ yes: z.boolean() })
    const asks = (more: object) => () => flow.ask('q', { schema, title: 'May it?', ...more } as never)
    for (const [says, act] of [
      [/escalate: to must be a text/, asks({ escalate: { afterMs: 100 } })],
      [/escalate: afterMs is -1/, asks({ escalate: { afterMs: -1, to: 'ann' } })],
      [/to must be a text/, asks({ to: {} })],
      [/title must be a text/, asks({ title: '' })],
      [/timeoutMs is NaN/, asks({ timeoutMs: Number.NaN })],
      [/ms is of type undefined/, () => flow.sleep('s', undefined as never)],
      [/latest is 1, but must be a whole number/, () => flow.version('v', 1n as never)],
      [/limit is 0, but must be a whole number from 1 to 10000$/, () => flow.map([1], () => 1, { limit: 0 })],
      [
        /attempts is 0, but must be a whole number from 1 to 1000$/,
        () => flow.call('c', Do, { ...data, step: 'c' }, { retry: { attempts: 0 } }),
      ],
      [/a branch is a function: call it/, () => flow.all([() => 1])],
      [/undo must be a function/, () => flow.call('c', Do, { ...data, step: 'c' }, { undo: 5 as never })],
    ] as const) {
      await (async () => act())().then(
        () => codes.push(`nothing for ${says}`),
        (error: Error) => assert.match(error.message, says),
      )
    }
    codes.push('end')
  })
  const running = await started(t, warehouse(place(t), worker(), wrong))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  const [flow] = await running.flows.list()
  assert.deepEqual([flow!.state, flow!.error], ['completed', null])
  assert.deepEqual([...new Set(codes)], ['end'])
})

test('an event that names no valid context for its flows is held, and others continue', async () => {
  const Pay = event('pay', { schema: z.object({ order: z.string().nullable() }) })
  const Pays = topic('pays', [Pay])
  const waits = mediator('waits', {
    on: Orders,
    startedBy: Placed,
    waits: [{ on: Pay, flow: ({ order }) => order! }],
    run: async (_, flow) => void (await flow.wait('paid', Pay)),
  })
  await using sim = simulation({ parts: [Orders, Pays, worker(), waits], setup: setup as never })
  await sim.publish(Placed, { order: 'o-1' })
  for (const order of [null, '', 'x'.repeat(2_000), 'o-1']) await sim.publish(Pay, { order })
  await sim.advance(hour)
  assert.deepEqual([(await sim.flows.show(1))!.state, sim.app.health().status], ['completed', 'green'])
  const held = await sim.desk.list()
  assert.deepEqual(
    held.map(({ error }) => error!.code),
    Array(3).fill('millrace/bad-context'),
  )
})

test('a flow that is cancelled while it is paused begins nothing more: its steps are undone', async () => {
  const ships = conductor(async (data, flow) => {
    await doing(flow, data, 'a')
    await flow.wait('paid', Paid)
    await doing(flow, data, 'ship')
  })
  for (const crashes of [false, true]) {
    await using sim = simulation({ parts: [Orders, worker(), ships], setup: setup as never })
    await sim.publish(Placed, { order: 'o-1' })
    await sim.untilIdle()
    await sim.flows.pause(1, { by: 'ann' })
    await sim.publish(Paid, { order: 'o-1' })
    await sim.untilIdle()
    if (crashes) {
      await sim.crash()
      await sim.restart()
    }
    await sim.flows.cancel(1, { by: 'ann', reason: 'not wanted' })
    await sim.untilIdle()
    const done = await sim.query<{ what: string }>`select what from effects order by n`
    assert.deepEqual(
      done.map(({ what }) => what),
      ['do a', 'undo a'],
    )
    const flow = (await sim.flows.show(1))!
    assert.deepEqual([flow.state, flow.error?.message], ['compensated', 'cancelled by ann: not wanted'])
  }
})

test('the end of a call that comes while its flow is paused leads nowhere when that is cancelled', async (t) => {
  const order = z.object({ order: z.string() })
  const Again = event('again', { schema: order, context: (data) => data.order })
  const Agains = topic('agains', [Again])
  for (const last of ['call', 'publish', 'no return', 'continue', 'return'] as const) {
    const { promise: hangs, resolve: ends } = Promise.withResolvers<void>()
    const steps = mediator('conductor', {
      on: Agains,
      startedBy: Again,
      sends: [Do, Undo],
      publishes: [Done],
      run: async ({ data }, flow) => {
        await doing(flow as TestFlow, data, 'hangs')
        if (last === 'publish') flow.publish(Done, data)
        else if (last === 'no return') flow.noReturn()
        else if (last === 'continue') flow.continueAs(data)
        if (last === 'call' || last === 'no return') await doing(flow as TestFlow, data, 'after')
      },
    })
    const running = await started(t, warehouse(place(t), Agains, worker({}, {}, hangs), steps))
    await running.publish(Again, { order: 'o-1' })
    while ((await running.flows.list({ step: 'hangs' })).length === 0) await turn()
    await running.flows.pause(1, { by: 'ann' })
    ends()
    await running.idle()
    await running.flows.cancel(1, { by: 'ann' })
    await running.idle()
    const states = (await running.flows.list()).map(({ state, error }) => [state, error?.code])
    assert.deepEqual(states, [['compensated', 'millrace/flow-cancelled']], last)
    assert.deepEqual(await effects(running), ['do hangs', 'undo hangs'], last)
    await running.stop()
  }
})

test('an answer that JSON does not carry is refused to its author, and the question stays', async (t) => {
  const asks = conductor(async (_, flow) => void (await flow.ask('q', { schema: z.any(), title: 'How much?' })))
  const running = await started(t, warehouse(place(t), worker(), asks))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  for (const answer of [1n, { at: new Date() }]) {
    await assert.rejects(running.flows.answer(1, 'q', answer), coded('millrace/not-json', /answer to "q"/))
  }
  assert.equal((await running.flows.questions()).length, 1)
  await running.flows.answer(1, 'q', { cents: 5 })
  await running.idle()
  assert.equal((await running.flows.show(1))!.state, 'completed')
})

test('an event that came for a paused flow is there when it is resumed, however much later', async () => {
  const waits = conductor(async (data, flow) => {
    await flow.wait('paid', Paid)
    await doing(flow, data, 'after')
  })
  await using sim = simulation({ parts: [Orders, worker(), waits], setup: setup as never })
  await sim.publish(Placed, { order: 'o-1' })
  await sim.untilIdle()
  await sim.flows.pause(1, { by: 'ann' })
  await sim.publish(Paid, { order: 'o-1' })
  await sim.advance(30 * day)
  await sim.flows.resume(1, { by: 'ann' })
  await sim.untilIdle()
  assert.equal((await sim.flows.show(1))!.state, 'completed')
})

test('a command whose asker was told that it is discarded is never taken back', async (t) => {
  const steps = conductor(async (data, flow) => void (await doing(flow, data, 'a')))
  const running = await started(t, warehouse(place(t), worker({ a: 1_000 }), steps))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  const [held] = await running.desk.list()
  await running.desk.discard(held!.id, { by: 'ann', reason: 'no' })
  await running.idle()
  await assert.rejects(
    running.desk.takeBack(held!.id, { by: 'ann' }),
    coded('millrace/too-late', /the caller of "do" has learned that message \d+ is discarded/),
  )
  // Whether it had effects is not known, so its undo has run.
  assert.deepEqual(await effects(running), ['undo a'])
})

test('ids of commands of flows are reserved for flows', async (t) => {
  const running = await started(t, warehouse(place(t), worker()))
  const own = coded('millrace/bad-id', /belong to commands of flows/)
  await assert.rejects(running.send(Undo, { order: 'o-1', step: 'a' }, { id: 'flow/1/1' }), own)
  await assert.rejects(running.request(Do, { order: 'o-1', step: 'a' }, { id: 'flow/1/1' }), own)
  await assert.rejects(running.cancel(Do, 'flow/1/1'), own)
})

test('a function whose result JSON does not carry has failed, and its steps are undone', async (t) => {
  const returns = conductor(async (data, flow) => {
    await doing(flow, data, 'a')
    return { total: 1n }
  })
  const running = await started(t, warehouse(place(t), worker(), returns))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  const [flow] = await running.flows.list()
  assert.deepEqual([flow!.state, flow!.error!.code], ['compensated', 'millrace/not-json'])
  assert.match(flow!.error!.message, /result of mediator "conductor" is not plain JSON: total is bigint/)
})

test('an unknown flow or request, and wrong options of a mediator, are refused by their codes', async (t) => {
  const running = await started(
    t,
    warehouse(
      place(t),
      worker(),
      conductor(() => {}),
    ),
  )
  const { flows } = running
  for (const id of [undefined, '1', 0.5, -1, 7] as never[]) {
    assert.equal(await flows.show(id), undefined)
    for (const act of ['cancel', 'pause', 'resume', 'runAgain'] as const) {
      await assert.rejects(flows[act](id), coded('millrace/unknown-flow'))
    }
  }
  await assert.rejects(running.requestStatus(undefined as never), coded('millrace/bad-id'))
  const run = () => {}
  const made = (more: object) => () => mediator('m', { on: Orders, startedBy: Placed, run, ...more } as never)
  assert.throws(made({ waits: [null] }), coded('millrace/bad-option', /waits must be events/))
  assert.throws(made({ sends: Do }), coded('millrace/bad-option', /sends must be a list/))
})
