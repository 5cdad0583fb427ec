// Delayed messages, whatever crashes: each comes once, at its time, or was taken back.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, event, processor, sqlite, topic } from 'millrace'
import { simulate } from 'millrace/testing'
import { z } from 'zod'

const schema = z.object({ n: z.number(), key: z.string().optional() })
const Reminded = event('reminded', { schema, context: ({ key }) => key ?? 'one' })
const Asked = event('asked', { schema })
const Reminders = topic('reminders', [Reminded, Asked])
const begins = Date.UTC(2026, 0, 1)

const hears = processor('hears', {
  on: Reminders,
  publishes: [Asked],
  handle: {
    reminded: ({ data, time }, { publish, commit }) => {
      publish(Asked, { n: data.n, key: String(time + 5_000) }, { at: time + 5_000 })
      return commit((tx) => tx.query`insert into heard values (${data.n})`)
    },
  },
})
const bank = () =>
  app({
    name: 'bank',
    broker: sqlite({ file: 'simulated.db' }),
    setup: (tx) => tx.query`create table if not exists heard (n integer)`,
    parts: [hears],
  })

test('with crashes and power cuts every delayed message comes once, never early, but for those taken back', async () => {
  /** By number: those asked to be taken back, and those of which that was confirmed. */
  const asked = new Set<number>()
  const taken = new Set<number>()
  const report = await simulate({
    app: bank,
    seeds: 60,
    workload: (work, random) => {
      asked.clear()
      taken.clear()
      const clients = [work, work.client(), work.client()]
      for (let n = 0; n < 30; n++) {
        const due = begins + random.below(40_000)
        const client = random.pick(clients)
        client.publish(Reminded, { n, key: String(due) }, { id: `n${n}`, at: due })
        if (random.chance(0.3)) client.wait(random.below(5_000))
        if (!random.chance(0.2)) continue
        client.act(`take back ${n}`, async ({ cancel }) => {
          asked.add(n)
          if (await cancel(Reminded, `n${n}`)) taken.add(n)
        })
      }
    },
    always: {
      'nothing comes early, twice or after it was taken back': ({ published }) => {
        for (const type of [Reminded, Asked]) {
          const came = published(type)
          for (const { data, time } of came) {
            assert(time >= Number(data.key), `${data.n} came at ${time}`)
            assert(!taken.has(data.n), `${data.n} came though it was taken back`)
          }
          assert.equal(new Set(came.map(({ data }) => data.n)).size, came.length)
        }
      },
    },
    eventually: {
      'what was accepted has come, or is not due, or was taken back': ({ published, query, accepted, now }) => {
        const pending = query<{ type: string; n: number; due: number }>`
          select type, data ->> 'n' as n, due from millrace_timers t join millrace_kinds k on k.id = t.kind`
        const ids = (type: string) => pending.filter((row) => row.type === type).map(({ n }) => n)
        for (const { n, due } of pending) assert(due > now() && !taken.has(n), `${n} is pending`)
        const came = published(Reminded).map(({ data }) => data.n)
        const there = new Set([...came, ...ids('reminded'), ...asked])
        for (const { data } of accepted) assert(there.has((data as { n: number }).n))
        const heard = query<{ n: number }>`select n from heard`.map(({ n }) => n)
        assert.deepEqual(heard.toSorted(), came.toSorted())
        const answers = [...published(Asked).map(({ data }) => data.n), ...ids('asked')]
        assert.deepEqual(answers.toSorted(), came.toSorted())
      },
    },
  })
  assert(report.faults.crash > 20 && report.faults.powerCut > 20 && report.faults.diskFull > 5)
})
