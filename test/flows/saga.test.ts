// The contract of a saga: all steps forward, or those that were done undone in reverse, whatever fails or crashes.
import assert from 'node:assert/strict'
import test from 'node:test'
import { type App, type FlowContext, isMillraceError, mediator, processor, Refused } from 'millrace'
import { simulation } from 'millrace/testing'
import { kept, place, started } from '../support.ts'
import {
  conductor,
  Do,
  Done,
  effects,
  inTurn,
  Orders,
  Paid,
  Placed,
  type Plan,
  setup,
  Undo,
  Work,
  warehouse,
  worker,
} from './support.ts'

const hour = 3_600_000

test('forward success: each command is handled once, in order, and the flow is completed', async (t) => {
  const file = place(t)
  const running = await started(t, warehouse(file, worker(), inTurn('a', 'b', 'c')))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  assert.deepEqual(await effects(running), ['do a', 'do b', 'do c'])
  const [flow] = await running.flows.list()
  assert.equal(flow?.state, 'completed')
  assert.equal(flow?.context, 'o-1')
  assert.deepEqual(
    kept(file, 'orders').map(({ type }) => type),
    ['order.placed', 'order.done'],
  )
})

for (const [where, failing, expected] of [
  ['the last', 'c', ['do a', 'do b', 'undo b', 'undo a']],
  ['a middle', 'b', ['do a', 'undo a']],
  ['the first', 'a', []],
] as const) {
  test(`failure at ${where} step: the steps before it are undone, in reverse`, async (t) => {
    const running = await started(t, warehouse(place(t), worker({ [failing]: 'refuse' }), inTurn('a', 'b', 'c')))
    await running.publish(Placed, { order: 'o-1' })
    await running.idle()
    assert.deepEqual(await effects(running), expected)
    const [flow] = await running.flows.list()
    assert.equal(flow?.state, failing === 'a' ? 'failed' : 'compensated')
    assert.equal(flow?.error?.message, 'no')
  })
}

test('an undo that fails once and then works: its effect comes once', async () => {
  const later = { attempts: 3, firstDelayMs: hour, maxDelayMs: hour }
  const parts = [Orders, worker({ c: 'refuse' }, { b: 1 }, undefined, later), inTurn('a', 'b', 'c')]
  await using simulated = simulation({ parts, setup: setup as never })
  const done = async () => {
    const flow = await simulated.flows.show(1)
    const rows = await simulated.query<{ what: string }>`select what from effects order by n`
    const undo = flow?.steps.find(({ name }) => name === 'undo b/back')
    return [flow?.state, undo?.state, rows.map(({ what }) => what)]
  }
  await simulated.publish(Placed, { order: 'o-1' })
  await simulated.advance(1_000)
  const [again] = await simulated.desk.list()
  assert.deepEqual(
    [again?.message.type, again?.state, again?.attempts, again?.error?.message],
    ['undo', 'trying', 1, 'undo b fails'],
  )
  assert.deepEqual(await done(), ['compensating', 'running', ['do a', 'do b']])
  await simulated.advance(2 * hour)
  assert.deepEqual(await simulated.desk.list(), [])
  assert.deepEqual(await done(), ['compensated', 'done', ['do a', 'do b', 'undo b', 'undo a']])
})

test('an undo that keeps failing is visible with its reason, and continues when that is repaired', async (t) => {
  const undoPlan: Plan = { b: 'refuse' }
  const running = await started(t, warehouse(place(t), worker({ c: 'refuse' }, undoPlan), inTurn('a', 'b', 'c')))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  for (let resumed = 0; resumed < 2; resumed++) {
    const flow = await running.flows.show(1)
    assert.deepEqual([flow?.state, flow?.error?.message, flow?.endedAt], ['stuck', 'undo of "b": no', null])
    assert.deepEqual(await effects(running), ['do a', 'do b'])
    if (resumed === 1) delete undoPlan['b']
    await running.flows.resume(1)
    await running.idle()
  }
  const flow = await running.flows.show(1)
  assert.deepEqual([flow?.state, flow?.error?.message], ['compensated', 'no'])
  assert.deepEqual(await effects(running), ['do a', 'do b', 'undo b', 'undo a'])
})

