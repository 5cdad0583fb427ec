// Ids that handlers, transactions and routes give and get, and what they take back by them.
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  type App,
  app,
  channel,
  command,
  event,
  mediator,
  type Part,
  type ProcessorOptions,
  processor,
  route,
  sqlite,
  topic,
} from 'millrace'
import { given, simulate, simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded, place, started } from './support.ts'

const schema = z.object({ order: z.string(), n: z.number().optional() })
const context = ({ order }: { order: string }) => order
const Placed = event('order.placed', { schema, context })
const Paid = event('order.paid', { schema, context })
const Orders = topic('orders', [Placed, Paid])
const Reminded = event('order.reminded', { schema })
const Reminders = topic('reminders', [Reminded])
const Call = command('customer.call', { schema, reply: z.object({ said: z.string() }) })
const Calls = channel('calls', [Call])
const calls = processor('calls', { on: Calls, handle: { 'customer.call': () => ({ said: 'yes' }) } })

const hour = 3_600_000
type On = typeof Placed | typeof Paid
type Options = ProcessorOptions<On, [typeof Reminded], [typeof Call]>

const clerk = (handle: Options['handle'], more: Partial<Options> = {}) =>
  processor('clerk', {
    on: Orders,
    publishes: [Reminded],
    sends: [Call],
    retry: { attempts: 1 },
    ...more,
    handle,
  })
const look = (...parts: Part[]) => {
  const sim = simulation({ parts: [Orders, Reminders, calls, ...parts] })
  const pending = () =>
    sim.query<{ id: string }>`select message_id as id from millrace_timers order by due, sequence`.map(({ id }) => id)
  const reminded = () => sim.published(Reminded).map(({ id, data }) => [id, data.n])
  const errors = () => sim.held().map(({ error }) => error!.code)
  return { sim, pending, reminded, errors }
}

// ── handlers ─────────────────────────────────────────────────────────────────────────────────────────────────────

test('a reminder is set with an id by one handler and taken back by another', async () => {
  const reminder = clerk({
    'order.placed': ({ data }, { publish }) => publish(Reminded, data, { id: data.order, delayMs: hour }),
    'order.paid': ({ data }, { cancel }) => cancel(Reminded, data.order),
  })
  const { sim, pending, reminded } = look(reminder)
  await using _ = sim
  for (const order of ['o-1', 'o-2']) await sim.publish(Placed, { order })
  await sim.untilIdle()
  assert.deepEqual(pending(), ['o-1', 'o-2'])
  await sim.publish(Paid, { order: 'o-1' })
  await sim.untilIdle()
  assert.deepEqual(pending(), ['o-2'])
  await sim.advance(2 * hour)
  await sim.untilIdle()
  assert.deepEqual(reminded(), [['o-2', undefined]])
  assert.deepEqual(sim.held(), [])
})

test('publish and send give the id of the message, a new one where none is given', async () => {
  const ids: string[] = []
  const tells = clerk({
    'order.placed': ({ data }, { publish, send, commit }) => {
      ids.push(publish(Reminded, data), send(Call, data), publish(Reminded, data, { id: 'own' }))
      return commit(() => {
        ids.push(send(Call, data, { id: 'own' }))
      })
    },
  })
  const { sim } = look(tells)
  await using _ = sim
  await sim.publish(Placed, { order: 'o-1' })
  await sim.untilIdle()
  const left = [...sim.published(Reminded), ...sim.published(Call)].map(({ id }) => id)
  assert.equal(new Set(ids.slice(0, 2)).size, 2)
  assert.deepEqual(left.toSorted(), ids.toSorted())
})

