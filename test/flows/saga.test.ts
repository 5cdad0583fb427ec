// The contract of a saga: all steps forward, or those that were done undone in reverse, whatever fails or crashes.
import assert from 'node:assert/strict'
import test from 'node:test'
import { type FlowContext, mediator, processor, Refused } from 'millrace'
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
  setup,
  Work,
  warehouse,
  worker,
} from './support.ts'

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
  test(`failure at ${where} step: what was done is undone, in reverse`, async (t) => {
    const running = await started(t, warehouse(place(t), worker({ [failing]: 'refuse' }), inTurn('a', 'b', 'c')))
    await running.publish(Placed, { order: 'o-1' })
    await running.idle()
    assert.deepEqual(await effects(running), expected)
    const [flow] = await running.flows.list()
    assert.equal(flow?.state, failing === 'a' ? 'failed' : 'compensated')
    assert.equal(flow?.error?.message, 'no')
  })
}

test('an undo that fails once and then works: its effect comes once', async (t) => {
  const running = await started(t, warehouse(place(t), worker({ c: 'refuse' }, { b: 1 }), inTurn('a', 'b', 'c')))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  assert.deepEqual(await effects(running), ['do a', 'do b', 'undo b', 'undo a'])
})

test('an undo that keeps failing is visible with its reason, and goes on when that is mended', async (t) => {
  const running = await started(t, warehouse(place(t), worker({ c: 'refuse' }, { b: 'refuse' }), inTurn('a', 'b', 'c')))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  const [flow] = await running.flows.list()
  assert.equal(flow?.state, 'stuck')
  assert.match(flow?.error?.message ?? '', /^undo of "b": no$/)
  assert.deepEqual(await effects(running), ['do a', 'do b'])
  await running.flows.resume(flow!.id)
  await running.idle()
  assert.equal((await running.flows.list())[0]?.state, 'stuck')
  await running.stop()
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
async function crashed(atMs: number, fails: boolean): Promise<{ entries: number; effects: string[]; states: unknown }> {
  const parts = [Orders, worker(fails ? { c: 'refuse' } : {}), inTurn('a', 'b', 'c')]
  await using simulated = simulation({ parts, setup: setup as never, seed: 1 })
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
    for (let at = 0; at < 400 && !seen.has(all); at++) {
      const { entries, effects: done, states } = await crashed(at * 0.05, fails)
      seen.add(entries)
      assert.deepEqual(done, expected, `crash after ${at * 0.05} ms`)
      assert.deepEqual(states, [fails ? 'compensated' : 'completed'])
    }
    // What one commit writes is there together: the beginning of a step and its command, the end and what follows.
    for (const entries of fails ? [0, 1, 3, 5, 7, 9, 10] : [0, 1, 3, 5, 7]) assert(seen.has(entries), `${[...seen]}`)
  })
}

test('typed errors survive every boundary: process, replay, sub-flow, undo', async (t) => {
  const file = place(t)
  const said: unknown[] = []
  const part = mediator('part', {
    startedBy: Placed,
    sends: [Do],
    run: async ({ data }, flow) => {
      await flow.call('inner', Do, { ...data, step: 'a' })
    },
  })
  type WithPart = FlowContext<typeof Do, typeof Paid, typeof Done, typeof part>
  const note = (error: unknown) => {
    if (Refused.by(Do, error)) said.push(['refused', error.data.why])
    else said.push([(error as { code: string }).code, (error as { data: { error: { code: string } } }).data.error.code])
  }
  const parent = () =>
    conductor(
      async (data, flow) => {
        await flow.call('own', Do, { ...data, step: 'a' }).catch(note)
        await (flow as unknown as WithPart).subflow('sub', part, data).catch(note)
        await flow.wait('paid', Paid)
        await flow.call('late', Do, { ...data, step: 'a' }).catch(note)
      },
      { starts: [part] },
    )
  const first = await started(t, warehouse(file, worker({ a: 'refuse' }), part, parent()))
  await first.publish(Placed, { order: 'o-1' })
  await first.idle()
  await first.stop()
  const two = [
    ['refused', 'do a'],
    ['millrace/subflow-failed', 'refused'],
  ]
  assert.deepEqual(said, two)
  said.length = 0
  const second = await started(t, warehouse(file, worker({ a: 'refuse' }), part, parent()))
  await second.publish(Paid, { order: 'o-1' })
  await second.idle()
  assert.deepEqual(said, [...two, ['refused', 'do a']])
  const rows = await second.flows.list()
  assert.deepEqual([rows[1]?.error?.message, rows[1]?.error?.data], ['no', { why: 'do a' }])
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
