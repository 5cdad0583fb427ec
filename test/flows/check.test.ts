// Replaying the journals of flows against other code than that which wrote them, without doing anything.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { app, type CheckedFlow, checkFlows, event, mediator, type Part, sqlite } from 'millrace'
import { z } from 'zod'
import { coded, place, started } from '../support.ts'
import { conductor, Do, Done, doing, Orders, Paid, Placed, type TestFlow, warehouse, worker } from './support.ts'

type Run = (data: { order: string }, flow: TestFlow) => unknown

/** Runs a mediator for an order in an app with such a worker, and gives its file. */
async function recorded(t: test.TestContext, run: Run, ...given: Parameters<typeof worker>): Promise<string> {
  const file = place(t)
  const running = await started(t, warehouse(file, worker(...given), conductor(run)))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  await running.stop()
  return file
}

async function check(file: string, part: Part, all = false): Promise<CheckedFlow[]> {
  const found: CheckedFlow[] = []
  for await (const one of checkFlows(warehouse(file, worker(), part), { all })) found.push(one)
  return found
}

const results = async (file: string, run: Run, all = true) =>
  (await check(file, conductor(run), all)).map(({ result }) => result)
const whyNot = async (file: string, run: Run) => (await check(file, conductor(run), true))[0]?.misfit

const all: Run = async (data, flow) => {
  const [now, id, number] = [flow.now(), flow.id(), flow.random()]
  await flow.all([doing(flow, data, 'a'), doing(flow, data, 'b')])
  await flow.race([flow.sleep('never', 1e9), flow.call('c', Do, { ...data, step: 'c' })], { losers: 'continue' })
  flow.publish(Done, data)
  if (flow.version('asked') > 0) await flow.ask('sure', { schema: z.object({}), title: 'Sure?' })
  await doing(flow, data, `d ${typeof now} ${typeof id} ${typeof number}`)
}

test('recorded flows fit the code that recorded them: under way, undone, stuck, ended; nothing is written', async (t) => {
  const inTurn: Run = async (data, flow) => {
    for (const name of ['a', 'b', 'c']) await doing(flow, data, name)
  }
  const files = [
    [all, await recorded(t, all)],
    [inTurn, await recorded(t, inTurn)],
    [inTurn, await recorded(t, inTurn, { c: 'refuse' })],
    [inTurn, await recorded(t, inTurn, { c: 'refuse' }, { a: 'refuse' })],
  ] as const
  for (const [run, file] of files) {
    const before = readFileSync(file)
    assert.deepEqual(await results(file, run), ['fits'])
    assert.ok(readFileSync(file).equals(before))
  }
  // One that has ended is looked at only when it is asked for.
  assert.deepEqual(await results(files[1][1], inTurn, false), [])
})

test('a step that today’s code lacks, or does otherwise, is named with the step in its place', async (t) => {
  const file = await recorded(t, all)
  const [a, b] = ['call "a" (do)', 'call "b" (do)']
  const renamed = await whyNot(file, (data, flow) => doing(flow, data, 'A'))
  assert.deepEqual(renamed, {
    message: `mediator "conductor" version 1, flow 1: today's code does call "A" (do), the journal goes on with value "now"`,
    ...{ journal: 'value "now"', code: 'call "A" (do)', after: [] },
  })
  const fewer = await whyNot(file, async (data, flow) => {
    void [flow.now(), flow.id(), flow.random()]
    await flow.all([doing(flow, data, 'a'), doing(flow, data, 'b')])
  })
  const { journal, code, after } = fewer!
  assert.deepEqual([journal, code, after], ['sleep "never"', 'returns', ['value "random"', a, b]])
  const waits = await whyNot(file, async (data, flow) => {
    void [flow.now(), flow.id(), flow.random()]
    await flow.all([doing(flow, data, 'a'), doing(flow, data, 'b')])
    await flow.sleep('never', 1)
  })
  assert.deepEqual([waits?.journal, waits?.code], ['call "c" (do)', 'waits for sleep "never"'])
  const outside = await whyNot(file, async (_, flow) => {
    void [flow.now(), flow.id(), flow.random()]
    await new Promise(() => {})
  })
  assert.deepEqual([outside?.journal, outside?.code], [a, 'waits for something that is no step of `flow`'])
})

