// Mediators that start each other, routes that start them, flows that are one per value or one after the other, and code
// that changes under them.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { app, event, mediator, type Part, route, sqlite, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded, kept, place, started } from '../support.ts'
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
  Work,
  warehouse,
  worker,
} from './support.ts'

const hour = 3_600_000
const PartPlaced = event('part.placed', {
  schema: z.object({ order: z.string(), part: z.string() }),
  context: (data) => data.order,
})

const parts = mediator('parts', {
  startedBy: PartPlaced,
  sends: [Do, Undo],
  run: async ({ data }, flow) => {
    await flow.call(
      data.part,
      Do,
      { order: data.order, step: data.part },
      {
        undo: () => flow.call('back', Undo, { order: data.order, step: data.part }),
      },
    )
    const { done } = await flow.call('pack', Do, { order: data.order, step: `pack ${data.part}` })
    return { packed: done }
  },
})

const whole = mediator('whole', {
  on: Orders,
  startedBy: Placed,
  sends: [Do, Undo],
  publishes: [Done],
  starts: [parts],
  run: async ({ data }, flow) => {
    const one = await flow.subflow(
      'one',
      parts,
      { ...data, part: 'a' },
      {
        undo: (taken) => {
          const reply = taken.state === 'done' ? taken.reply.packed : 'unknown'
          return flow.call('back', Undo, { ...data, step: reply })
        },
      },
    )
    const two = await flow.subflow('two', parts, { ...data, part: 'b' })
    await flow.call('all', Do, { ...data, step: `${one.packed}, ${two.packed}` })
    flow.publish(Done, data)
  },
})

test('a flow starts others and waits for their results', async (t) => {
  const running = await started(t, warehouse(place(t), worker(), parts, whole))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  assert.deepEqual(await effects(running), ['do a', 'do pack a', 'do b', 'do pack b', 'do pack a, pack b'])
  const flows = await running.flows.list()
  assert.deepEqual(
    flows.map(({ mediator: name, state, parent }) => [name, state, parent?.flow ?? null]),
    [
      ['whole', 'completed', null],
      ['parts', 'completed', 1],
      ['parts', 'completed', 1],
    ],
  )
  assert.deepEqual(flows[1]?.result, { packed: 'pack a' })
})

test('a sub-flow that fails has undone its own steps, and its starter undoes those before, despite any crash', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const all = [Orders, worker({ 'pack b': 'refuse' }), parts, whole]
    await using simulated = simulation({ parts: all, setup: setup as never, seed })
    await simulated.publish(Placed, { order: 'o-1' })
    for (let crashes = 0; crashes < seed % 4; crashes++) {
      await simulated.advance(((seed * 5 + crashes) % 9) / 10)
      await simulated.crash({ power: seed % 2 === 0 })
      await simulated.restart()
    }
    await simulated.untilIdle()
    const rows = await simulated.query<{ what: string }>`select what from effects order by n`
    const expected = ['do a', 'do pack a', 'do b', 'undo b', 'undo pack a']
    assert.deepEqual(
      rows.map(({ what }) => what),
      expected,
      `seed ${seed}`,
    )
    const flows = await simulated.flows.list()
    assert.deepEqual(
      flows.map(({ state }) => state),
      ['compensated', 'completed', 'compensated'],
      `seed ${seed}`,
    )
    assert.equal(flows[0]?.error?.code, 'millrace/subflow-failed')
  }
})

test('a cancelled flow cancels its sub-flow, and resumes when that has undone its own steps', async (t) => {
  const waits = mediator('parts', {
    startedBy: PartPlaced,
    sends: [Do, Undo],
    waits: [Paid],
    run: async ({ data }, flow) => {
      await doing(flow as TestFlow, data, data.part)
      await flow.wait('paid', Paid)
    },
  })
  const starts = mediator('whole', {
    on: Orders,
    startedBy: Placed,
    sends: [Do, Undo],
    starts: [waits],
    run: async ({ data }, flow) => {
      await doing(flow as TestFlow, data, 'first')
      await flow.subflow('one', waits, { ...data, part: 'a' })
    },
  })
  const running = await started(t, warehouse(place(t), worker(), waits, starts))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  await running.flows.cancel(1, { by: 'ann' })
  await running.idle()
  assert.deepEqual(await effects(running), ['do first', 'do a', 'undo a', 'undo first'])
  assert.deepEqual(
    (await running.flows.list()).map(({ state }) => state),
    ['compensated', 'compensated'],
  )
})

