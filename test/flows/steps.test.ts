// What a mediator can do beside calling one command after the other, and what becomes of it when the process dies.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { event, mediator, processor, Refused, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded, place, started } from '../support.ts'
import {
  conductor,
  Do,
  Done,
  doing,
  effects,
  inTurn,
  Orders,
  Paid,
  Placed,
  setup,
  Undo,
  Work,
  warehouse,
  worker,
} from './support.ts'

const day = 86_400_000

test('an event that came before the flow, one before the wait and one after it count, each once', async (t) => {
  const got: string[] = []
  const waits = conductor(async (data, flow) => {
    await doing(flow, data, 'a')
    for (const name of ['first', 'second', 'third']) got.push((await flow.wait(name, Paid)).id)
    flow.publish(Done, data)
  })
  const running = await started(t, warehouse(place(t), worker(), waits))
  await running.publish(Paid, { order: 'o-1' }, { id: 'before the flow' })
  await running.publish(Placed, { order: 'o-1' })
  await running.publish(Paid, { order: 'o-1' }, { id: 'before the wait' })
  await running.publish(Paid, { order: 'o-2' }, { id: 'of another' })
  await running.idle()
  assert.equal((await running.flows.list())[0]?.state, 'running')
  await running.publish(Paid, { order: 'o-1' }, { id: 'after it' })
  await running.idle()
  assert.deepEqual([...new Set(got)], ['before the flow', 'before the wait', 'after it'])
  assert.equal((await running.flows.list())[0]?.state, 'completed')
})

test('an event of another topic counts for the flow it names, in any context of its own, and once per id', async (t) => {
  const Arrived = event('parcel.arrived', {
    schema: z.object({ parcel: z.string(), order: z.string() }),
    context: ({ parcel }) => parcel,
  })
  const Parcels = topic('parcels', [Arrived])
  const got = new Set<string>()
  const waits = mediator('conductor', {
    on: Orders,
    startedBy: Placed,
    waits: [{ on: Arrived, flow: ({ order }) => order }],
    run: async (_, flow) => {
      for (const name of ['first', 'second', 'third']) {
        const { id, context } = await flow.wait(name, Arrived)
        got.add(`${id} (${context})`)
      }
    },
  })
  const running = await started(t, warehouse(place(t), Parcels, waits))
  const arrives = async (id: string, parcel: string, order: string) => {
    await running.publish(Arrived, { parcel, order }, { id })
    await running.idle()
  }
  await arrives('before the wait', 'p-1', 'o-1')
  await arrives('before the wait', 'p-1', 'o-1')
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  assert.deepEqual([...got], ['before the wait (p-1)'])
  await arrives('after it', 'p-2', 'o-1')
  await arrives('after it', 'p-2', 'o-1')
  await arrives('before the wait', 'p-1', 'o-1')
  await arrives('of another', 'o-1', 'o-2')
  assert.deepEqual([...got], ['before the wait (p-1)', 'after it (p-2)'])
  assert.equal((await running.flows.show(1))?.state, 'running')
  await arrives('the last', 'p-1', 'o-1')
  assert.deepEqual([...got], ['before the wait (p-1)', 'after it (p-2)', 'the last (p-1)'])
  assert.equal((await running.flows.show(1))?.state, 'completed')
})

test('time, chance and ids are the same each time the function runs, and new where it comes for the first time', async () => {
  type Drawn = [now: number, random: number, id: string]
  const runs: Drawn[][] = []
  const draws = conductor(async (_, flow) => {
    const drawn: Drawn[] = []
    runs.push(drawn)
    const draw = () => drawn.push([flow.now(), flow.random(), flow.id()])
    draw()
    draw()
    for (const name of ['first', 'second']) {
      await flow.wait(name, Paid)
      draw()
    }
  })
  await using simulated = simulation({ parts: [Orders, worker(), draws], setup: setup as never })
  await simulated.publish(Placed, { order: 'o-1' })
  await simulated.untilIdle()
  for (let restart = 0; restart < 2; restart++) {
    await simulated.advance(day)
    await simulated.crash()
    await simulated.restart()
    await simulated.publish(Paid, { order: 'o-1' })
    await simulated.untilIdle()
  }
  assert.equal((await simulated.flows.show(1))?.state, 'completed')
  assert.deepEqual(
    runs.map((drawn) => drawn.length),
    [2, 3, 4],
  )
  const last = runs.at(-1)!
  for (const drawn of runs) assert.deepEqual(drawn, last.slice(0, drawn.length))
  const chance = last.flatMap(([, random, id]) => [random, id])
  assert.equal(new Set(chance).size, chance.length)
  for (const [, random] of last) assert(random >= 0 && random < 1)
  const days = last.map(([now]) => Math.floor((now - last[0]![0]) / day))
  assert.deepEqual(days, [0, 0, 1, 2])
})