test('a version that is gone, data that no longer fit, a wait outside: each is told', async (t) => {
  const asks: Run = async (data, flow) => {
    await flow.wait('paid', Paid)
    await doing(flow, data, 'a')
  }
  const file = await recorded(t, asks)
  const newer = conductor(asks, { version: 2 })
  assert.match((await check(file, newer))[0]!.misfit!.message, /^it began with version 1, which is not in `versions`$/)
  const kept = conductor(() => {}, { version: 2, versions: { 1: ({ data }: never, flow: never) => asks(data, flow) } })
  assert.equal((await check(file, kept))[0]?.result, 'fits')
  const outside = await recorded(t, () => new Promise(() => {}))
  const ended = await recorded(t, () => {})
  assert.match((await whyNot(outside, () => new Promise(() => {})))!.message, /waits at its beginning for something/)
  assert.deepEqual(
    (await check(ended, newer, true)).map(({ result, misfit }) => [result, misfit]),
    [['unknown', null]],
  )
  const Stricter = event('order.placed', { schema: z.object({ order: z.number() }) })
  const strict = { ...conductor(asks), on: undefined, waits: [] }
  const parts = [{ ...strict, spec: { ...strict.spec, startedBy: Stricter } } as never]
  for await (const { misfit } of checkFlows(app({ name: 'strict', broker: sqlite({ file }), parts }))) {
    assert.match(misfit!.message, /stored data of event "order\.placed" does not fit/)
  }
})

test('data that did not fit were thrown then, and are now', async (t) => {
  const tries: Run = async (data, flow) => {
    try {
      await flow.call('bad', Do, { ...data, step: 7 as never })
    } catch {
      await doing(flow, data, 'a')
    }
    await flow.wait('paid', Paid)
  }
  assert.deepEqual(await results(await recorded(t, tries), tries), ['fits'])
})

test('a file that is not there, and an unknown option, are refused', async (t) => {
  const one = warehouse(place(t), worker(), conductor(all))
  const first = (options: object) => checkFlows(one, options).next()
  await assert.rejects(first({}), coded('millrace/no-app'))
  await assert.rejects(first({ every: true }), coded('millrace/unknown-option'))
  assert.equal(Orders.types.length, 3)
})

test('a mediator that was renamed fits under its new name, and so does the step that started a flow of it', async (t) => {
  const Part = event('part.placed', { schema: z.object({ order: z.string() }) })
  const parts = (name: string, renamedFrom?: string) =>
    mediator(name, { startedBy: Part, renamedFrom, run: (_, flow) => flow.sleep('long', 3_600_000) })
  const whole = (name: string, part: ReturnType<typeof parts>, renamedFrom?: string) =>
    mediator(name, {
      on: Orders,
      startedBy: Placed,
      renamedFrom,
      starts: [part],
      run: ({ data }, flow) => flow.subflow('part', part, data),
    })
  const file = place(t)
  const before = parts('parts')
  const running = await started(t, warehouse(file, worker(), before, whole('whole', before)))
  await running.publish(Placed, { order: 'o-1' })
  await running.idle()
  await running.stop()
  const checkedWith = async (part: ReturnType<typeof parts>, earlier?: string) => {
    const found: string[] = []
    for await (const one of checkFlows(warehouse(file, worker(), part, whole('order', part, earlier)))) {
      found.push(`${one.mediator} ${one.result}`)
    }
    return found
  }
  assert.deepEqual(await checkedWith(parts('piece', 'parts'), 'whole'), ['order fits', 'piece fits'])
  assert.deepEqual(await checkedWith(parts('piece'), 'whole'), ['order differs', 'parts differs'])
  assert.deepEqual(await checkedWith(parts('parts')), ['whole differs', 'parts fits'])
})
