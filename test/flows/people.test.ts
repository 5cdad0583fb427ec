// What people do about flows: answer what they ask, cancel, stop, pause, resume, run again; each action on record.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import {
  app,
  channel,
  command,
  type Decision,
  desk,
  event,
  type FlowContext,
  hold,
  mediator,
  processor,
  sqlite,
} from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded, kept, place, rows, started, until } from '../support.ts'
import {
  conductor,
  Do,
  Done,
  doing,
  effects,
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
const Approval = z.object({ yes: z.boolean() })

test('a question waits for a person; the answer must fit its schema, comes once, and is on record', async (t) => {
  const asks = conductor(async (data, flow) => {
    const { yes } = await flow.ask('approve', { schema: Approval, title: 'A large order', to: 'sales' })
    await doing(flow, data, yes ? 'ship' : 'refuse')
  })
  const running = await started(t, warehouse(place(t), worker(), asks))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  const [question] = await running.flows.questions()
  assert.deepEqual(
    [question?.step, question?.title, question?.to, question?.context],
    ['approve', 'A large order', 'sales', 'o-1'],
  )
  const { flow } = question!
  await assert.rejects(running.flows.answer(flow, 'approve', { yes: 'so' }), coded('millrace/bad-data', /approve/))
  await assert.rejects(
    running.flows.answer(flow, 'aprove', { yes: true }),
    coded('millrace/not-asked', /asks "approve"/),
  )
  await assert.rejects(running.flows.answer(99, 'approve', { yes: true }), coded('millrace/unknown-flow'))
  await running.flows.answer(flow, 'approve', { yes: true }, { by: 'ann', reason: 'an old customer' })
  await running.idle()
  assert.deepEqual(await effects(running), ['do ship'])
  assert.deepEqual(await running.flows.questions(), [])
  await assert.rejects(running.flows.answer(flow, 'approve', { yes: false }), coded('millrace/flow-ended'))
  const [line] = await running.desk.audit()
  assert.deepEqual(
    [line?.action, line?.by, line?.subject, line?.reason],
    ['answered', 'ann', 'flow 1 of conductor', 'an old customer'],
  )
  assert.deepEqual(line?.detail, { step: 'approve', value: { yes: true } })
})

test('the shape of an answer is told as the code has it, and an answer that does not fit names its places', async (t) => {
  const strange = { '~standard': { version: 1, vendor: 'own', validate: (value: unknown) => ({ value }) } } as const
  const asks = conductor(async ({ order }, flow) => {
    await flow.ask('approve', { schema: order === 'o-1' ? Approval : strange, title: 'A large order' })
  })
  const running = await started(t, warehouse(place(t), worker(), asks))
  await running.publish(Placed, { order: 'o-1' })
  await running.publish(Placed, { order: 'o-2' })
  await running.idle()
  const { flows } = running
  const { schema, ...told } = await flows.form(1, 'approve')
  assert.deepEqual(told, { flow: 1, step: 'approve', why: null })
  assert.deepEqual((schema as { properties: unknown }).properties, { yes: { type: 'boolean' } })
  const none = await flows.form(2, 'approve')
  assert.deepEqual([none.schema, none.why], [null, 'a schema of own gives no JSON Schema by itself'])
  await assert.rejects(flows.form(1, 'agree'), coded('millrace/not-asked', /asks "approve"/))
  await assert.rejects(flows.form(99, 'approve'), coded('millrace/unknown-flow'))
  const wrong = await flows.answer(1, 'approve', { yes: 'so' }).catch((error: unknown) => error)
  const { misfits } = (wrong as { data: { misfits: { pointer: string }[] } }).data
  assert.deepEqual(
    misfits.map(({ pointer }) => pointer),
    ['/yes'],
  )
  await flows.pause(1)
  await assert.rejects(flows.form(1, 'approve'), coded('millrace/flow-busy', /paused/))
  await flows.resume(1)
  assert.equal((await flows.form(1, 'approve')).why, null)
  await flows.answer(1, 'approve', { yes: true })
  await running.idle()
  await assert.rejects(flows.form(1, 'approve'), coded('millrace/flow-ended'))
})

test('an unanswered question is given to someone else, and given up at its time, despite any crash', async () => {
  const asks = conductor(async (data, flow) => {
    try {
      await flow.ask('approve', {
        schema: Approval,
        title: 'A large order',
        to: 'ann',
        timeoutMs: 10 * hour,
        escalate: { afterMs: 2 * hour, to: 'bob' },
      })
    } catch (error) {
      await doing(flow, data, (error as { code: string }).code)
    }
  })
  await using simulated = simulation({ parts: [Orders, worker(), asks], setup: setup as never })
  await simulated.publish(Placed, { order: 'o-1' })
  await simulated.untilIdle()
  const asked = async () => (await simulated.flows.questions()).map(({ to, escalated }) => [to, escalated])
  assert.deepEqual(await asked(), [['ann', false]])
  await simulated.advance(hour)
  await simulated.crash()
  await simulated.restart()
  await simulated.advance(hour + 1)
  assert.deepEqual(await asked(), [['bob', true]])
  await simulated.crash()
  await simulated.restart()
  assert.deepEqual(await asked(), [['bob', true]])
  await simulated.advance(8 * hour)
  await simulated.untilIdle()
  assert.deepEqual(await asked(), [])
  const rows = await simulated.query<{ what: string }>`select what from effects`
  assert.deepEqual(
    rows.map(({ what }) => what),
    ['do millrace/step-timed-out'],
  )
})

test('a paused flow makes no progress, its times do not come; resumed it makes up for all', async () => {
  const both = conductor(async (data, flow) => {
    await doing(flow, data, 'a')
    await flow.sleep('a while', hour)
    await flow.wait('paid', Paid)
    await doing(flow, data, 'b')
  })
  await using simulated = simulation({ parts: [Orders, worker(), both], setup: setup as never })
  await simulated.publish(Placed, { order: 'o-1' })
  await simulated.untilIdle()
  await simulated.flows.pause(1, { by: 'ann', reason: 'look first' })
  await simulated.flows.pause(1, { by: 'ann' })
  await simulated.publish(Paid, { order: 'o-1' })
  await simulated.advance(2 * hour)
  await simulated.crash()
  await simulated.restart()
  await simulated.advance(2 * hour)
  const state = async () => (await simulated.flows.show(1))?.state
  assert.equal(await state(), 'paused')
  assert.match((await simulated.flows.show(1))?.error?.message ?? '', /paused by ann: look first/)
  await simulated.flows.resume(1, { by: 'ann' })
  await simulated.untilIdle()
  assert.equal(await state(), 'completed')
  const rows = await simulated.query<{ what: string }>`select what from effects order by n`
  assert.deepEqual(
    rows.map(({ what }) => what),
    ['do a', 'do b'],
  )
})

test('a flow that is stopped ends as it is, with the reason: nothing is undone', async (t) => {
  const waits = conductor(async (data, flow) => {
    await doing(flow, data, 'a')
    await flow.wait('paid', Paid)
  })
  const running = await started(t, warehouse(place(t), worker(), waits))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  await assert.rejects(running.flows.stop(1, { by: 'ann' } as never), coded('millrace/bad-option', /reason/))
  await running.flows.stop(1, { by: 'ann', reason: 'done by hand' })
  await running.publish(Paid, { order: 'o-1' })
  await running.idle()
  const flow = await running.flows.show(1)
  assert.equal(flow?.state, 'stopped')
  assert.equal(flow?.error?.message, 'stopped by ann: done by hand')
  assert.deepEqual(await effects(running), ['do a'])
  assert.deepEqual(
    (await running.desk.audit()).map(({ action, by }) => [action, by]),
    [['stopped', 'ann']],
  )
})

test('a failed flow is run again from a step on; the steps before are taken over', async (t) => {
  const file = place(t)
  const steps = conductor(async (data, flow) => {
    for (const name of ['a', 'b', 'c']) await doing(flow, data, name)
    flow.publish(Done, data)
  })
  const first = await started(t, warehouse(file, worker({ c: 'refuse' }, { a: 'refuse' }), steps))
  await first.publish(Placed, { order: 'o-1' })
  await first.idle()
  await assert.rejects(first.flows.runAgain(1), coded('millrace/flow-busy', /is stuck/))
  await first.flows.stop(1, { by: 'ann', reason: 'c is to be tried again' })
  await first.stop()
  const second = await started(t, warehouse(file, worker(), steps))
  await assert.rejects(second.flows.runAgain(1, { from: 'd' }), coded('millrace/unknown-step', /it has "a", "b", "c"/))
  await assert.rejects(
    second.flows.runAgain(1, { from: 'c' }),
    coded('millrace/step-undone', /"b", which flow 1 has undone, comes before "c"/),
  )
  const again = await second.flows.runAgain(1, { from: 'b', by: 'ann' })
  await second.idle()
  assert.deepEqual(await effects(second), ['do a', 'do b', 'undo b', 'do b', 'do c'])
  const flow = await second.flows.show(again)
  assert.deepEqual([flow?.state, flow?.rerunOf], ['completed', 1])
  const whole = await second.flows.runAgain(1)
  await second.idle()
  assert.equal((await second.flows.show(whole))?.state, 'completed')
  assert.deepEqual((await effects(second)).slice(5), ['do a', 'do b', 'do c'])
})

test('after the point of no return nothing is undone: it is stuck where it fails, and resumed it goes forward', async (t) => {
  const forward = conductor(async (data, flow) => {
    await doing(flow, data, 'a')
    flow.noReturn()
    await doing(flow, data, 'b')
    await flow.call('c', Do, { ...data, step: 'c' })
    flow.publish(Done, data)
  })
  const plan: Record<string, 'refuse'> = { c: 'refuse' }
  const running = await started(t, warehouse(place(t), worker(plan), forward))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  const state = async () => (await running.flows.show(1))?.state
  assert.equal(await state(), 'stuck')
  await assert.rejects(running.flows.cancel(1), coded('millrace/past-no-return'))
  await running.flows.resume(1)
  await running.idle()
  assert.equal(await state(), 'stuck')
  delete plan['c']
  await running.flows.resume(1, { by: 'ann' })
  await running.idle()
  assert.equal(await state(), 'completed')
  assert.deepEqual(await effects(running), ['do a', 'do b', 'do c'])
  const [step] = (await running.flows.show(1))!.steps.filter(({ name }) => name === 'c')
  assert.deepEqual([step?.attempts, step?.state], [3, 'done'])
})

test('actions after a failure past the point of no return leave the path when the failed step is redone', async (t) => {
  const file = place(t)
  const steps = conductor(async (data, flow) => {
    const step = (name: string) => flow.call(name, Do, { ...data, step: name })
    await step('a')
    flow.noReturn()
    const beside = step('beside')
    try {
      await step('x')
    } catch (error) {
      await step('cleans')
      flow.publish(Done, data)
      throw error
    }
    await beside
    await step('z')
  })
  const states: unknown[] = []
  const plans: Plan[] = [{ x: 'refuse' }, { x: 'refuse' }, { z: 'refuse' }, {}]
  for (const [index, plan] of plans.entries()) {
    const running = await started(t, warehouse(file, worker(plan), steps))
    if (index === 0) await running.publish(Placed, { order: 'o-1' })
    else await running.flows.resume(1)
    await running.idle()
    states.push((await running.flows.show(1))?.state)
    if (index === plans.length - 1)
      assert.deepEqual((await effects(running)).toSorted(), [
        'do a',
        'do beside',
        'do cleans',
        'do cleans',
        'do x',
        'do z',
      ])
    await running.stop()
  }
  assert.deepEqual(states, ['stuck', 'stuck', 'stuck', 'completed'])
  assert.equal(kept(file, 'orders').filter(({ type }) => type === 'order.done').length, 2)
})

test('a failed sub-flow, and an unanswered question, begin anew when a stuck flow is resumed', async () => {
  const Part = event('part.placed', { schema: z.object({ order: z.string() }), context: ({ order }) => order })
  const packing = mediator('packing', {
    startedBy: Part,
    sends: [Do],
    run: ({ data }, flow) => flow.call('pack', Do, { ...data, step: 'pack' }),
  })
  const forward = conductor(
    async (data, flow) => {
      flow.noReturn()
      await (flow as unknown as FlowContext<never, never, never, typeof packing>).subflow('packed', packing, data)
      const { yes } = await flow.ask('approve', { schema: Approval, title: 'Go?', to: 'ann', timeoutMs: hour })
      await flow.call('c', Do, { ...data, step: `c ${yes}` })
    },
    { starts: [packing] },
  )
  const plan: Record<string, 'refuse'> = { pack: 'refuse' }
  const parts = [Orders, packing, worker(plan), forward]
  await using simulated = simulation({ parts, setup: setup as never })
  const { flows } = simulated
  await simulated.publish(Placed, { order: 'o-1' })
  await simulated.untilIdle()
  const last = async () => {
    const flow = await flows.show(1)
    const step = flow?.steps.at(-1)
    return [flow?.state, step?.name, step?.attempts, step?.flow, flow?.error?.code]
  }
  assert.deepEqual(await last(), ['stuck', 'packed', 1, 2, 'millrace/subflow-failed'])
  await flows.resume(1)
  await simulated.untilIdle()
  assert.deepEqual(await last(), ['stuck', 'packed', 2, 3, 'millrace/subflow-failed'])
  delete plan['pack']
  await flows.resume(1)
  await simulated.untilIdle()
  assert.deepEqual(await last(), ['running', 'approve', 1, null, undefined])
  await simulated.advance(hour)
  assert.deepEqual(await last(), ['stuck', 'approve', 1, null, 'millrace/step-timed-out'])
  assert.deepEqual(await flows.questions(), [])
  await flows.resume(1)
  await simulated.untilIdle()
  await simulated.crash()
  await simulated.restart()
  const [question] = await flows.questions()
  assert.deepEqual([question?.step, question?.title, question?.to], ['approve', 'Go?', 'ann'])
  await flows.answer(1, 'approve', { yes: true })
  await simulated.untilIdle()
  assert.equal((await flows.show(1))?.state, 'completed')
  const rows = await simulated.query<{ what: string }>`select what from effects order by n`
  assert.deepEqual(
    rows.map(({ what }) => what),
    ['do pack', 'do c true'],
  )
})

test('a flow that is stuck at an undo is resumed after a restart, more than once', async (t) => {
  const file = place(t)
  const steps = conductor(async (data, flow) => {
    for (const name of ['a', 'b', 'c']) await doing(flow, data, name)
  })
  const first = await started(t, warehouse(file, worker({ c: 'refuse' }, { a: 'refuse' }), steps))
  await first.publish(Placed, { order: 'o-1' })
  await first.idle()
  await first.stop()
  const second = await started(t, warehouse(file, worker({}, { a: 'refuse' }), steps))
  await second.flows.resume(1)
  await second.idle()
  const stuck = await second.flows.show(1)
  assert.deepEqual([stuck?.state, stuck?.error?.message], ['stuck', 'undo of "a": no'])
  await second.stop()
  const third = await started(t, warehouse(file, worker(), steps))
  await third.flows.resume(1)
  await third.idle()
  assert.equal((await third.flows.show(1))?.state, 'compensated')
  assert.deepEqual(await effects(third), ['do a', 'do b', 'undo b', 'undo a'])
})

test('steps of one name, and one that is called like the second of them, are undone each once, also when tried again', async (t) => {
  const file = place(t)
  const steps = conductor(async (data, flow) => {
    const named = (name: string, step: string) =>
      flow.call(name, Do, { ...data, step }, { undo: () => flow.call('back', Undo, { ...data, step }) })
    await named('x', 'a')
    await named('x', 'b')
    await named('x#2', 'c')
    await flow.call('fails', Do, { ...data, step: 'd' })
  })
  const first = await started(t, warehouse(file, worker({ d: 'refuse' }, { a: 'refuse' }), steps))
  await first.publish(Placed, { order: 'o-1' })
  await first.idle()
  await first.stop()
  for (const undo of [{ a: 'refuse' }, {}] as Plan[]) {
    const next = await started(t, warehouse(file, worker({}, undo), steps))
    await next.flows.resume(1)
    await next.idle()
    const flow = await next.flows.show(1)
    assert.equal(flow?.state, 'a' in undo ? 'stuck' : 'compensated')
    const names = flow.steps.map(({ name }) => name)
    assert.deepEqual(names, [...new Set(names)])
    const expected = ['do a', 'do b', 'do c', 'undo c', 'undo b', ...('a' in undo ? [] : ['undo a'])]
    assert.deepEqual(await effects(next), expected)
    await next.stop()
  }
})

test('a step without a name, or with that of an undo, is refused', async (t) => {
  const wrong = ['', 'undo it', 7, 'x'.repeat(1_025)]
  const codes: unknown[] = []
  const steps = conductor(async (data, flow) => {
    for (const name of wrong) {
      try {
        await flow.call(name as string, Do, { ...data, step: 'a' })
      } catch (error) {
        codes.push((error as { code?: string }).code)
      }
    }
  })
  const running = await started(t, warehouse(place(t), worker(), steps))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  assert.deepEqual(codes, Array(wrong.length).fill('millrace/bad-step'))
  assert.deepEqual(await effects(running), [])
})

test('flows are found by mediator, state, context, step and age', async (t) => {
  const waits = conductor(async (data, flow) => {
    if (data.order === 'o-2') await flow.sleep('a while', hour)
    await flow.wait('paid', Paid)
  })
  const running = await started(t, warehouse(place(t), worker(), waits))
  for (const order of ['o-1', 'o-2', 'o-3']) await running.publish(Placed, { order })
  await running.publish(Paid, { order: 'o-3' })
  await running.idle()
  const found = async (filter: object) => (await running.flows.list(filter)).map(({ context }) => context)
  assert.deepEqual(await found({}), ['o-1', 'o-2', 'o-3'])
  assert.deepEqual(await found({ step: 'paid' }), ['o-1'])
  assert.deepEqual(await found({ step: 'a while' }), ['o-2'])
  assert.deepEqual(await found({ states: ['completed'] }), ['o-3'])
  assert.deepEqual(await found({ context: 'o-2', mediator: 'conductor' }), ['o-2'])
  assert.deepEqual(await found({ mediator: 'other' }), [])
  const all = await running.flows.list()
  for (const { startedAt } of all) {
    const older = all.filter((other) => other.startedAt < startedAt).map(({ context }) => context)
    assert.deepEqual(await found({ startedBefore: startedAt }), older)
  }
  assert.deepEqual(await found({ startedBefore: all.at(-1)!.startedAt + 1 }), ['o-1', 'o-2', 'o-3'])
  assert.deepEqual(await found({ after: 1, limit: 1 }), ['o-2'])
  assert.deepEqual(await running.flows.counts(), [
    { mediator: 'conductor', state: 'completed', flows: 1 },
    { mediator: 'conductor', state: 'running', flows: 2 },
  ])
})

test('ended flows are forgotten after their time, and so is mail that no flow took', async () => {
  const waits = conductor(async (data, flow) => {
    await flow.wait('paid', Paid)
    await doing(flow, data, 'a')
  })
  const parts = [Orders, worker(), waits]
  await using simulated = simulation({ parts, setup: setup as never })
  await simulated.publish(Placed, { order: 'o-1' })
  await simulated.publish(Paid, { order: 'o-1' })
  await simulated.publish(Paid, { order: 'o-2' })
  await simulated.untilIdle()
  assert.equal((await simulated.flows.list()).length, 1)
  await simulated.advance(8 * 24 * hour)
  assert.equal((await simulated.flows.list()).length, 0)
  // Its time in the mailbox is over: a flow that begins now waits for another.
  await simulated.publish(Placed, { order: 'o-2' })
  await simulated.untilIdle()
  assert.equal((await simulated.flows.list())[0]?.state, 'running')
})

test('a request is cancelled: never handled, or fenced, and its end is told and kept', async (t) => {
  let release = () => {}
  const hangs = new Promise<void>((resolve) => {
    release = resolve
  })
  const running = await started(
    t,
    warehouse(
      place(t),
      worker({}, {}, hangs),
      conductor(async () => {}),
    ),
  )
  const asked = running.request(Do, { order: 'o-1', step: 'hangs' }, { id: 'first' })
  const behind = running.request(Do, { order: 'o-1', step: 'hangs' }, { id: 'second' })
  const [one, two] = [assert.rejects(asked, coded('millrace/request-withdrawn')), assert.rejects(behind)]
  while ((await running.requestStatus('second')) === undefined) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.equal(await running.cancel(Do, 'second'), true)
  assert.equal(await running.cancel(Do, 'first'), true)
  assert.equal(await running.cancel(Do, 'first'), false)
  assert.equal(await running.cancel(Undo, 'none'), false)
  release()
  await Promise.all([one, two])
  await running.idle()
  assert.deepEqual(await effects(running), [])
  assert.equal((await running.requestStatus('first'))?.state, 'withdrawn')
})

test('a held command that is cancelled leaves the desk, also one without a context or beside its lane', async (t) => {
  const file = place(t)
  const Alone = command('alone', { schema: z.object({ n: z.number() }), reply: z.null() })
  const Tasks = channel('tasks', [Alone])
  for (const onHold of ['block', 'pass'] as const) {
    const broken = () => {
      throw new Error('broken')
    }
    const retry = { attempts: 1 }
    const parts = [
      Tasks,
      Work,
      processor('tasks', { on: Tasks, onHold, retry, handle: { alone: broken } }),
      processor('worker', { on: Work, onHold, retry, handle: { do: broken, undo: broken } }),
    ]
    const running = await started(t, app({ name: 'depot', broker: sqlite({ file }), log: () => {}, parts }))
    const none = `none ${onHold}`
    const whenHeld = 'wait'
    const asked = [
      running.request(Alone, { n: 1 }, { id: none, whenHeld }),
      running.request(Do, { order: 'o-1', step: 'a' }, { id: `first ${onHold}`, whenHeld }),
      running.request(Do, { order: 'o-1', step: 'a' }, { id: `second ${onHold}`, whenHeld }),
    ].map((one) => assert.rejects(one, coded('millrace/request-withdrawn')))
    await until('they are held', async () => (await running.desk.counts()).held === (onHold === 'pass' ? 3 : 2))
    assert.equal(await running.cancel(Alone, none), true)
    for (const id of ['second', 'first']) assert.equal(await running.cancel(Do, `${id} ${onHold}`), true)
    await Promise.all(asked)
    await running.idle()
    const { held, waiting } = await running.desk.counts()
    assert.deepEqual({ held, waiting }, { held: 0, waiting: 0 })
    assert.deepEqual(rows(file, 'select id from millrace_withdrawn'), [])
    await running.stop()
  }
})

test('of a withdrawal because of time and one because of a lost race, at once, neither lets the command be handled', async () => {
  const same = { order: 'o-1', step: 'same lane' }
  const races = conductor(async ({ order }, flow) => {
    if (order === 'first') return flow.send(Do, same)
    const race = flow.race([() => flow.call('late', Do, same, { timeoutMs: 100 }), () => flow.wait('paid', Paid)], {
      losers: 'withdraw',
    })
    await Promise.all([race, flow.sleep('beside', 100)])
    await flow.sleep('rest', hour)
  })
  for (let seed = 1; seed <= 12; seed++) {
    for (const early of [3, 5, 7]) {
      const opened = Promise.withResolvers<void>()
      let handled = 0
      const waits = processor('worker', {
        on: Work,
        timeoutMs: hour,
        handle: {
          do: async ({ data }) => {
            if (++handled === 1) await opened.promise
            return { done: data.step }
          },
          undo: () => {},
        },
      })
      await using simulated = simulation({ seed, parts: [Orders, waits, races] })
      await simulated.publish(Placed, { order: 'first' })
      await simulated.advance(50)
      await simulated.publish(Placed, { order: 'second' })
      await simulated.advance(99 - early)
      void simulated.publish(Paid, { order: 'second' })
      await simulated.advance(2_000)
      opened.resolve()
      await simulated.untilIdle()
      assert.equal(handled, 1, `seed ${seed}, ${early} ms early`)
    }
  }
})

test('a command that is withdrawn while its rule decides leaves the desk, despite any decision', async (t) => {
  const asks = Promise.withResolvers<void>()
  const decides = Promise.withResolvers<Decision<{ order: string; step: string }>>()
  const rules = desk('careful', {
    on: Work,
    decide: {
      do: () => {
        asks.resolve()
        return decides.promise
      },
    },
  })
  const broken = processor('worker', {
    on: Work,
    retry: { attempts: 1 },
    handle: {
      do: () => {
        throw new Error('broken')
      },
      undo: () => {},
    },
  })
  const running = await started(t, warehouse(place(t), Work, broken, rules))
  const asked = running.request(Do, { order: 'o-1', step: 'a' }, { id: 'first' })
  const refused = assert.rejects(asked, coded('millrace/request-withdrawn'))
  await asks.promise
  assert.equal(await running.cancel(Do, 'first'), true)
  decides.resolve(hold('let a person look'))
  await refused
  await running.idle()
  const { held, waiting } = await running.desk.counts()
  assert.deepEqual({ held, waiting }, { held: 0, waiting: 0 })
})

test('a request that a processor of another name holds is cancelled, and nothing of the one that runs now is touched', async (t) => {
  const file = place(t)
  const handled: string[] = []
  const named = (name: string) =>
    processor(name, {
      on: Work,
      startAt: 'now',
      retry: { attempts: 1 },
      handle: {
        do: ({ data }) => {
          if (data.step !== 'works') throw new Error('broken')
          handled.push(name)
          return { done: data.step }
        },
        undo: () => {},
      },
    })
  const first = await started(t, warehouse(file, Work, named('old')))
  const asked = (running: typeof first, id: string) => {
    running.request(Do, { order: 'o-1', step: 'a' }, { id }).catch(() => {})
    return until(`${id} is held`, async () => (await running.requestStatus(id))?.state === 'held')
  }
  await asked(first, 'one')
  await first.stop()
  const second = await started(t, warehouse(file, Work, named('new')))
  await asked(second, 'two')
  assert.equal(await second.cancel(Do, 'one'), true)
  await second.idle()
  const held = await second.desk.list({ processor: 'new' })
  assert.deepEqual(
    held.map(({ state, attempts }) => [state, attempts]),
    [['held', 1]],
  )
  assert.deepEqual(handled, [])
})

test('the mark of a withdrawn command is forgotten when its channel has come past it', async (t) => {
  const file = place(t)
  const parts = [Orders, worker(), conductor(() => {})]
  const limits = { retainEveryMs: 100 }
  const inDepot = () => app({ name: 'depot', broker: sqlite({ file }), log: () => {}, setup, parts, ...limits })
  const first = await started(t, inDepot())
  await first.request(Do, { order: 'o-1', step: 'a' })
  await first.stop()
  // As a crash leaves it: the command was done, and is marked again by a flow that does not know that.
  const db = new DatabaseSync(file)
  db.exec("insert into millrace_withdrawn values ('flow/1/1')")
  db.close()
  const second = await started(t, inDepot())
  await until('it is forgotten', () => rows(file, 'select id from millrace_withdrawn').length === 0)
  await second.stop()
})

test('a flow runs again from a step after branches: those that had ended keep their results, others have failed', async (t) => {
  const said: string[] = []
  const branches = conductor(async (data, flow) => {
    const slow = flow.wait('paid', Paid).then(
      () => 'paid',
      (error) => (error as { code: string }).code,
    )
    const { done } = await flow.call('quick', Do, { ...data, step: 'quick' })
    await flow.call('last', Do, { ...data, step: 'last' })
    said.push(done, await slow)
  })
  const plan: Record<string, 'refuse'> = { last: 'refuse' }
  const running = await started(t, warehouse(place(t), worker(plan), branches))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  assert.equal((await running.flows.show(1))?.state, 'failed')
  delete plan['last']
  const again = await running.flows.runAgain(1, { from: 'last', by: 'ann' })
  await running.idle()
  assert.equal((await running.flows.show(again))?.state, 'completed')
  assert.deepEqual(said, ['quick', 'millrace/step-cancelled'])
  assert.deepEqual(await effects(running), ['do quick', 'do last'])
})

test('of a stop and an end at once one wins, and both agree what it was, for forty seeds', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const quick = conductor(async (data, flow) => {
      await doing(flow, data, 'a')
      flow.publish(Done, data)
    })
    await using simulated = simulation({ parts: [Orders, worker(), quick], setup: setup as never, seed })
    await simulated.publish(Placed, { order: 'o-1' })
    await simulated.advance(seed / 20)
    let ended = true
    try {
      await simulated.flows.stop(1, { by: 'ann', reason: 'enough' })
      ended = false
    } catch (error) {
      assert(['millrace/flow-ended', 'millrace/unknown-flow'].includes((error as { code: string }).code))
    }
    await simulated.untilIdle()
    const flow = await simulated.flows.show(1)
    assert.equal(flow?.state, ended ? 'completed' : 'stopped', `seed ${seed}`)
    assert.equal(simulated.published(Done).length, ended ? 1 : 0, `seed ${seed}`)
  }
})

