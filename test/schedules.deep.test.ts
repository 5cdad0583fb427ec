// Slots of schedules, whatever crashes: each comes once, in order, never early.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, event, schedule, sqlite, topic } from 'millrace'
import { simulate } from 'millrace/testing'
import { z } from 'zod'

const Ticked = event('ticked', { schema: z.object({ at: z.string().optional() }) })
const Ticks = topic('ticks', [Ticked])
const ticking = (missed: 'skip' | 'once' | 'all') =>
  schedule(missed, {
    cron: '*/5 * * * * *',
    publishes: Ticked,
    data: ({ at }) => ({ at: at.toISOString() }),
    missed,
  })
const iso = (ms: number) => new Date(ms).toISOString()

test('with crashes and power cuts every slot comes once, in order, never early', async () => {
  const names = ['skip', 'once', 'all'] as const
  const report = await simulate({
    app: () =>
      app({
        name: 'bank',
        broker: sqlite({ file: 'simulated.db' }),
        parts: [Ticks, ...names.map(ticking)],
      }),
    seeds: 60,
    workload: (work, random) => {
      for (let n = 0; n < 8; n++) {
        work.publish(Ticked, {})
        work.wait(random.below(15_000))
      }
    },
    always: {
      'no slot comes early, twice or out of order': ({ published }) => {
        const last = new Map<string, string>()
        for (const { id, time } of published(Ticked)) {
          const [name, slot] = id.split('@')
          if (slot === undefined) continue
          assert(Date.parse(slot) <= time, `${id} came at ${iso(time)}`)
          assert(slot > (last.get(name!) ?? ''), `${id} came after ${last.get(name!)}`)
          last.set(name!, slot)
        }
      },
    },
    eventually: {
      'with all none is left out': ({ published, now }) => {
        const slots = published(Ticked)
          .filter(({ id }) => id.startsWith('all@'))
          .map(({ id }) => Date.parse(id.slice(4)))
        for (let n = 1; n < slots.length; n++) assert.equal(slots[n]! - slots[n - 1]!, 5_000)
        assert(slots.length === 0 || now() - slots.at(-1)! <= 6_000)
      },
    },
  })
  assert(report.faults.crash > 20 && report.faults.powerCut > 20)
})