test('a flow without end continues as a new one with the data it carries', async (t) => {
  const Counted = event('counted', {
    schema: z.object({ order: z.string(), n: z.number() }),
    context: (data) => data.order,
  })
  const Counts = topic('counts', [Counted])
  const counts = mediator('counts.up', {
    on: Counts,
    startedBy: Counted,
    sends: [Do],
    run: async ({ data: { order, n } }, flow) => {
      await flow.call('count', Do, { order, step: `${n}` })
      if (n < 4) return flow.continueAs({ order, n: n + 1 })
    },
  })
  const running = await started(t, warehouse(place(t), worker(), Counts, counts))
  await running.publish(Counted, { order: 'o-1', n: 1 })
  await running.idle()
  assert.deepEqual(await effects(running), ['do 1', 'do 2', 'do 3', 'do 4'])
  assert.equal((await running.flows.list({ states: ['completed'] })).length, 4)
})

test('of the events with the same oncePer only the first starts a flow, at once or later, after a restart too', async (t) => {
  const file = place(t)
  const once = () =>
    conductor(async (data, flow) => void (await doing(flow, data, 'a')), {
      oncePer: (data: { order: string }) => data.order.slice(0, 3),
    })
  const first = await started(t, warehouse(file, worker(), once()))
  await Promise.all(['o-1 a', 'o-1 b', 'o-1 c', 'o-2 a'].map((order) => first.publish(Placed, { order })))
  await first.idle()
  assert.deepEqual((await first.flows.list()).map(({ once: value }) => value).sort(), ['o-1', 'o-2'])
  await first.stop()
  const second = await started(t, warehouse(file, worker(), once()))
  await second.publish(Placed, { order: 'o-1 d' })
  await second.idle()
  assert.equal((await second.flows.list()).length, 2)
  assert.equal((await effects(second)).length, 2)
})

test('flows of one context run one after the other where the mediator says so, those of others beside them', async () => {
  const serial = conductor(
    async (data, flow) => {
      await flow.call('begin', Do, { ...data, step: 'begin' })
      await flow.sleep('a while', hour)
      await flow.call('end', Do, { ...data, step: 'end' })
    },
    { serial: true },
  )
  for (let seed = 1; seed <= 10; seed++) {
    await using simulated = simulation({ parts: [Orders, worker(), serial], setup: setup as never, seed })
    for (const order of ['o-1', 'o-1', 'o-1']) await simulated.publish(Placed, { order })
    await simulated.advance(hour / 2)
    assert.deepEqual(
      (await simulated.flows.list()).map(({ state }) => state),
      ['running', 'queued', 'queued'],
    )
    await simulated.crash({ power: seed % 2 === 0 })
    await simulated.restart()
    await simulated.flows.cancel(2, { by: 'ann' })
    for (let hours = 0; hours < 3; hours++) await simulated.advance(hour)
    await simulated.untilIdle()
    const rows = await simulated.query<{ what: string }>`select what from effects order by n`
    assert.deepEqual(
      rows.map(({ what }) => what),
      ['do begin', 'do end', 'do begin', 'do end'],
    )
    const states = async () => (await simulated.flows.list()).map(({ state }) => state)
    assert.deepEqual(await states(), ['completed', 'failed', 'completed'])
    // Also one that is run again waits for its turn.
    await simulated.publish(Placed, { order: 'o-1' })
    await simulated.untilIdle()
    assert.equal(await simulated.flows.runAgain(1, { from: 'end' }), 5)
    await simulated.untilIdle()
    assert.deepEqual((await states()).slice(3), ['running', 'queued'])
    await simulated.advance(hour)
    await simulated.untilIdle()
    assert.deepEqual((await states()).slice(3), ['completed', 'completed'])
    const [{ n } = { n: 0 }] = await simulated.query<{ n: number }>`select count(*) as n from effects`
    assert.equal(n, rows.length + 3)
  }
})

test('a route keeps nothing: it lets a message go to a channel, to mediators, or nowhere', async (t) => {
  const file = place(t)
  const intake = route('intake', {
    on: Orders,
    sends: [Do],
    starts: [parts],
    handle: {
      'order.placed': ({ data }, to) => {
        if (data.order === 'o-1') to.send(Do, { ...data, step: 'routed' })
        else if (data.order === 'o-2') {
          to.start(parts, { ...data, part: 'x' })
          to.start(parts, { ...data, part: 'y' })
        }
      },
    },
  })
  const running = await started(t, warehouse(file, worker(), parts, intake))
  for (const order of ['o-1', 'o-2', 'o-3']) await running.publish(Placed, { order })
  await running.idle()
  assert.deepEqual((await effects(running)).sort(), ['do pack x', 'do pack y', 'do routed', 'do x', 'do y'])
  assert.deepEqual(
    (await running.flows.list()).map(({ state, context }) => [state, context]),
    [
      ['completed', 'o-2'],
      ['completed', 'o-2'],
    ],
  )
  assert.equal(kept(file, 'work').length, 5)
})