test('calls in one handler count in their order: a cancel drops earlier messages, not later ones', async () => {
  const tells = clerk({
    'order.placed': ({ data }, { publish, cancel, commit }) => {
      cancel(Reminded, publish(Reminded, { ...data, n: 1 }))
      cancel(Reminded, publish(Reminded, { ...data, n: 2 }, { delayMs: hour }))
      publish(Reminded, { ...data, n: 3 }, { id: 'moved', delayMs: hour })
      const early = publish(Reminded, { ...data, n: 4 })
      return commit(() => {
        cancel(Reminded, early)
        cancel(Reminded, 'moved')
        publish(Reminded, { ...data, n: 5 }, { id: 'moved', delayMs: 2 * hour })
        cancel(Reminded, publish(Reminded, { ...data, n: 6 }))
      })
    },
  })
  const { sim, pending, reminded, errors } = look(tells)
  await using _ = sim
  await sim.publish(Reminded, { order: 'o-1', n: 0 }, { id: 'moved', delayMs: hour })
  await sim.publish(Placed, { order: 'o-1' })
  await sim.untilIdle()
  assert.deepEqual([pending(), reminded(), errors()], [['moved'], [], []])
  await sim.advance(3 * hour)
  await sim.untilIdle()
  assert.deepEqual(reminded(), [['moved', 5]])
})

test('an attempt that fails, in its handler or in its commit, takes nothing back', async () => {
  let fails = 2
  const tells = clerk(
    {
      'order.placed': (_, { cancel, commit }) => {
        cancel(Reminded, 'a')
        if (fails-- === 2) throw new Error('in the handler')
        return commit(() => {
          cancel(Reminded, 'b')
          if (fails === 0) throw new Error('in the commit')
        })
      },
    },
    { retry: { attempts: 3, firstDelayMs: hour, maxDelayMs: hour } },
  )
  const { sim, pending } = look(tells)
  await using _ = sim
  for (const id of ['a', 'b']) await sim.publish(Reminded, { order: id }, { id, delayMs: 100 * hour })
  await sim.publish(Placed, { order: 'o-1' })
  await sim.advance(1_000)
  assert.deepEqual(pending(), ['a', 'b'])
  await sim.advance(hour)
  assert.deepEqual(pending(), ['a', 'b'])
  await sim.advance(2 * hour)
  assert.deepEqual(pending(), [])
})

for (const how of ['a commit function', 'none'] as const) {
  test(`an id that is there already adds nothing with the same data, and fails the attempt with other: with ${how}`, async () => {
    const tells = clerk(
      {
        'order.placed': ({ data }, { publish, commit }) => {
          const tell = () => void publish(Reminded, { order: 'one', n: data.n }, { id: 'one', delayMs: hour })
          if (how === 'none') tell()
          else return commit(tell)
        },
      },
      { concurrency: 100 },
    )
    const { sim, pending, errors, reminded } = look(tells)
    await using _ = sim
    await sim.untilIdle()
    const numbers = [1, 1, 2, 1, 2]
    await sim.settled(Promise.all(numbers.map((n, order) => sim.app.publish(Placed, { order: `o-${order}`, n }))))
    await sim.untilIdle()
    assert.deepEqual(pending(), ['one'])
    assert.deepEqual(errors(), Array(2).fill('millrace/id-conflict'))
    assert.match(sim.held()[0]!.error!.message, /id "one" of "order.reminded" was published before with other data/)
    await sim.advance(2 * hour)
    assert.deepEqual(reminded(), [['one', 1]])
  })
}

test('a wrong cancel is refused inside its handler', async () => {
  const codes: unknown[] = []
  const tells = clerk({
    'order.placed': (_, context) => {
      const { cancel, publish } = context
      const calls = [
        () => cancel(Placed as never, 'a'),
        () => cancel(Reminded, ''),
        () => cancel(Reminded, 'flow/1/2'),
        () => publish(Reminded, { order: 'o' }, { id: 5 as never }),
        () => publish(Reminded, { order: 'o' }, { ID: 'a' } as never),
        () => publish(Reminded, { order: 'o' }, { id: 'flow/1/2' }),
      ]
      for (const call of calls) {
        try {
          call()
        } catch (error) {
          codes.push((error as { code: string }).code)
        }
      }
      setTimeout(() => {
        try {
          cancel(Reminded, 'a')
        } catch (error) {
          codes.push((error as { code: string }).code)
          late.resolve()
        }
      })
    },
  })
  const late = Promise.withResolvers<void>()
  await given(tells).when(Placed, { order: 'o-1' }).then({ published: [], cancelled: [] })
  await late.promise
  const badId = 'millrace/bad-id'
  const expected = ['millrace/undeclared', badId, badId, badId, 'millrace/unknown-option', badId, 'millrace/after-end']
  assert.deepEqual(codes, expected)
})

