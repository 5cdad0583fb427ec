// What lost a race and is withdrawn: it is never handled, whatever crashes, and is no failure of whoever would have.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, channel, command, processor, sqlite } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { place, started } from '../support.ts'
import { conductor, type Do, doing, Orders, Paid, Placed, setup, Work } from './support.ts'

test('a race as the last step: despite any crash, a losing command is not handled after the end of its flow', async () => {
  let ended = 0
  for (let at = 0; at < 12; at += 0.15) {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>()
    const slow = processor('worker', {
      on: Work,
      timeoutMs: 86_400_000,
      handle: {
        do: async ({ data: { step } }, { commit }) => {
          if (step === 'slow') await opened
          return commit(async (tx) => {
            await tx.query`insert into effects (what) values (${step})`
            return { done: step }
          })
        },
        undo: () => {},
      },
    })
    const races = conductor((data, flow) =>
      flow.race([() => doing(flow, { order: 'all' }, 'slow'), () => doing(flow, data, 'fast')], { losers: 'withdraw' }),
    )
    await using sim = simulation({ parts: [Orders, slow, races], setup: setup as never })
    await sim.publish(Placed, { order: 'o-1' })
    await sim.advance(at)
    await sim.crash()
    const [before] = await sim.query<{ state: string }>`select state from millrace_flows`
    if (before?.state === 'completed') ended++
    open()
    await sim.restart()
    await sim.untilIdle()
    const done = (await sim.query<{ what: string }>`select what from effects order by n`).map(({ what }) => what)
    if (before?.state === 'completed') assert.deepEqual(done, ['fast'], `crashed after ${at} ms`)
    const flow = (await sim.flows.show(1))!
    assert.equal(flow.state, 'completed')
    assert.notEqual(flow.steps.find(({ name }) => name === 'slow')?.outcome, undefined)
  }
  assert(ended > 5, `${ended} crashes came after the end`)
})

test('commands that are taken back while they are under way do not make their processor probe', async (t) => {
  const Slow = command('slow', { schema: z.object({ order: z.string() }), context: ({ order }) => order })
  const Slows = channel('slows', [Slow])
  const errors: string[] = []
  const begun = new Set<string>()
  const { promise: allBegun, resolve } = Promise.withResolvers<void>()
  const slow = processor('slow', {
    on: Slows,
    concurrency: 64,
    lingerMs: 0,
    handle: {
      slow: ({ data }, { signal }) =>
        new Promise<void>((end) => {
          signal.addEventListener('abort', () => end())
          if (begun.add(data.order).size === 30) resolve()
        }),
    },
  })
  const races = conductor(
    (data, flow) =>
      flow.race([() => flow.call('slow', Slow as unknown as typeof Do, data as never), () => flow.wait('paid', Paid)], {
        losers: 'withdraw',
      }),
    { sends: [Slow] },
  )
  const log = (level: string, what: string) => void (level === 'error' && errors.push(what))
  const parts = [Orders, Slows, slow, races]
  const running = await started(t, app({ name: 'races', broker: sqlite({ file: place(t) }), setup, log, parts }))
  const orders = Array.from({ length: 30 }, (_, n) => `o-${n}`)
  await Promise.all(orders.map((order) => running.publish(Placed, { order })))
  await allBegun
  await Promise.all(orders.map((order) => running.publish(Paid, { order })))
  await running.idle()
  assert.deepEqual(errors, [])
  assert.equal((await running.flows.list({ states: ['completed'] })).length, 30)
})