test('a route reads rows to choose, and a flow that it starts twice because of a crash is one', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const intake = route('intake', {
      on: Orders,
      starts: [parts],
      handle: {
        'order.placed': async ({ data }, to) => {
          const rows = await to.read`select 1 from effects`
          to.start(parts, { ...data, part: rows.length === 0 ? 'first' : 'later' })
        },
      },
    })
    await using simulated = simulation({ parts: [Orders, worker(), parts, intake], setup: setup as never, seed })
    await simulated.publish(Placed, { order: 'o-1' })
    for (let crashes = 0; crashes < seed % 3; crashes++) {
      await simulated.advance(((seed * 7 + crashes) % 10) / 10)
      await simulated.crash({ power: seed % 2 === 0 })
      await simulated.restart()
    }
    await simulated.untilIdle()
    const rows = await simulated.query<{ what: string }>`select what from effects order by n`
    assert.deepEqual(
      rows.map(({ what }) => what),
      ['do first', 'do pack first'],
    )
  }
})

test('a route or mediator that breaks a rule is refused, and a missing mediator at the start', async (t) => {
  const intake = route('intake', { on: Orders, starts: [parts], handle: {} })
  const lonely = app({ name: 'lonely', broker: sqlite({ file: place(t) }), parts: [Orders, Work, worker(), intake] })
  await assert.rejects(lonely.start(), coded('millrace/unknown-part', /route "intake" starts mediator "parts"/))
  assert.throws(
    () => route('bad', { on: Work as never, handle: {} }),
    coded('millrace/bad-option', /on must be a topic/),
  )
  assert.throws(
    () => route('bad', { on: Orders, handle: { 'order.plaed': () => {} } as never }),
    coded('millrace/unknown-handler', /order\.placed/),
  )
  assert.throws(
    () => mediator('bad', { on: Orders, startedBy: Placed, version: 0, run: () => {} }),
    coded('millrace/bad-option', /version/),
  )
  assert.throws(
    () => mediator('bad', { on: Orders, startedBy: Placed, versions: { 1: () => {} }, run: () => {} }),
    coded('millrace/bad-option', /both run and one of versions/),
  )
})

test('flows keep the version that they began with; one whose version is gone is paused and says so', async (t) => {
  const file = place(t)
  const waitsThen = (step: string) => async (data: { order: string }, flow: TestFlow) => {
    await doing(flow, data, `${step} 1`)
    await flow.wait('paid', Paid)
    await doing(flow, data, `${step} 2`)
  }
  const old = waitsThen('old')
  const asVersion = (message: { data: { order: string } }, flow: unknown) => old(message.data, flow as TestFlow)
  const first = await started(t, warehouse(file, worker(), conductor(old)))
  await first.publish(Placed, { order: 'o-1' })
  await first.idle()
  await first.stop()
  const versions = { version: 2, versions: { 1: asVersion } }
  const second = await started(t, warehouse(file, worker(), conductor(waitsThen('new'), versions)))
  await second.publish(Placed, { order: 'o-2' })
  await second.idle()
  await second.publish(Paid, { order: 'o-1' })
  await second.idle()
  assert.deepEqual(await effects(second), ['do old 1', 'do new 1', 'do old 2'])
  await second.stop()
  const third = await started(t, warehouse(file, worker(), conductor(waitsThen('third'), { version: 3 })))
  await third.publish(Paid, { order: 'o-2' })
  await third.idle()
  const [, flow] = await third.flows.list()
  assert.equal(flow?.state, 'paused')
  assert.match(flow?.error?.message ?? '', /began with version 2, which is not in versions/)
})

/** Starts a flow that sleeps, and stops the app; its time is over then, as if that had taken so long. */
async function sleptOver(t: TestContext, file: string, sleeps: Part): Promise<void> {
  const first = await started(t, warehouse(file, worker(), sleeps))
  await first.publish(Placed, { order: 'o-1' })
  await first.idle()
  await first.stop()
  const db = new DatabaseSync(file)
  db.exec('update millrace_flow_timers set due = 1')
  db.close()
}

