// What is seen of a flow that undoes what it did: which steps are undone, which is being undone, and what it waits for.
import assert from 'node:assert/strict'
import test from 'node:test'
import { type App, mediator, Refused } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { place, started } from '../support.ts'
import {
  conductor,
  Do,
  effects,
  inTurn,
  Orders,
  Paid,
  Placed,
  type Plan,
  setup,
  Undo,
  warehouse,
  worker,
} from './support.ts'

const three = () => inTurn('a', 'b', 'c', 'fails')

const undone = async (running: App) =>
  Object.fromEntries(
    (await running.flows.show(1))!.steps.filter(({ undo }) => !undo).map((one) => [one.name, one.undone]),
  )

async function undoing(t: test.TestContext, undoPlan: Plan) {
  const running = await started(t, warehouse(place(t), worker({ fails: 'refuse' }, undoPlan), three()))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  return running
}

test('an undo whose command is held shows so, and nothing is reported as undone until it is', async (t) => {
  const plan: Plan = { b: 1_000 }
  const running = await undoing(t, plan)
  const [flow] = await running.flows.list()
  const [held] = await running.desk.list()
  assert.deepEqual([flow!.state, flow!.held], ['compensating', held!.id])
  assert.deepEqual(await undone(running), { a: 'pending', b: 'running', c: 'done', fails: null })
  assert.deepEqual(await effects(running), ['do a', 'do b', 'do c', 'undo c'])
  plan['b'] = 0
  await running.desk.release(held!.id)
  await running.idle()
  const [after] = await running.flows.list()
  assert.deepEqual([after!.state, after!.held], ['compensated', null])
  assert.deepEqual(await undone(running), { a: 'done', b: 'done', c: 'done', fails: null })
  assert.deepEqual((await effects(running)).slice(3), ['undo c', 'undo b', 'undo a'])
})

test('an undo that failed without a step, was resumed in vain, and no longer fails in today’s code, is done once', async (t) => {
  const file = place(t)
  const steps = (isBroken: boolean) =>
    conductor(async (data, flow) => {
      const undo = () => {
        if (isBroken) throw new Error('a mistake')
        return flow.call('back', Undo, { ...data, step: 'a' })
      }
      await flow.call('take', Do, { ...data, step: 'a' }, { undo })
      await flow.call('fails', Do, { ...data, step: 'fails' })
    })
  const run = async (isBroken: boolean) => started(t, warehouse(file, worker({ fails: 'refuse' }), steps(isBroken)))
  const broken = await run(true)
  await broken.publish(Placed, { order: 'o-1' })
  await broken.idle()
  await broken.flows.resume(1)
  await broken.idle()
  assert.equal((await broken.flows.show(1))?.state, 'stuck')
  await broken.stop()
  const mended = await run(false)
  await mended.flows.resume(1)
  await mended.idle()
  const flow = await mended.flows.show(1)
  assert.equal(flow?.state, 'compensated')
  assert.deepEqual(await effects(mended), ['do a', 'undo a'])
  assert.equal(flow.steps.filter(({ undo }) => undo).length, 1)
})

test('a refused undo has failed, those before it are pending, and all are done when the flow is resumed', async (t) => {
  const plan: Plan = { b: 'refuse' }
  const running = await undoing(t, plan)
  assert.equal((await running.flows.list())[0]!.state, 'stuck')
  assert.deepEqual(await undone(running), { a: 'pending', b: 'failed', c: 'done', fails: null })
  delete plan['b']
  await running.flows.resume(1, { by: 'ann' })
  await running.idle()
  assert.equal((await running.flows.list())[0]!.state, 'compensated')
  assert.deepEqual(await undone(running), { a: 'done', b: 'done', c: 'done', fails: null })
})