test('a handler returns nothing, or the id that it was given, and no other text', async () => {
  const tells = (returned: (id: string) => string) =>
    clerk({ 'order.placed': ({ data }, { publish }) => returned(publish(Reminded, data)) })
  await given(tells((id) => id))
    .when(Placed, { order: 'o' })
    .then({ published: [[Reminded, { order: 'o' }]] })
  await given(tells(() => 'other'))
    .when(Placed, { order: 'o' })
    .then({ fails: 'millrace/returned-value' })
})

test('the test kit shows ids and delays as they were given, and cancelled messages', async () => {
  const tells = clerk({
    'order.placed': ({ data }, { publish, cancel, commit }) => {
      publish(Reminded, data, { id: 'a', delayMs: hour })
      const other = publish(Reminded, data, { id: 'b' })
      cancel(Call, 'c')
      return commit(() => cancel(Reminded, other))
    },
    'order.paid': (_, { cancel }) => cancel(Reminded, 'a'),
  })
  const data = { order: 'o-1' }
  const placed = given(tells).when(Placed, data)
  const cancelled = [
    [Call, 'c'],
    [Reminded, 'b'],
  ] as const
  await placed.then({ published: [[Reminded, data, { id: 'a', delayMs: hour }]], cancelled })
  await given(tells)
    .when(Paid, data)
    .then({ cancelled: [[Reminded, 'a']] })
  const wrong = given(tells).when(Paid, data)
  await assert.rejects(wrong.then({ cancelled: [] }) as Promise<unknown>, /cancelled/)
  await assert.rejects(wrong.then({ cancelled: [[Placed, 'a']] }) as Promise<unknown>, coded('millrace/bad-option'))
})

// ── transactions and routes ──────────────────────────────────────────────────────────────────────────────────────

test('a transaction gives ids, takes back with its rows or not at all, and fails with a conflict', async () => {
  const { sim, pending } = look()
  await using _ = sim
  await sim.publish(Reminded, { order: 'o-1', n: 1 }, { id: 'a', delayMs: hour })
  const { app: bank } = sim
  const transact = (fn: Parameters<App['transaction']>[0]) => sim.settled(bank.transaction(fn))
  await assert.rejects(
    transact(async (tx) => {
      tx.cancel(Reminded, 'a')
      throw new Error('no')
    }),
    /no/,
  )
  assert.deepEqual(pending(), ['a'])
  const id = await transact((tx) => tx.publish(Reminded, { order: 'o-2' }, { delayMs: 2 * hour }))
  assert.deepEqual(pending(), ['a', id])
  assert.equal(await transact((tx) => tx.send(Call, { order: 'o' }, { id: 'b', delayMs: 3 * hour })), 'b')
  const conflict = transact(async (tx) => {
    await tx.query`create table made (n integer)`
    tx.publish(Reminded, { order: 'o-1', n: 2 }, { id: 'a' })
  })
  await assert.rejects(conflict, coded('millrace/id-conflict', /"a" of "order.reminded"/))
  assert.deepEqual(sim.query`select name from sqlite_schema where name = 'made'`, [])
  await transact((tx) => {
    tx.cancel(Reminded, 'a')
    tx.publish(Reminded, { order: 'o-1', n: 2 }, { id: 'a', delayMs: 5 * hour })
    tx.cancel(Call, 'b')
  })
  assert.deepEqual(pending(), [id, 'a'])
  const stranger = event('stranger', { schema })
  await assert.rejects(
    transact((tx) => tx.cancel(stranger, 'a')),
    coded('millrace/type-without-topic'),
  )
  await assert.rejects(
    transact((tx) => tx.cancel(Reminded, '')),
    coded('millrace/bad-id'),
  )
})