test('thirty days of sleep survive restarts, and cost nothing', async () => {
  const sleeps = conductor(async (data, flow) => {
    const began = flow.now()
    await flow.sleep('month', 30 * day)
    await flow.call('after', Do, { ...data, step: `${Math.round((flow.now() - began) / day)} days` })
  })
  await using simulated = simulation({ parts: [Orders, worker(), sleeps], setup: setup as never })
  await simulated.publish(Placed, { order: 'o-1' })
  await simulated.untilIdle()
  await simulated.advance(29 * day)
  await simulated.crash()
  await simulated.restart()
  await simulated.advance(23 * 3_600_000)
  const before = await simulated.query<{ what: string }>`select what from effects`
  assert.deepEqual(before, [])
  await simulated.advance(3_600_000)
  await simulated.untilIdle()
  const after = await simulated.query<{ what: string }>`select what from effects`
  assert.deepEqual(
    after.map(({ what }) => what),
    ['do 30 days'],
  )
})

test('a time that is no whole number of milliseconds is never early, one that is too far is refused', async (t) => {
  const waited: number[] = []
  const steps = conductor(async (_, flow) => {
    const began = flow.now()
    await flow.sleep('a bit', 0.5)
    waited.push(flow.now() - began)
    for (const ms of [-1, Number.NaN, 1e300]) {
      await assert.rejects(async () => flow.sleep('wrong', ms), coded('millrace/bad-time'))
    }
  })
  const running = await started(t, warehouse(place(t), worker(), steps))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  assert.equal((await running.flows.list())[0]?.state, 'completed')
  assert(waited[0]! >= 1)
})

test('a call that takes too long is withdrawn: never handled when it was not begun, unknown to its undo when it was', async () => {
  for (const dies of [false, true]) {
    const opened = Promise.withResolvers<void>()
    const begun: string[] = []
    const slow = processor('worker', {
      on: Work,
      timeoutMs: day,
      lingerMs: 5_000,
      handle: {
        do: async ({ data: { order, step }, id }, { commit }) => {
          begun.push(id)
          if (step === 'hangs') await opened.promise
          return commit(async (tx) => {
            await tx.query`insert into effects (what) values (${`do ${order} ${step}`})`
            return { done: step }
          })
        },
        undo: ({ data: { order, step } }, { commit }) =>
          commit(async (tx) => void (await tx.query`insert into effects (what) values (${`undo ${order} ${step}`})`)),
      },
    })
    const taken: unknown[] = []
    const times = conductor(async (data, flow) => {
      await doing(flow, data, 'a')
      // The same lane for both flows: the call of the second waits behind that of the first, which hangs.
      const same = { order: 'both', step: 'hangs' }
      await flow.call('b', Do, same, {
        timeoutMs: 1_000,
        undo: (what) => {
          taken.push(what)
          return flow.call('back', Undo, same)
        },
      })
    })
    await using simulated = simulation({ parts: [Orders, slow, times], setup: setup as never })
    for (const order of ['o-1', 'o-2']) {
      await simulated.publish(Placed, { order })
      await simulated.advance(10)
    }
    const call = async (flow: number) => (await simulated.flows.show(flow))!.steps.find(({ name }) => name === 'b')!
    const [first, second] = [await call(1), await call(2)]
    assert.deepEqual([first.state, second.state], ['running', 'running'])
    assert.deepEqual([begun.includes(first.command!.id), begun.includes(second.command!.id)], [true, false])
    await simulated.advance(1_000)
    const late = { ok: false, code: 'millrace/step-timed-out', message: '"b" took too long and was withdrawn' }
    assert.deepEqual((await call(1)).outcome, { ...late, effects: 'unknown' })
    assert.deepEqual((await call(2)).outcome, { ...late, effects: 'never' })
    if (dies) {
      await simulated.crash()
      await simulated.restart()
    }
    opened.resolve()
    await simulated.untilIdle()
    assert.deepEqual(
      (await simulated.flows.list()).map(({ state }) => state),
      ['compensated', 'compensated'],
    )
    for (const what of taken) assert.deepEqual(what, { state: 'unknown', commandId: first.command!.id })
    assert.equal(taken.length, dies ? 2 : 1)
    assert.deepEqual([begun.length, begun.includes(second.command!.id)], [3, false])
    const rows = await simulated.query<{ what: string }>`select what from effects`
    const all = ['do o-1 a', 'do o-2 a', 'undo both hangs', 'undo o-1 a', 'undo o-2 a']
    assert.deepEqual(rows.map(({ what }) => what).toSorted(), all)
  }
})

