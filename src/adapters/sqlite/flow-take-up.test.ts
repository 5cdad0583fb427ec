import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyFlows, flowOf, mailOf, stepOf } from '../../../test/support/flow-tables.ts'

test('a start gets each flow under way once, slice by slice, without the queued ones', async () => {
  const { flows } = emptyFlows()
  const contexts = ['b', null, 'a', null, 'b']
  flows.write(contexts.map((context, n) => ({ do: 'start', row: flowOf(n + 1, { context }) })))
  flows.write([{ do: 'start', row: flowOf(9, { state: 'queued' }) }])
  const found: number[] = []
  for (let last: Awaited<ReturnType<typeof flows.takeUp.underWay>>[number] | undefined; ; ) {
    const slice = await flows.takeUp.underWay('m', last, 2)
    if (slice.length === 0) break
    found.push(...slice.map(({ id }) => id))
    last = slice.at(-1)
  }
  assert.deepEqual(found, [2, 4, 3, 1, 5])
  assert.deepEqual(await flows.takeUp.waiting('m', '', 10), [{ context: 'a', id: 9 }])
  assert.deepEqual(await flows.takeUp.underWayByMediator([]), [{ mediator: 'm', flows: 6 }])
  assert.deepEqual(await flows.takeUp.underWayByMediator(['m']), [])
})

test('a flow is unfinished when it was told something, or has mail that it waits for', async () => {
  const { flows } = emptyFlows()
  const start = (id: number, context: string) => ({ do: 'start', row: flowOf(id, { context }) }) as const
  const entry = (flow: number, n: number, more: object) => ({ do: 'entry', flow, entry: stepOf(n, more) }) as const
  flows.write([
    start(1, 'told'),
    entry(1, 10, {}),
    entry(1, 11, { of: 10 }),
    start(2, 'calls'),
    entry(2, 12, {}),
    start(3, 'mail'),
    entry(3, 13, { kind: 'wait', what: 'paid' }),
    { do: 'mail', mail: mailOf(1, { context: 'mail' }) },
    start(4, 'no mail'),
    entry(4, 14, { kind: 'wait', what: 'paid' }),
  ])
  const all = await flows.takeUp.underWay('m', { id: 0, context: '', unfinished: false }, 10)
  assert.deepEqual(
    all.map(({ context, unfinished }) => [context, unfinished]),
    [
      ['calls', false],
      ['mail', true],
      ['no mail', false],
      ['told', true],
    ],
  )
})

test('a withdrawn command is told until its processor has passed over it', async () => {
  const { flows } = emptyFlows()
  for (const id of ['c', 'a', 'b']) flows.write([{ do: 'withdraw', id }])
  flows.write([{ do: 'passed', id: 'b' }])
  assert.deepEqual(await flows.takeUp.withdrawn('', 1), ['a'])
  assert.deepEqual(await flows.takeUp.withdrawn('a', 9), ['c'])
})
