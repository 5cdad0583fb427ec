// What one more costs, counted and not timed: rows that its statements visit, rows that they give, and how many statements
// there are, with 10 that wait already and with 100,000. Those that wait are written into the file before the app starts.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { type App, app, event, mediator, type Part, topic } from 'millrace'
import { z } from 'zod'
import { place } from '../support.ts'
import { type Cost, Counting } from './counting.ts'

const few = 10
const many = 100_000

const named = z.object({ id: z.string() })
const Began = event('began', { schema: named, context: ({ id }) => id })
const Signal = event('signal', { schema: named, context: ({ id }) => id })
const Other = event('other', { schema: named, context: ({ id }) => id })
const Things = topic('things', [Began, Signal, Other])

interface Case {
  readonly parts: readonly Part[]
  /** Done once, by an app, before those that wait are written: one of each, in place. */
  readonly before?: (running: App) => Promise<unknown>
  /** Writes so many that wait: statements that know the number as ?1. */
  readonly waiting: readonly string[]
  /** One more. */
  readonly act: (running: App, round: number) => Promise<unknown>
}

async function costOf(t: TestContext, how: Case, count: number): Promise<Cost> {
  const file = place(t)
  const counting = new Counting(file)
  const make = () =>
    app({ name: 'counted', broker: counting.broker, log: () => {}, parts: [...how.parts], setup: () => {} })
  const first = make()
  await first.start()
  try {
    await how.before?.(first)
  } finally {
    await first.stop({ graceMs: 0 })
  }
  const db = new DatabaseSync(file)
  db.exec('begin')
  for (const sql of how.waiting)
    db.prepare(`with recursive w(k) as (select 1 union all select k + 1 from w where k < ?1) ${sql}`).run(count)
  db.exec('commit')
  db.close()
  const second = make()
  await second.start()
  try {
    await second.idle()
    const cost = await counting.least((round) => how.act(second, round))
    t.diagnostic(`${count} waiting: ${JSON.stringify(cost)}; ${counting.often.join(' | ')}`)
    return cost
  } finally {
    await second.stop({ graceMs: 0 })
    counting.close()
  }
}

async function costsTheSame(t: TestContext, how: Case): Promise<void> {
  const one = await costOf(t, how, few)
  assert(one.statements > 0, 'something is counted')
  assert.deepEqual(await costOf(t, how, many), one)
}

const startedFlow = `insert into millrace_flows (mediator, context, state, message, started_at, ended_at, version)
  select`

test('one more flow of a context, and the end of one, cost the same however many wait for their turn', async (t) => {
  const m = mediator('m', {
    on: Things,
    startedBy: Began,
    serial: true,
    run: async (_, flow) => void (await flow.ask('go', { title: 'May it go on?', schema: z.boolean() })),
  })
  await costsTheSame(t, {
    parts: [Things, m],
    before: async (running) => {
      await running.publish(Began, { id: 'hot' })
      await running.idle()
    },
    waiting: [
      `${startedFlow} mediator, context, 'queued', message, started_at, null, 1 from w, millrace_flows where id = 1`,
    ],
    act: async (running, round) => {
      await running.publish(Began, { id: 'hot' })
      await running.flows.answer(round + 1, 'go', true)
      await running.idle()
    },
  })
})

test('one more event that a flow waits for costs the same however many it has had', async (t) => {
  const m = mediator('m', {
    on: Things,
    startedBy: Began,
    waits: [Signal],
    run: async (_, flow) => {
      for (;;) await flow.wait('signal', Signal)
    },
  })
  await costsTheSame(t, {
    parts: [Things, m],
    before: async (running) => {
      await running.publish(Began, { id: 'x' })
      await running.publish(Signal, { id: 'x' })
      await running.idle()
    },
    waiting: [
      // As if the flow went on for one that had them.
      `insert into millrace_mail select k + 1, m.mediator, m.context, m.type, m.message, m.at from w, millrace_mail m where m.n = 1`,
      `update millrace_flows set mail_after = json_object('signal', ?1 + 1)`,
      `delete from millrace_journal where n > (select min(n) from millrace_journal)`,
      `update millrace_meta set value = ?1 + 2000 where key = 'mails'`,
    ],
    act: async (running) => {
      await running.publish(Signal, { id: 'x' })
      await running.idle()
    },
  })
})