test('data that do not fit are thrown at the function, and again when it is made anew', async (t) => {
  const file = place(t)
  const tries = () =>
    conductor(async (data, flow) => {
      try {
        await flow.call('bad', Do, { ...data, step: 7 as never })
      } catch (error) {
        await doing(flow, data, (error as { code: string }).code)
      }
      await flow.wait('paid', Paid)
      await doing(flow, data, 'b')
    })
  const first = await started(t, warehouse(file, worker(), tries()))
  await first.publish(Placed, { order: 'o-1' })
  await first.idle()
  await first.stop()
  const second = await started(t, warehouse(file, worker(), tries()))
  await second.publish(Paid, { order: 'o-1' })
  await second.idle()
  assert.equal((await second.flows.show(1))?.state, 'completed')
  assert.deepEqual(await effects(second), ['do millrace/bad-data', 'do b'])
})

test('branches run side by side; the first failure undoes what the others did, in the order of their beginning', async (t) => {
  const both = conductor(async (data, flow) => {
    await flow.all([doing(flow, data, 'a'), doing(flow, data, 'b'), doing(flow, data, 'c')])
    await doing(flow, data, 'd')
  })
  const running = await started(t, warehouse(place(t), worker({ d: 'refuse' }), both))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  const all = await effects(running)
  assert.deepEqual([...all.slice(0, 3)].sort(), ['do a', 'do b', 'do c'])
  assert.deepEqual(all.slice(3), ['undo c', 'undo b', 'undo a'])
})

test('a race has one winner, the same after a restart; a losing branch continues and its error ends nothing', async (t) => {
  const file = place(t)
  const winners: unknown[] = []
  const race = () =>
    conductor(async (data, flow) => {
      const won = await flow.race([
        flow.call('x', Do, { ...data, step: 'x' }).then(() => 'x'),
        flow.call('y', Do, { ...data, step: 'y' }).then(
          () => 'y',
          () => flow.sleep('never', day),
        ),
      ])
      winners.push(won)
      await flow.wait('end', Paid)
      flow.publish(Done, data)
    })
  const first = await started(t, warehouse(file, worker({ y: 'refuse' }), race()))
  await first.publish(Placed, { order: 'o-1' })
  await first.idle()
  await first.stop()
  const second = await started(t, warehouse(file, worker(), race()))
  await second.publish(Paid, { order: 'o-1' })
  await second.idle()
  assert.deepEqual(new Set(winners), new Set(['x']))
  assert.equal((await second.flows.list())[0]?.state, 'completed')
})

test('map runs so many at once and gives one result per item', async (t) => {
  const items = ['a', 'b', 'c', 'd', 'e']
  const branches = { now: 0, most: 0 }
  const handlers = { now: 0, most: 0 }
  const begins = (of: typeof branches) => {
    of.now++
    of.most = Math.max(of.most, of.now)
  }
  let begun = 0
  let full = Promise.withResolvers<void>()
  const waiting = processor('worker', {
    on: Work,
    retry: { attempts: 1 },
    timeoutMs: 5_000,
    handle: {
      do: async ({ data: { step } }) => {
        begins(handlers)
        const { promise, resolve } = full
        // They wait for each other: as many as may, and the last one alone.
        if (++begun % 2 === 0 || begun === items.length) {
          full = Promise.withResolvers()
          resolve()
        }
        await promise
        handlers.now--
        return { done: step }
      },
      undo: () => {},
    },
  })
  const results: unknown[] = []
  const maps = conductor(async (data, flow) => {
    const one = async (step: string, index: number) => {
      begins(branches)
      const { done } = await flow.call('one', Do, { ...data, step })
      branches.now--
      return `${index} ${done}`
    }
    results.push(await flow.map(items, one, { limit: 2 }))
  })
  const running = await started(t, warehouse(place(t), waiting, maps))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  assert.deepEqual(results, [['0 a', '1 b', '2 c', '3 d', '4 e']])
  assert.deepEqual([branches, handlers], Array(2).fill({ now: 0, most: 2 }))
  assert.equal((await running.flows.show(1))?.state, 'completed')
})