test('a time that comes while an app runs without the mediator waits until one runs with it', async (t) => {
  const file = place(t)
  const sleeps = conductor(async (data, flow) => {
    await flow.sleep('a while', hour)
    await doing(flow, data, 'after')
  })
  await sleptOver(t, file, sleeps)
  const second = await started(t, warehouse(file, worker(), parts))
  await second.idle()
  const [flow] = await second.flows.list()
  assert(flow?.state === 'running')
  for (const act of [second.flows.resume, second.flows.cancel]) {
    await assert.rejects(act(flow.id, { by: 'ann', reason: 'r' }), coded('millrace/unknown-part', /not running/))
  }
  await second.stop()
  const third = await started(t, warehouse(file, worker(), sleeps))
  await third.idle()
  assert.deepEqual(await effects(third), ['do after'])
  assert.equal((await third.flows.show(flow.id))?.state, 'completed')
})

test('a flow that began with a type that the app has no more is paused and says so', async (t) => {
  const file = place(t)
  const sleeps = conductor((_, flow) => flow.sleep('a while', hour))
  await sleptOver(t, file, sleeps)
  const Begun = event('order.begun', { schema: z.object({ order: z.string() }), context: (data) => data.order })
  const Others = topic('orders', [Begun])
  const changed = mediator('conductor', { on: Others, startedBy: Begun, sends: [Do], run: () => {} })
  const parts = [Others, worker(), changed]
  const second = await started(t, app({ name: 'warehouse', broker: sqlite({ file }), log: () => {}, parts }))
  await second.idle()
  const [flow] = await second.flows.list()
  assert.equal(flow?.state, 'paused')
  assert.equal(flow.error?.code, 'millrace/unknown-type')
})

test('a flow that began with data that fit no more is paused and says so, and takes no time of others', async (t) => {
  const file = place(t)
  const sleeps = conductor((_, flow) => flow.sleep('a while', hour))
  await sleptOver(t, file, sleeps)
  const Stricter = event('order.placed', { schema: z.object({ order: z.string(), by: z.string() }) })
  const Others = topic('orders', [Stricter])
  const changed = mediator('conductor', {
    on: Others,
    startedBy: Stricter,
    run: (_, flow) => flow.sleep('a while', 1),
  })
  const parts = [Others, worker(), changed]
  const second = await started(t, app({ name: 'warehouse', broker: sqlite({ file }), log: () => {}, parts }))
  await second.publish(Stricter, { order: 'o-2', by: 'ann' })
  await second.idle()
  const flows = await second.flows.list()
  assert.deepEqual(
    flows.map(({ state, error }) => [state, error?.code]),
    [
      ['paused', 'millrace/bad-data'],
      ['completed', undefined],
    ],
  )
})

test('a route that starts two flows of one value starts one', async (t) => {
  const once = mediator('once', { startedBy: PartPlaced, oncePer: ({ order }) => order, run: () => {} })
  const by = route('by', {
    on: Orders,
    starts: [once],
    handle: {
      'order.placed': ({ data }, to) => {
        for (const part of ['a', 'b']) to.start(once, { ...data, part })
      },
    },
  })
  const running = await started(t, warehouse(place(t), worker(), once, by))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  assert.equal((await running.flows.list()).length, 1)
})

test('a small change is guarded: flows that had passed it go the old way, new ones and those before it the new', async (t) => {
  const file = place(t)
  const code = (changed: boolean) =>
    conductor(async (data, flow) => {
      if (changed && flow.version('check first') === 1) await doing(flow, data, 'check')
      await doing(flow, data, 'a')
      await flow.wait('paid', Paid)
      if (changed && flow.version('say so') === 1) await doing(flow, data, 'say so')
      await doing(flow, data, 'b')
    })
  const first = await started(t, warehouse(file, worker(), code(false)))
  await first.publish(Placed, { order: 'o-1' })
  await first.idle()
  await first.stop()
  for (let restart = 0; restart < 2; restart++) {
    const again = await started(t, warehouse(file, worker(), code(true)))
    if (restart === 0) {
      await again.publish(Placed, { order: 'o-2' })
      await again.idle()
    } else {
      for (const order of ['o-1', 'o-2']) await again.publish(Paid, { order })
      await again.idle()
      assert.deepEqual(
        (await again.flows.list()).map(({ state }) => state),
        ['completed', 'completed'],
      )
      const all = (await effects(again)).slice(3)
      assert.deepEqual([...all].sort(), ['do b', 'do b', 'do say so', 'do say so'])
      assert.deepEqual((await effects(again)).slice(0, 3), ['do a', 'do check', 'do a'])
    }
    await again.stop()
  }
})