test('an undo whose command is held at the desk is done only once that is repaired and released, and then the flow', async (t) => {
  const file = place(t)
  const undoPlan: Plan = { b: Number.POSITIVE_INFINITY }
  const parts = () => [worker({ c: 'refuse' }, undoPlan, undefined, { attempts: 1 }), inTurn('a', 'b', 'c')]
  const first = await started(t, warehouse(file, ...parts()))
  await first.publish(Placed, { order: 'o-1' })
  await first.idle()
  const undone = async (running: typeof first) => {
    const flow = await running.flows.show(1)
    const [held] = await running.desk.list()
    const undo = flow?.steps.find(({ name }) => name === 'undo b/back')
    assert.deepEqual([flow?.state, flow?.endedAt, undo?.state], ['compensating', null, 'running'])
    assert.deepEqual([held?.message.type, held?.state, held?.error?.message], ['undo', 'held', 'undo b fails'])
    assert.deepEqual(await effects(running), ['do a', 'do b'])
    return held!.id
  }
  await first.desk.release(await undone(first))
  await first.idle()
  await undone(first)
  await first.stop()
  const second = await started(t, warehouse(file, ...parts()))
  await second.idle()
  const held = await undone(second)
  delete undoPlan['b']
  await second.desk.release(held)
  await second.idle()
  const flow = await second.flows.show(1)
  assert.deepEqual([flow?.state, flow?.error?.message], ['compensated', 'no'])
  assert.deepEqual(await effects(second), ['do a', 'do b', 'undo b', 'undo a'])
  assert.deepEqual(await second.desk.list(), [])
})

test('a crash after each commit: the flow ends the same, each command handled once', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const fails = seed % 2 === 0
    const parts = [Orders, worker(fails ? { c: 'refuse' } : {}), inTurn('a', 'b', 'c')]
    await using simulated = simulation({ parts, setup: setup as never, seed })
    await simulated.publish(Placed, { order: 'o-1' })
    for (let crashes = 0; crashes < seed % 4; crashes++) {
      await simulated.advance(((seed * 3 + crashes) % 7) / 10)
      await simulated.crash({ power: seed % 3 === 0 })
      await simulated.restart()
    }
    await simulated.untilIdle()
    const rows = await simulated.query<{ what: string }>`select what from effects order by n`
    const expected = fails ? ['do a', 'do b', 'undo b', 'undo a'] : ['do a', 'do b', 'do c']
    assert.deepEqual(
      rows.map(({ what }) => what),
      expected,
      `seed ${seed}`,
    )
    assert.equal(simulated.published(Done).length, fails ? 0 : 1, `seed ${seed}`)
  }
})

/** Runs a flow of three steps, crashing when so much time has passed; gives how long the journal was then. */
async function crashed(
  atMs: number,
  fails: boolean,
  seed: number,
): Promise<{ entries: number; effects: string[]; states: unknown }> {
  const parts = [Orders, worker(fails ? { c: 'refuse' } : {}), inTurn('a', 'b', 'c')]
  await using simulated = simulation({ parts, setup: setup as never, seed })
  await simulated.publish(Placed, { order: 'o-1' })
  await simulated.advance(atMs)
  await simulated.crash()
  const [row] = await simulated.query<{ entries: number }>`select count(*) as entries from millrace_journal`
  await simulated.restart()
  await simulated.untilIdle()
  const rows = await simulated.query<{ what: string }>`select what from effects order by n`
  const states = (await simulated.flows.list()).map(({ state }) => state)
  return { entries: row!.entries, effects: rows.map(({ what }) => what), states }
}

for (const fails of [false, true]) {
  const what = fails ? 'a crash in the middle of undoing goes on at the same step' : 'a crash at every journal write'
  test(`${what}: the same end, each command handled once`, async () => {
    const seen = new Set<number>()
    const expected = fails ? ['do a', 'do b', 'undo b', 'undo a'] : ['do a', 'do b', 'do c']
    // With a refusal: three calls, two undos, beginnings and ends; else the event at the end in place of the undos.
    const all = fails ? 10 : 7
    const written = fails ? [0, 1, 3, 5, 7, 9, 10] : [0, 1, 3, 5, 7]
    // What comes first in a moment is up to the seed.
    for (let at = 0; at < 400 && !(seen.has(all) && written.every((entries) => seen.has(entries))); at++) {
      const { entries, effects: done, states } = await crashed(Math.floor(at / 2) * 0.1, fails, 1 + (at % 2))
      seen.add(entries)
      assert.deepEqual(done, expected, `crash after ${at * 0.05} ms`)
      assert.deepEqual(states, [fails ? 'compensated' : 'completed'])
    }
    // What one commit writes is there together: the beginning of a step and its command, the end and what follows.
    for (const entries of written) assert(seen.has(entries), `${[...seen]}`)
  })
}