test('a refusal comes typed, and the mediator may take another way', async (t) => {
  const takes = conductor(async (data, flow) => {
    try {
      await flow.call('a', Do, { ...data, step: 'a' })
    } catch (error) {
      if (!Refused.by(Do, error)) throw error
      await flow.call('other', Do, { ...data, step: `instead of ${error.data.why}` })
    }
  })
  const running = await started(t, warehouse(place(t), worker({ a: 'refuse' }), takes))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  assert.deepEqual(await effects(running), ['do instead of do a'])
  assert.equal((await running.flows.list())[0]?.state, 'completed')
})

test('a flow that is cancelled undoes what it did, and is told nothing more', async (t) => {
  const waits = conductor(async (data, flow) => {
    await doing(flow, data, 'a')
    await flow.wait('paid', Paid)
    await doing(flow, data, 'b')
  })
  const running = await started(t, warehouse(place(t), worker(), waits))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  const [flow] = await running.flows.list({ states: ['running'] })
  await running.flows.cancel(flow!.id, { by: 'ann', reason: 'the customer called' })
  await running.publish(Paid, { order: 'o-1' })
  await running.idle()
  assert.deepEqual(await effects(running), ['do a', 'undo a'])
  const shown = await running.flows.show(flow!.id)
  assert.equal(shown?.state, 'compensated')
  assert.equal(shown?.error?.message, 'cancelled by ann: the customer called')
  assert.deepEqual(
    shown?.steps.map(({ name, undo }) => [name, undo]),
    [
      ['a', false],
      ['paid', false],
      ['undo a/back', true],
    ],
  )
  await assert.rejects(running.flows.cancel(flow!.id), coded('millrace/flow-ended', /has ended already: compensated/))
  await assert.rejects(running.flows.cancel(99), coded('millrace/unknown-flow'))
})

test('code that does not fit the journal pauses the flow, says where, and continues when the code fits again', async (t) => {
  const file = place(t)
  const one = (...steps: string[]) =>
    conductor(async (data, flow) => {
      for (const name of steps) await doing(flow, data, name)
      await flow.wait('paid', Paid)
      flow.publish(Done, data)
    })
  const first = await started(t, warehouse(file, worker(), one('a', 'b')))
  await first.publish(Placed, { order: 'o-1' })
  await first.idle()
  await first.stop()
  const changed = await started(t, warehouse(file, worker(), one('a', 'new', 'b')))
  await changed.publish(Paid, { order: 'o-1' })
  await changed.idle()
  const [flow] = await changed.flows.list()
  assert.equal(flow?.state, 'paused')
  assert.match(
    flow?.error?.message ?? '',
    /today's code does call "new" \(do\), the journal goes on with call "b" \(do\)/,
  )
  assert.deepEqual(await effects(changed), ['do a', 'do b'])
  await changed.stop()
  const again = await started(t, warehouse(file, worker(), one('a', 'b')))
  await again.flows.resume(flow!.id)
  await again.publish(Paid, { order: 'o-1' })
  await again.idle()
  assert.equal((await again.flows.list())[0]?.state, 'completed')
})

test('two mediators on one event conduct flows of their own; one event starts each once', async (t) => {
  const other = mediator('other', {
    on: Orders,
    startedBy: Placed,
    sends: [Do],
    run: async ({ data }, flow) => {
      await flow.call('only', Do, { ...data, step: 'other' })
    },
  })
  const running = await started(t, warehouse(place(t), worker(), inTurn('a'), other))
  await running.publish(Placed, { order: 'o-1' }, { id: 'one' })
  await running.publish(Placed, { order: 'o-1' }, { id: 'one' })
  await running.idle()
  assert.deepEqual((await effects(running)).sort(), ['do a', 'do other'])
  assert.equal((await running.flows.list()).length, 2)
})

test('a refused call that the flow does not await ends nothing: it is told to operators', (t) => {
  const program = fileURLToPath(new URL('./forgets-program.ts', import.meta.url))
  const args = ['--conditions=millrace-source', program, place(t)]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const lines = ['error: mediator "conductor", flow 1, threw an error that no step awaits']
  assert.deepEqual(JSON.parse(stdout), { lines, state: 'completed' })
})