test('a route gives the id of its command, sends it once under an id of its own, and starts its flow with it', async () => {
  const ids: string[] = []
  const flows: string[] = []
  const follow = mediator('follow', {
    startedBy: Placed,
    run: async ({ data }) => {
      flows.push(data.order)
    },
  })
  const sends = route('sends', {
    on: Orders,
    sends: [Call],
    starts: [follow],
    handle: {
      'order.placed': ({ data }, to) => {
        ids.push(to.send(Call, { order: 'all', n: data.n }, { id: 'once' }), to.send(Call, data, { delayMs: hour }))
        to.start(follow, data)
      },
    },
  })
  const { sim, pending, errors } = look(sends, follow)
  await using _ = sim
  for (const order of ['o-1', 'o-2']) await sim.publish(Placed, { order, n: 1 })
  await sim.untilIdle()
  assert.deepEqual([ids[0], ids[2]], ['once', 'once'])
  // The orders are of two contexts: either may be written first.
  assert.deepEqual(pending().sort(), [ids[1], ids[3]].sort())
  assert.deepEqual(
    sim.published(Call).map(({ id }) => id),
    ['once'],
  )
  assert.deepEqual([flows, errors()], [['o-1', 'o-2'], []])
})

// ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────

test('a handler withdraws a request: its command is never handled, or fenced, and its caller is told', async (t) => {
  const begun = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const handled: string[] = []
  const slow = processor('slow', {
    on: Calls,
    concurrency: 1,
    handle: {
      'customer.call': async ({ data }, { commit }) => {
        if (data.n === 1) {
          begun.resolve()
          await release.promise
        }
        return commit(() => {
          handled.push(data.order)
          return { said: 'yes' }
        })
      },
    },
  })
  const gives = clerk({
    'order.paid': (_, { cancel }) => cancel(Call, 'waits'),
    'order.placed': (_, { cancel, commit }) => commit(() => cancel(Call, 'runs')),
  })
  const bank = await started(
    t,
    app({ name: 'bank', broker: sqlite({ file: place(t) }), parts: [Orders, Reminders, slow, gives] }),
  )
  const asks = (id: string, n: number) =>
    assert.rejects(bank.request(Call, { order: id, n }, { id }), coded('millrace/request-withdrawn'))
  const runs = asks('runs', 1)
  await begun.promise
  const waits = asks('waits', 2)
  await bank.publish(Paid, { order: 'o-1' })
  await waits
  await bank.publish(Placed, { order: 'o-1' })
  await runs
  release.resolve()
  await bank.idle()
  assert.deepEqual(handled, [])
  for (const id of ['runs', 'waits']) assert.equal((await bank.requestStatus(id))?.state, 'withdrawn')
  assert.deepEqual(await bank.read`select * from millrace_withdrawn`, [])
})

test('a request that has ended, and one of another type, are left as they are', async (t) => {
  const gives = clerk({
    'order.paid': (_, { cancel, publish }) =>
      void [cancel(Call, 'done'), cancel(Reminded, 'done'), publish(Reminded, { order: 'x' })],
  })
  const bank = await started(
    t,
    app({ name: 'bank', broker: sqlite({ file: place(t) }), parts: [Orders, Reminders, calls, gives] }),
  )
  assert.deepEqual(await bank.request(Call, { order: 'o' }, { id: 'done' }), { said: 'yes' })
  await bank.publish(Paid, { order: 'o' })
  await bank.idle()
  assert.equal((await bank.requestStatus('done'))?.state, 'replied')
  assert.deepEqual(await bank.read`select * from millrace_withdrawn`, [])
})

// ── whatever happens ─────────────────────────────────────────────────────────────────────────────────────────────

