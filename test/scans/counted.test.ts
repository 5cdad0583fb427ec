// What one more costs, counted and not timed: rows that its statements visit, rows that they give, and how many statements
// there are, with 10 that wait already and with 100,000. Those that wait are written into the file before the app starts.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { type App, app, channel, command, event, gather, mediator, type Part, processor, topic } from 'millrace'
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

const Work = command('work', { schema: named, context: ({ id }) => id, reply: named })
const Works = channel('works', [Work])
const Late = event('late', { schema: named, context: ({ id }) => id })
const Lates = topic('lates', [Late])
const Batch = event('batch', { schema: z.object({ ids: z.array(z.string()) }) })
const Batches = topic('batches', [Batch])

/** Fails for good at what is called bad. */
const works = processor('works', {
  on: Works,
  retry: { attempts: 1 },
  handle: {
    work: ({ data: { id } }) => {
      if (id.startsWith('bad')) throw new Error('bad')
      return { id }
    },
  },
})

interface Case {
  readonly parts: readonly Part[]
  /** Done once, by an app, before those that wait are written: one of each, in place. */
  readonly before?: (running: App) => Promise<unknown>
  /** How many make the few: more than are read at once, where such a slice is part of the act. Default 10. */
  readonly few?: number
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
  const one = await costOf(t, how, how.few ?? few)
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

const heldCopy = (
  values: string,
) => `insert into millrace_desk (processor, stream, state, lane, place, due_at, attempts, kills,
  corrections, failures, decisions, group_id, error, held_at, position, message_id, kind, time, context, data, asked)
  select processor, stream, ${values}, 0, 1, 0, 0, 1, 0, group_id, error, held_at, position, 'm' || k, kind, time,
    context, data, 0 from w, (select * from millrace_desk order by id limit 1)`

const oneHeld = async (running: App) => {
  await running.send(Work, { id: 'bad' })
  await running.idle()
}

test('one more message in a line costs the same however many are in it', async (t) => {
  await costsTheSame(t, {
    parts: [Works, works],
    before: oneHeld,
    waiting: [heldCopy("'line', lane, k + 1")],
    act: async (running) => {
      await running.send(Work, { id: 'bad' })
      await running.idle()
    },
  })
})

test('a page of a line costs the same however many are in it', async (t) => {
  await costsTheSame(t, {
    parts: [Works, works],
    before: oneHeld,
    waiting: [heldCopy("'line', lane, k + 1")],
    act: async (running) => {
      const page = await running.desk.line(1, { after: 3, limit: 5 })
      assert.deepEqual([page.length, page[0]!.place, page[4]!.behind], [5, 4, 1])
    },
  })
})

test('one more message that is held, and its release, cost the same however many lanes are closed', async (t) => {
  await costsTheSame(t, {
    parts: [Works, works],
    before: oneHeld,
    waiting: [heldCopy("'held', 'lane' || k, k + 1")],
    act: async (running, round) => {
      await running.send(Work, { id: `bad ${round}` })
      await running.idle()
      const [row] = await running.desk.list({ context: `bad ${round}` })
      await running.desk.release(row!.id)
      await running.idle()
    },
  })
})

test('the end of the head of a line, and the turn of the next, cost the same however long the line is', async (t) => {
  await costsTheSame(t, {
    parts: [Works, works],
    before: oneHeld,
    few: 2_000,
    waiting: [heldCopy("'line', lane, k + 1")],
    act: async (running) => {
      const [row] = await running.desk.list({ states: ['held'] })
      await running.desk.discard(row!.id, { by: 'ann', reason: 'bad' })
      await running.idle()
    },
  })
})

test('an operation on some of the held messages costs the same with any number held', async (t) => {
  await costsTheSame(t, {
    parts: [Works, works],
    before: oneHeld,
    waiting: [heldCopy("'held', 'lane' || k, k + 1")],
    act: async (running, round) => {
      const [row] = await running.desk.list({ after: 3 + round, limit: 1 })
      await running.desk.select('discard', { items: [row!.id] }, { by: 'ann', reason: 'old', name: `some ${round}` })
      await running.idle()
    },
  })
})

test('one more request costs the same however many wait or have ended', async (t) => {
  await costsTheSame(t, {
    parts: [Works, works],
    waiting: [
      `insert into millrace_requests (id, type, state, asked_at) select 'open' || k, 'work', 'waiting', 1 from w`,
      `insert into millrace_requests (id, type, state, asked_at, ended_at, outcome)
         select 'over' || k, 'work', 'replied', 1, 9e15, '{}' from w`,
    ],
    act: async (running, round) => void (await running.request(Work, { id: `good ${round}` })),
  })
})

test('one more withdrawal costs the same however many commands are withdrawn', async (t) => {
  await costsTheSame(t, {
    parts: [Works, works],
    waiting: [`insert into millrace_withdrawn select 'gone' || k from w`],
    act: async (running, round) => {
      const id = `asked ${round}`
      const asked = running.request(Work, { id: `bad ${round}` }, { id }).catch(() => {})
      await running.idle()
      await running.cancel(Work, id)
      await asked
      await running.idle()
    },
  })
})

test('one more delayed message costs the same however many are set, also for its time', async (t) => {
  const at = Date.UTC(2100, 0, 1)
  await costsTheSame(t, {
    parts: [Lates],
    before: async (running) => void (await running.publish(Late, { id: 'x' }, { at })),
    waiting: [
      `insert into millrace_timers select due, sequence + k, stream, kind, message_id || k, own_id, time, context, correlation,
         causation, trace, data, attributes from w, (select * from millrace_timers limit 1)`,
    ],
    act: async (running, round) => {
      await running.publish(Late, { id: 'x' }, { at, id: `set ${round}` })
      await running.publish(Late, { id: 'now' }, { at: Date.now() })
      await running.cancel(Late, `set ${round}`)
      await running.idle()
    },
  })
})

test('one more item costs the same however many batches are open', async (t) => {
  const g = gather('g', {
    on: Things,
    of: [Began],
    count: 3,
    publishes: Batch,
    data: (items) => ({ ids: items.map(({ id }) => id) }),
  })
  await costsTheSame(t, {
    parts: [Things, Batches, g],
    before: async (running) => {
      await running.publish(Began, { id: 'x' })
      await running.idle()
    },
    waiting: [
      `insert into millrace_gathers select gather, context || k, count, bytes, armed, timer, condition
         from w, (select * from millrace_gathers limit 1)`,
      `insert into millrace_gathered select gather, context || k, place, type, version, data
         from w, (select * from millrace_gathered limit 1)`,
    ],
    act: async (running, round) => {
      await running.publish(Began, { id: `y ${round}` })
      await running.idle()
    },
  })
})

test('one more flow costs the same however many wait for something, and however much is held at the desk', async (t) => {
  const m = mediator('m', {
    on: Things,
    startedBy: Began,
    waits: [Signal],
    run: async (_, flow) => void (await flow.wait('signal', Signal)),
  })
  await costsTheSame(t, {
    parts: [Things, Works, works, m],
    before: async (running) => {
      await running.publish(Began, { id: 'x' })
      await oneHeld(running)
    },
    waiting: [
      `${startedFlow} mediator, 'x' || k, state, message, started_at, null, 1 from w, (select * from millrace_flows limit 1)`,
      `insert into millrace_journal select k + 1, n + k, of_n, kind, step, what, data, at
         from w, (select * from millrace_journal limit 1)`,
      `update millrace_meta set value = ?1 + 2000 where key = 'entries'`,
      heldCopy("'held', 'lane' || k, k + 1"),
    ],
    act: async (running, round) => {
      await running.publish(Began, { id: `y ${round}` })
      await running.publish(Signal, { id: `y ${round}` })
      await running.idle()
    },
  })
})