test('the failure of a sub-flow reaches the flow that waits with its data, and a refusal as one', async (t) => {
  const caught: unknown[] = []
  const part = mediator('part', {
    startedBy: Placed,
    sends: [Do],
    run: ({ data }, flow) => flow.call('take', Do, { ...data, step: 'fails' }),
  })
  const whole = mediator('whole', {
    on: Orders,
    startedBy: Placed,
    sends: [Do, Undo],
    starts: [part],
    run: async ({ data }, flow) => {
      const error = await flow.subflow('part', part, data).catch((error: unknown) => error as Error & { data: object })
      if (!(error instanceof Error)) return
      caught.push(error.data, Refused.by(Do, error.cause) && error.cause.data.why)
    },
  })
  const running = await started(t, warehouse(place(t), worker({ fails: 'refuse' }), part, whole))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  const why = { code: 'refused', message: 'no', data: { why: 'do fails' } }
  assert.deepEqual(caught.slice(-2), [{ flow: 2, state: 'failed', error: why }, 'do fails'])
})

test('a wrong filter of a list is refused with the allowed values', async (t) => {
  const running = await started(t, warehouse(place(t), worker(), three()))
  for (const [filter, says] of [
    [{ states: ['runing'] }, /flows\.list: states has "runing", which is none of .*did you mean "running"/],
    [{ states: 'running' }, /states is "running", but must be a list of/],
    [{ limit: 0.5 }, /limit is 0\.5, but must be a whole number from 1/],
    [{ limit: -1 }, /limit is -1/],
    [{ startedBefore: new Date() }, /startedBefore is .*, but must be a number/],
    [{ context: 7 }, /context is 7, but must be a text/],
    [{ contxt: 'a' }, /unknown option "contxt"; did you mean "context"/],
  ] as const) {
    await assert.rejects(running.flows.list(filter as never), says)
  }
  await assert.rejects(running.flows.questions({ limit: 0 }), /flows\.questions: limit is 0/)
  await assert.rejects(running.desk.list({ states: ['lost' as never] }), /desk\.list: states has "lost"/)
})

test('an undo may wait for an event, ask a person and let time pass', async () => {
  const undoes = conductor(async (data, flow) => {
    const undo = async () => {
      await flow.sleep('a bit', 10)
      await flow.wait('paid', Paid)
      await flow.ask('fee', { schema: z.object({ yes: z.boolean() }), title: 'With a fee?' })
      await flow.call('back', Undo, { ...data, step: 'a' })
    }
    await flow.call('a', Do, { ...data, step: 'a' }, { undo })
    await flow.wait('never', Paid)
  })
  for (const crashes of [false, true]) {
    await using sim = simulation({ parts: [Orders, worker(), undoes], setup: setup as never })
    const crash = async () => {
      if (!crashes) return
      await sim.crash()
      await sim.restart()
    }
    await sim.publish(Placed, { order: 'o-1' })
    await sim.untilIdle()
    await sim.flows.cancel(1, { by: 'ann' })
    await sim.advance(1_000)
    await crash()
    await sim.publish(Paid, { order: 'o-1' })
    await sim.untilIdle()
    await crash()
    const [question] = await sim.flows.questions()
    await sim.flows.answer(1, question!.step, { yes: true })
    await sim.untilIdle()
    assert.equal((await sim.flows.show(1))!.state, 'compensated')
  }
})

test('an undo that waits outside its steps is stuck there, and says so', async (t) => {
  const undoes = conductor(async (data, flow) => {
    await flow.call('a', Do, { ...data, step: 'a' }, { undo: () => new Promise(() => {}) })
    await flow.call('b', Do, { ...data, step: 'fails' })
  })
  const running = await started(t, warehouse(place(t), worker({ fails: 'refuse' }), undoes))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  const [flow] = await running.flows.list()
  assert.deepEqual([flow!.state, flow!.error!.code], ['stuck', 'millrace/flow-waits-outside'])
  assert.match(flow!.error!.message, /undo of "a": .* waits for something that is no step/)
})