test('a crash in the middle of a cancel leaves the flow cancelled or as it was, and never without its command', async () => {
  const ends = new Set<string>()
  for (let at = 0; at < 40; at++) {
    const waits = conductor(async (data, flow) => void (await doing(flow, data, 'a')))
    await using simulated = simulation({ parts: [Orders, worker(), waits], setup: setup as never })
    await simulated.processors.pause('worker', { by: 'ann' }).catch(() => {})
    await simulated.publish(Placed, { order: 'o-1' })
    await simulated.advance(20)
    // Whether it is done, and who is told so, is what the crash decides.
    simulated.app.flows.cancel(1, { by: 'ann' }).catch(() => {})
    await simulated.advance(at / 10)
    await simulated.crash()
    await simulated.restart()
    await simulated.processors.resume('worker', { by: 'ann' })
    await simulated.untilIdle()
    const rows = await simulated.query<{ what: string }>`select what from effects order by n`
    const state = (await simulated.flows.show(1))?.state ?? 'none'
    ends.add(state)
    // After the restart the worker may be quicker than the cancel: then what it did is undone.
    const done = state === 'completed' || state === 'compensated'
    const expected = [...(done ? ['do a'] : []), ...(state === 'compensated' ? ['undo a'] : [])]
    assert.deepEqual(
      rows.map(({ what }) => what),
      expected,
      `crash after ${at / 10} ms`,
    )
  }
  assert(ends.has('completed') && ends.has('failed'), [...ends].join())
})

test('of two people who end a flow at once one does, the other is told that it has ended', async () => {
  const part = conductor(async (_, flow) => void (await flow.wait('paid', Paid)))
  for (let seed = 1; seed <= 5; seed++) {
    await using simulated = simulation({ parts: [Orders, worker(), part], setup: setup as never, seed })
    await simulated.publish(Placed, { order: 'o-1' })
    await simulated.untilIdle()
    const { flows } = simulated.app
    const both = ['ann', 'ben'].map((by) => flows.stop(1, { by, reason: 'enough' }))
    const told = await simulated.settled(Promise.allSettled(both))
    assert.deepEqual(told.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    const refused = told.find((one) => one.status === 'rejected')
    assert.equal((refused!.reason as { code: string }).code, 'millrace/flow-ended')
    assert.deepEqual(
      (await simulated.desk.audit()).map(({ action }) => action),
      ['stopped'],
    )
  }
})
