// What time will bring, as people read it: on a running app, over its socket, and on the file of a stopped one.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, event, schedule, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { millrace, objectsOf } from './cli/support/millrace.ts'
import { coded, place } from './support.ts'

const Due = event('due', { schema: z.object({ n: z.number() }), context: ({ n }) => `c${n}` })
const day = 86_400_000

test('delayed messages are read in the order in which they are due, with the same pages on a stopped app', async (t) => {
  const file = place(t)
  const yearly = schedule('yearly', { cron: '@yearly', publishes: Due, data: { n: 0 } })
  const one = app({ name: 'later', broker: sqlite({ file }), log: () => {}, parts: [topic('dues', [Due]), yearly] })
  t.after(() => one.stop({ graceMs: 0 }))
  await assert.rejects(one.schedules.list(), coded('millrace/not-started'))
  await one.start()
  const from = Date.UTC(2100, 0, 1)
  for (const n of [3, 1, 2]) await one.publish(Due, { n }, { id: `d${n}`, at: new Date(from + n * day) })
  await one.publish(Due, { n: 1 }, { id: 'd1 too', at: new Date(from + day) })
  const ids = ['d1', 'd1 too', 'd2', 'd3']
  const { items, next } = await one.schedules.delayed()
  assert.deepEqual([items.map(({ id }) => id), next], [ids, null])
  const { acceptedAt, ...first } = items[0]!
  assert(acceptedAt > 0 && acceptedAt < from)
  assert.deepEqual(first, {
    ...{ dueAt: from + day, type: 'due', id: 'd1', destination: 'dues', context: 'c1', correlationId: 'd1' },
    causationId: null,
  })
  const [shown] = await one.schedules.list()
  const { nextAt, ...rest } = shown!
  assert.equal(new Date(nextAt!).toISOString().slice(4), '-01-01T00:00:00.000Z')
  assert.deepEqual(rest, {
    ...{ name: 'yearly', gone: false, cron: '@yearly', timeZone: 'UTC', publishes: 'due', missed: 'skip', owner: null },
    ...{ lastAt: null, waiting: 0, skipped: 0, skippedAt: null },
  })
  for (const state of ['running', 'stopped']) {
    if (state === 'stopped') await one.stop()
    const page = await millrace(['schedules', 'delayed', '--db', file, '--json', '--limit', '2'])
    assert.deepEqual(
      objectsOf(page.out).map(({ id }) => id),
      ids.slice(0, 2),
      state,
    )
    const [, after] = /--after (\S+)/.exec(page.err)!
    const more = await millrace(['schedules', 'delayed', '--db', file, '--json', '--after', after!])
    assert.deepEqual(
      objectsOf(more.out).map(({ id }) => id),
      ids.slice(2),
      state,
    )
    assert.equal(more.err, '')
    const table = await millrace(['schedules', 'delayed', '--db', file])
    assert.match(table.out, /^DUE +TYPE +ID +CONTEXT\n2100-01-02 .* due +d1 +c1\n/, state)
    const [listed] = objectsOf((await millrace(['schedules', '--db', file, '--json'])).out)
    assert.deepEqual([listed!['name'], listed!['gone']], ['yearly', state === 'stopped'])
  }
})