test('typed errors survive every boundary: process, replay, sub-flow, undo', async (t) => {
  const file = place(t)
  const said: unknown[] = []
  const note = (where: string) => (error: unknown) => {
    const why = isMillraceError(error, 'millrace/subflow-failed') ? error.cause : error
    said.push([where, Refused.by(Do, why) ? `${why.message}: ${why.data.why}` : String(error)])
  }
  const part = mediator('part', {
    startedBy: Placed,
    sends: [Do],
    run: async ({ data }, flow) => {
      await flow.call('inner', Do, { ...data, step: 'a' })
    },
  })
  type WithPart = FlowContext<typeof Do, typeof Paid, typeof Done, typeof part>
  const parent = conductor(
    async (data, flow) => {
      const refused = { ...data, step: 'a' }
      const undo = async () => {
        await flow.call('refused', Do, refused).catch(note('undo'))
        await flow.call('back', Undo, { ...data, step: 'b' })
      }
      await flow.call('kept', Do, { ...data, step: 'b' }, { undo })
      await flow.call('own', Do, refused).catch(note('own'))
      await (flow as unknown as WithPart).subflow('sub', part, data).catch(note('sub-flow'))
      await flow.wait('paid', Paid)
      await flow.call('late', Do, refused).catch(note('late'))
      throw new Error('enough')
    },
    { starts: [part] },
  )
  // Each time as a new process: what was said before is said again at the replay, by the errors of the journal.
  const life = async (undoPlan: Plan, act: (running: App) => Promise<unknown>) => {
    const running = await started(t, warehouse(file, worker({ a: 'refuse' }, undoPlan), part, parent))
    await act(running)
    await running.idle()
    const [whole, sub] = await running.flows.list()
    await running.stop()
    return { whole, sub, said: said.splice(0) }
  }
  const refusedAt = (where: string) => [where, 'no: do a']
  const before = ['own', 'sub-flow'].map(refusedAt)
  const late = refusedAt('late')
  const undo = refusedAt('undo')
  const first = await life({ b: 'refuse' }, (running) => running.publish(Placed, { order: 'o-1' }))
  assert.deepEqual(first.said, before)
  assert.deepEqual([first.sub?.error?.message, first.sub?.error?.data], ['no', { why: 'do a' }])
  const second = await life({ b: 'refuse' }, (running) => running.publish(Paid, { order: 'o-1' }))
  assert.deepEqual(second.said, [...before, late, undo])
  assert.deepEqual([second.whole?.state, second.whole?.error?.message], ['stuck', 'undo of "kept": no'])
  const third = await life({}, (running) => running.flows.resume(1))
  assert.deepEqual(third.said, [...before, late, undo, undo])
  assert.deepEqual([third.whole?.state, third.whole?.error?.message], ['compensated', 'enough'])
})

test('status during undo tells done, running, pending and failed apart', async (t) => {
  let letGo = () => {}
  const hangs = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const slow = processor('worker', {
    on: Work,
    retry: { attempts: 1 },
    handle: {
      do: ({ data: { step } }) => {
        if (step === 'd') throw new Refused('no', { why: 'd' })
        return { done: step }
      },
      undo: async ({ data: { step } }) => {
        if (step === 'b') await hangs
        if (step === 'a') throw new Refused('cannot')
      },
    },
  })
  const running = await started(t, warehouse(place(t), slow, inTurn('a', 'b', 'c', 'd')))
  await running.publish(Placed, { order: 'o-1' })
  const states = async () => {
    const flow = await running.flows.show(1)
    return [flow?.state, ...(flow?.steps ?? []).filter(({ undo }) => undo).map(({ name, state }) => [name, state])]
  }
  const undoing = async () => (await states()).length
  while ((await undoing()) < 3) await new Promise((resolve) => setTimeout(resolve, 2))
  assert.deepEqual(await states(), ['compensating', ['undo c/back', 'done'], ['undo b/back', 'running']])
  letGo()
  await running.idle()
  assert.deepEqual(await states(), [
    'stuck',
    ['undo c/back', 'done'],
    ['undo b/back', 'done'],
    ['undo a/back', 'failed'],
  ])
  const flow = await running.flows.show(1)
  assert.equal(flow?.error?.message, 'undo of "a": cannot')
  assert.equal(flow?.endedAt, null)
})
