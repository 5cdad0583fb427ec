// The contract of a saga: all steps forward, or those that were done undone in reverse, whatever fails or crashes.
import assert from 'node:assert/strict'
import test from 'node:test'
import { simulation } from 'millrace/testing'
import { kept, place, started } from '../support.ts'
import { Done, effects, inTurn, Orders, Placed, setup, warehouse, worker } from './support.ts'

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