test('despite any crash, an order that is paid in time is not reminded, and every other one is, once', async () => {
  const reminder = () =>
    clerk(
      {
        'order.placed': ({ data }, { publish, commit }) =>
          commit(() => publish(Reminded, data, { id: data.order, delayMs: 600_000 })),
        'order.paid': ({ data }, { cancel, commit }) =>
          commit(async (tx) => {
            await tx.query`insert into paid values (${data.order})`
            cancel(Reminded, data.order)
          }),
      },
      { retry: { attempts: 100, firstDelayMs: 10, maxDelayMs: 10 } },
    )
  const report = await simulate({
    app: () =>
      app({
        name: 'bank',
        broker: sqlite({ file: 'simulated.db' }),
        setup: (tx) => tx.query`create table if not exists paid (o text primary key)`,
        parts: [Orders, Reminders, calls, reminder()],
      }),
    seeds: 40,
    workload: (work, random) => {
      for (let n = 0; n < 12; n++) {
        const order = `o-${n}`
        work.publish(Placed, { order })
        if (random.chance(0.3)) work.wait(random.below(3_000))
        if (random.chance(0.5)) work.publish(Paid, { order })
      }
      work.wait(700_000)
    },
    eventually: {
      'reminders come for what was not paid, once, and are pending for nothing that was': ({ published, query }) => {
        const paid = new Set(query<{ o: string }>`select o from paid`.map(({ o }) => o))
        const came = published(Reminded).map(({ id }) => id)
        const pending = query<{ id: string }>`select message_id as id from millrace_timers`.map(({ id }) => id)
        assert.deepEqual(
          [...came, ...pending].filter((id) => paid.has(id)),
          [],
        )
        assert.equal(new Set([...came, ...pending]).size, came.length + pending.length)
        const placed = published(Placed).map(({ data }) => data.order)
        for (const order of placed) assert(paid.has(order) || came.includes(order) || pending.includes(order), order)
      },
    },
  })
  assert(report.faults.crash > 10 && report.faults.powerCut > 10)
})

test('despite any crash, a request withdrawn by a commit ends: it was handled, or never is', async () => {
  const ends: Record<string, number> = {}
  for (let seed = 1; seed <= 60; seed++) {
    const answers = processor('calls', {
      on: Calls,
      handle: {
        'customer.call': async ({ data }, { commit, read }) => {
          // Some come to their end before they are taken back, some after.
          for (let n = 0; n < seed % 7; n++) await read`select 1`
          return commit(async (tx) => {
            await tx.query`insert into called values (${data.order})`
            return { said: 'yes' }
          })
        },
      },
    })
    const gives = clerk(
      { 'order.paid': ({ data }, { cancel }) => cancel(Call, data.order) },
      { retry: { attempts: 100, firstDelayMs: 10, maxDelayMs: 10 } },
    )
    await using sim = simulation({
      parts: [Orders, Reminders, answers, gives],
      setup: (tx) => tx.query`create table if not exists called (o text)`,
      seed,
    })
    await sim.untilIdle()
    if (seed % 3 === 0) await sim.processors.pause('calls')
    const order = 'o-1'
    // What they give is lost with the process.
    sim.app.request(Call, { order }, { id: order }).catch(() => {})
    sim.app.publish(Paid, { order }, { id: order }).catch(() => {})
    await sim.advance((seed % 20) / 10)
    await sim.crash({ power: seed % 2 === 0 })
    await sim.restart()
    await sim.publish(Paid, { order }, { id: order })
    await sim.processors.resume('calls')
    await sim.untilIdle()
    const called = sim.query`select o from called`.length
    const [request] = sim.query<{ state: string }>`select state from millrace_requests`
    const end = request === undefined ? 'never accepted' : `${request.state}, handled ${called} times`
    ends[end] = (ends[end] ?? 0) + 1
  }
  assert.deepEqual(Object.keys(ends).toSorted(), [
    'never accepted',
    'replied, handled 1 times',
    'withdrawn, handled 0 times',
  ])
})