test('a mediator that waits outside its steps is paused, and told so by name', async (t) => {
  const sleeps = conductor(async (data, flow) => {
    await doing(flow, data, 'a')
    await new Promise((resolve) => setTimeout(resolve, 60_000).unref?.() ?? resolve)
  })
  const running = await started(t, warehouse(place(t), worker(), sleeps))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  const [flow] = await running.flows.list()
  assert.equal(flow?.state, 'paused')
  assert.equal(flow?.error?.code, 'millrace/flow-waits-outside')
  assert.match(flow?.error?.message ?? '', /waits after "a" for something that is no step/)
})

test('a branch that lost a race is withdrawn on request: its command is never handled, and it begins nothing more', async () => {
  const races = conductor(async (data, flow) => {
    const won = await flow.race(
      [
        async () => {
          await flow.sleep('an hour', hour)
          return 'time'
        },
        async () => {
          await flow.wait('paid', Paid)
          await doing(flow, data, 'never')
          return 'paid'
        },
        async () => {
          try {
            await flow.call('slow', Do, { ...data, step: 'hangs' })
          } finally {
            await doing(flow, data, 'not this either')
          }
        },
      ],
      { losers: 'withdraw' },
    )
    await doing(flow, data, `${won}`)
    await flow.sleep('another', hour)
  })
  const held = worker({}, {}, new Promise(() => {}))
  await using simulated = simulation({ parts: [Orders, held, races], setup: setup as never })
  await simulated.publish(Placed, { order: 'o-1' })
  await simulated.advance(hour / 2)
  await simulated.crash()
  await simulated.restart()
  await simulated.advance(hour)
  await simulated.publish(Paid, { order: 'o-1' })
  await simulated.advance(2 * hour)
  const rows = await simulated.query<{ what: string }>`select what from effects order by n`
  assert.deepEqual(
    rows.map(({ what }) => what),
    ['do time'],
  )
  const flow = await simulated.flows.show(1)
  assert.equal(flow?.state, 'completed')
  const of = (name: string) => flow?.steps.find((step) => step.name === name)?.outcome
  assert.equal((of('slow') as { code: string }).code, 'millrace/step-cancelled')
  assert.equal((of('paid') as { code: string }).code, 'millrace/step-cancelled')
})

test('a call is made again as often as it says, each time a step with an undo of its own', async (t) => {
  const again = conductor(async (data, flow) => {
    await flow.call(
      'a',
      Do,
      { ...data, step: 'a' },
      {
        retry: { attempts: 3, firstDelayMs: 1 },
        timeoutMs: 5_000,
        undo: () => flow.call('back', Undo, { ...data, step: 'a' }),
      },
    )
  })
  const running = await started(t, warehouse(place(t), worker({ a: 4 }), again))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  // Its processor has used up three attempts: it is held, and given up by a person.
  const [held] = await running.desk.list()
  await running.desk.discard(held!.id, { by: 'ann', reason: 'try anew' })
  for (;;) {
    await running.idle()
    if ((await running.flows.show(1))?.endedAt !== null) break
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const flow = await running.flows.show(1)
  assert.equal(flow?.state, 'completed')
  assert.deepEqual(
    flow?.steps.map(({ name, state }) => [name, state]),
    [
      ['a', 'failed'],
      ['a again', 'done'],
      ['a#2', 'done'],
    ],
  )
})

test('a mail that came just before a crash is not forgotten', async () => {
  const waits = conductor(async (data, flow) => {
    await flow.wait('paid', Paid)
    await doing(flow, data, 'a')
  })
  for (let seed = 1; seed <= 40; seed++) {
    await using simulated = simulation({ parts: [Orders, worker(), waits], setup: setup as never, seed })
    await simulated.publish(Placed, { order: 'o-1' })
    await simulated.untilIdle()
    await simulated.publish(Paid, { order: 'o-1' })
    await simulated.advance((seed % 10) / 10)
    await simulated.crash({ power: seed % 2 === 0 })
    await simulated.restart()
    await simulated.untilIdle()
    assert.equal((await simulated.flows.show(1))?.state, 'completed', `seed ${seed}`)
  }
})
