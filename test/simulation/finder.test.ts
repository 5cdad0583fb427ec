// The finder under crashes and power cuts: its index is the log, whatever becomes of the process.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import type { Watch, Watched } from '../../src/testing/machine/watch.ts'
import { simulateWith } from '../../src/testing/simulate.ts'
import { foundIn } from './found.ts'

const data = z.object({ n: z.number() })
const Asked = event('asked', { schema: data, context: ({ n }) => `c${n % 3}` })
const Answered = event('answered', { schema: data, context: ({ n }) => `c${n % 3}` })
const answer = processor('answer', {
  on: topic('asks', [Asked]),
  publishes: [Answered],
  handle: { asked: ({ data: asked }, { publish }) => publish(Answered, asked) },
})
const make = () =>
  app({
    name: 'asks',
    broker: sqlite({ file: 'asks.db' }),
    parts: [topic('answers', [Answered]), answer],
    finder: true,
  })

test('for twenty seeds of crashes and power cuts the index of the finder is the log in the end', async () => {
  let machine: Watched | undefined
  const watch = (): Watch => ({
    durable: () => {},
    accepted: () => {},
    starting: (started) => {
      machine = started
    },
    // The finder works at its own pace: more may come until it has all.
    rested: async ({ messages }) => {
      const page = await messages.list({ text: 'nothing' }).catch(() => undefined)
      return page?.complete !== true
    },
  })
  const report = await simulateWith(
    {
      app: make,
      seeds: 20,
      workload: (work, random) => {
        for (let n = 0; n < 30; n++) work.publish(Asked, { n: random.below(1_000) }, { id: `asked ${n}` })
      },
      eventually: () => {
        const { log, found, words } = foundIn(machine!)
        assert.equal(log.length, 60)
        assert.deepEqual(found, log)
        assert.equal(words, log.length)
      },
    },
    watch,
  )
  assert(report.faults.crash + report.faults.powerCut > 20, 'the processes died')
})
