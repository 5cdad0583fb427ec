// Failures as events: one for each failure for good, one for each end, in order, whatever dies in between.
import assert from 'node:assert/strict'
import test from 'node:test'
import { type Broker, desk, event, failures, hold, processor, Refused, sqlite, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { randomOf } from '../../src/testing/random.ts'
import { place, rows } from '../support.ts'
import { bank, bankApp, hasty, ledger, Moved, Moves, onlyHeld, publish, told, upTo } from './support.ts'

test('a final failure is told with everything about it, and so is its end', async (t) => {
  const events: { type: string; data: unknown; context: string | undefined; causationId: string | undefined }[] = []
  const listener = processor('listener', {
    on: failures,
    handle: {
      'processing.failed': ({ type, data, context, causationId }) =>
        void events.push({ type, data, context, causationId }),
      'processing.resolved': ({ type, data, context, causationId }) =>
        void events.push({ type, data, context, causationId }),
    },
  })
  let broken = true
  const sim = bank(t, [
    listener,
    ledger(() => {
      if (broken) throw new Refused('closed', { until: 9 })
    }),
  ])
  const { id } = await sim.publish(Moved, { account: 'a', n: 1 })
  const time = sim.published(Moved)[0]!.time
  await sim.untilIdle()
  broken = false
  const { id: item } = onlyHeld(sim)
  await sim.settled(sim.app.desk.resubmit(item, { account: 'a', n: 2 }, { by: 'ann', reason: 'two' }))
  await sim.untilIdle()
  const message = { id, type: 'moved', context: 'a', source: '/bank', time, correlationId: id }
  assert.deepEqual(events, [
    {
      type: 'processing.failed',
      context: 'a',
      causationId: id,
      data: {
        processor: 'ledger',
        on: 'moves',
        message: { ...message, data: { account: 'a', n: 1 } },
        error: { code: 'refused', message: 'closed', data: { until: 9 } },
        attempts: 1,
        corrections: 0,
      },
    },
    {
      type: 'processing.resolved',
      context: 'a',
      causationId: id,
      data: {
        processor: 'ledger',
        on: 'moves',
        message: { ...message, data: { account: 'a', n: 2 } },
        outcome: 'handled',
        corrections: 1,
      },
    },
  ])
})

test('a failure followed by a success is told to no processor; a message given up is', async (t) => {
  let fails = 1
  const sim = bank(t, [
    ledger(({ n }) => {
      if (n === 0 && fails-- > 0) throw new Error('once')
      if (n === 1) throw new Error('always')
    }),
  ])
  await publish(sim, 'a', upTo(3))
  await sim.untilIdle()
  await sim.settled(sim.app.desk.discard(onlyHeld(sim).id, { by: 'ann', reason: 'no need' }))
  await sim.untilIdle()
  assert.deepEqual(told(sim), [
    { type: 'failed', processor: 'ledger', n: 1 },
    { type: 'resolved', processor: 'ledger', n: 1, outcome: 'discarded' },
  ])
})

test('a message without a context is told in a lane of its own, by its id', async (t) => {
  const Rang = event('rang', { schema: z.object({ n: z.number() }) })
  const Bells = topic('bells', [Rang])
  const contexts: (string | undefined)[] = []
  const sim = simulation({
    parts: [
      processor('ears', {
        on: Bells,
        handle: {
          rang: () => {
            throw new Refused('deaf')
          },
        },
      }),
      processor('listener', {
        on: failures,
        handle: {
          'processing.failed': ({ context, data }) => void contexts.push(context, data.message.context ?? 'none'),
        },
      }),
    ],
  })
  t.after(() => sim.stop())
  const { id } = await sim.publish(Rang, { n: 1 })
  await sim.untilIdle()
  assert.deepEqual(contexts, [id, 'none'])
})

test('a processor of failures that fails itself is held like any other, and its failure is not told', async (t) => {
  const sim = bank(t, [
    ledger(() => {
      throw new Refused('closed')
    }),
    processor('listener', {
      on: failures,
      retry: { attempts: 1 },
      handle: {
        'processing.failed': () => {
          throw new Error('broken too')
        },
      },
    }),
  ])
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  assert.deepEqual(
    sim.held().map(({ processor: who }) => who),
    ['ledger', 'listener'],
  )
  assert.equal(told(sim).length, 1)
  await sim.settled(sim.app.desk.discard(sim.held()[1]!.id, { by: 'ann', reason: 'heard' }))
  await sim.untilIdle()
  assert.equal(told(sim).length, 1)
})

test('a failure is told also where a rule decides about it, and a rule of the topic of failures may be there too', async (t) => {
  const asked: string[] = []
  const sim = bank(t, [
    ledger(() => {
      throw new Refused('closed')
    }),
    desk('move-desk', { on: Moves, decide: { moved: () => hold('by rule') } }),
    processor('listener', {
      on: failures,
      retry: { attempts: 1 },
      handle: {
        'processing.failed': () => {
          throw new Error('broken too')
        },
      },
    }),
    desk('failure-desk', {
      on: failures,
      decide: {
        'processing.failed': ({ message }) => {
          asked.push(message.data.processor)
          return hold('by rule')
        },
      },
    }),
  ])
  await publish(sim, 'a', [0])
  await sim.untilIdle()
  assert.deepEqual([asked, told(sim).length, sim.held().length], [['ledger'], 1, 2])
})

test('across crashes each failure and each end is told exactly once, in the order of its context, for twenty seeds', async (t) => {
  for (const seed of upTo(20)) {
    const random = randomOf(seed, 'crashes')
    const broken = new Set(upTo(8).filter(() => random.chance(0.4)))
    const sim = bank(
      t,
      [
        ledger(({ n }) => {
          if (broken.has(n)) throw new Error(`broken ${n}`)
        }),
      ],
      { seed },
    )
    const dies = async () => {
      if (!random.chance(0.4)) return
      await sim.advance(random() * 6)
      await sim.crash({ power: random.chance(0.5) })
      await sim.restart()
    }
    const expected: string[] = []
    for (const n of upTo(8)) {
      await publish(sim, 'a', [n])
      await dies()
    }
    for (;;) {
      await sim.untilIdle()
      const [held] = sim.held()
      if (held === undefined) break
      const { n } = JSON.parse(held.message.json) as { n: number }
      expected.push(`failed ${n}`)
      const what = random.pick(['mend', 'mend', 'discard', 'again'])
      if (what === 'discard') {
        await sim.settled(sim.app.desk.discard(held.id, { by: 'ann', reason: 'no need' }))
        expected.push(`discarded ${n}`)
      } else {
        if (what === 'mend') broken.delete(n)
        await sim.release(held.id)
        if (what === 'mend') expected.push(`handled ${n}`)
      }
      await dies()
    }
    assert.deepEqual(
      told(sim).map(({ type, n, outcome }) => `${outcome ?? type} ${n}`),
      expected,
      `seed ${seed}`,
    )
    await sim.stop()
  }
})

test('stock that was taken is given back when the confirmation of the order fails', async (t) => {
  const Placed = event('order.placed', {
    schema: z.object({ orderId: z.string(), sku: z.string(), quantity: z.number() }),
    context: ({ orderId }) => orderId,
  })
  const Orders = topic('orders', [Placed])
  const stock = processor('stock', {
    on: Orders,
    handle: {
      'order.placed': ({ data: { orderId, sku, quantity } }, { commit }) =>
        commit(async (tx) => {
          await tx.query`update stock set left = left - ${quantity} where sku = ${sku}`
          await tx.query`insert into taken (orderId, sku, quantity) values (${orderId}, ${sku}, ${quantity})`
        }),
    },
  })
  const confirmation = processor('confirmation', {
    on: Orders,
    retry: hasty,
    handle: {
      'order.placed': ({ data: { orderId } }) => {
        if (orderId === 'o2') throw new Refused('no such customer')
      },
    },
  })
  const giveBack = processor('give-back', {
    on: failures,
    handle: {
      'processing.failed': ({ data: { processor: who, message } }, { commit }) => {
        if (who !== 'confirmation') return
        const { orderId } = message.data as { orderId: string }
        return commit(async (tx) => {
          const [taken] = await tx.query<{ sku: string; quantity: number }>`
            delete from taken where orderId = ${orderId} returning sku, quantity`
          if (taken === undefined) throw new Error('not taken yet')
          await tx.query`update stock set left = left + ${taken.quantity} where sku = ${taken.sku}`
        })
      },
    },
  })
  for (const seed of upTo(5)) {
    const sim = simulation({
      parts: [stock, confirmation, giveBack],
      seed,
      setup: async (tx) => {
        await tx.query`create table if not exists stock (sku text primary key, left int)`
        await tx.query`insert or ignore into stock values ('cup', 100)`
        await tx.query`create table if not exists taken (orderId text primary key, sku text, quantity int)`
      },
    })
    t.after(() => sim.stop())
    const orders = ['o1', 'o2', 'o3'].map((orderId, index) => ({ orderId, sku: 'cup', quantity: index + 1 }))
    await Promise.all(orders.map((order) => sim.publish(Placed, order)))
    await sim.advance(seed)
    await sim.crash()
    await sim.restart()
    await sim.untilIdle()
    assert.deepEqual(sim.rows('stock'), [{ sku: 'cup', left: 96 }])
    assert.deepEqual(sim.query`select orderId from taken order by 1`, [{ orderId: 'o1' }, { orderId: 'o3' }])
    await sim.stop()
  }
})

test('an attempt that fails while the failure before is still being written is told in full, on any disk', async (t) => {
  const file = place(t)
  let attempts = 0
  const third = Promise.withResolvers<void>()
  const part = ledger(
    () => {
      attempts++
      // What follows from this one comes after it, while the commit of the one before waits.
      if (attempts === 3) setImmediate(third.resolve)
      throw new Error('broken')
    },
    { retry: { attempts: 3, firstDelayMs: 1, maxDelayMs: 1, jitter: 0 } },
  )
  const broker = sqlite({ file })
  const states: unknown[] = []
  const watched: Broker = {
    ...broker,
    create: (world) => {
      const store = broker.create(world)
      const commit = store.commit.bind(store)
      store.commit = async (batch) => {
        // As when a checkpoint is under way.
        if (attempts === 2) await third.promise
        const committed = await commit(batch)
        const [stream] = rows<{ id: number }>(file, "select id from millrace_streams where name = 'failures'")
        states.push(
          ...rows(
            file,
            `select (select count(*) from millrace_desk where state = 'held') as held,
               (select count(*) from millrace_audit where action = 'held') as audited,
               (select count(*) from millrace_log_${stream!.id}) as told`,
          ).map((row) => Object.values(row).join(' ')),
        )
        return committed
      }
      return store
    },
  }
  const app = bankApp([part], {}, file)
  t.after(() => app.stop())
  await app.start({ broker: watched })
  await app.publish(Moved, { account: 'a', n: 0 })
  await app.idle()
  assert.equal(attempts, 3)
  assert.deepEqual(new Set(states), new Set(['0 0 0', '1 1 1']))
})
