// What people ask of the desk of an app that does not run, and what the next starts make of it.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { type App, app, event, type OfflineWriter, processor, type StartOptions, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { coded, place } from './support.ts'

const Placed = event('placed', { schema: z.object({ id: z.string() }), context: ({ id }) => id })
const Orders = topic('orders', [Placed])

/** An app whose processor refuses everything until `mended` is set. */
function shop(file: string, state: { mended: boolean }): App {
  const stock = processor('stock', {
    on: Orders,
    retry: { attempts: 1 },
    handle: {
      placed: () => {
        if (!state.mended) throw new Error('no stock')
      },
    },
  })
  return app({ name: 'shop', broker: sqlite({ file }), log: () => {}, parts: [Orders, stock] })
}

/** A stopped app with two held messages, and then what is asked for in its file. */
async function held(t: TestContext, ask?: (writer: OfflineWriter) => Promise<unknown>): Promise<App> {
  const state = { mended: false }
  const one = shop(place(t), state)
  t.after(() => one.stop({ graceMs: 0 }))
  await one.start()
  for (const id of ['a', 'b']) await one.publish(Placed, { id })
  await one.idle()
  await one.stop()
  if (ask !== undefined) {
    const writer = await one.broker.offline!.write()
    await ask(writer)
    await writer.close()
  }
  state.mended = true
  return one
}

async function run(one: App, options?: StartOptions): Promise<void> {
  await one.start(options)
  await one.idle()
  await one.stop()
}

const states = async (one: App) => {
  const reader = await one.broker.offline!.read('stopped')
  try {
    const rows = await reader.desk.list({ states: ['held', 'trying', 'handled', 'discarded'] })
    return rows.map(({ state }) => state)
  } finally {
    await reader.close()
  }
}

test('a pending action waits for a run that has its processor', async (t) => {
  const one = await held(t, (writer) => writer.addPending(1, { do: 'retry' }, { by: 'anna' }))
  await run(one, { only: [] })
  assert.deepEqual(await states(one), ['held', 'held'])
  await run(one)
  assert.deepEqual(await states(one), ['handled', 'held'])
})

test('an operation waits for a run that has every processor', async (t) => {
  const operation = {
    name: 'all',
    action: 'release',
    by: 'anna',
    reason: null,
    change: null,
    perSecond: null,
    stopAfter: null,
    expiresAt: null,
    oneFirst: false,
    startedAt: 1,
  } as const
  const one = await held(t, (writer) => writer.select(operation, {}))
  await run(one, { only: [] })
  assert.deepEqual(await states(one), ['held', 'held'])
  await run(one)
  assert.deepEqual(await states(one), ['handled', 'handled'])
})

test('an app is idle when an operation that gives messages up is done', async (t) => {
  const one = await held(t)
  await one.start()
  await one.desk.select('discard', {}, { name: 'away', by: 'anna', reason: 'a test' })
  await one.idle()
  const [operation] = await one.desk.operations()
  assert.deepEqual([operation!.state, operation!.done, operation!.refused], ['done', 2, 0])
})

test('one message first does not go with a discard: a discarded message is never handled', async (t) => {
  const one = await held(t)
  await one.start()
  const options = { name: 'away', by: 'anna', reason: 'a test', oneFirst: true }
  await assert.rejects(
    one.desk.select('discard', {}, options),
    coded('millrace/bad-option', /oneFirst does not go with discard/),
  )
})

test('pausing what is paused changes nothing, and the audit log says so once', async (t) => {
  const one = await held(t)
  await one.start()
  for (const by of ['anna', 'ben']) await one.processors.pause('stock', { by })
  for (const by of ['ben', 'anna']) await one.processors.resume('stock', { by })
  const log = await one.desk.audit()
  assert.deepEqual(
    log.filter(({ item }) => item === null).map(({ action, by }) => [action, by]),
    [
      ['resumed', 'ben'],
      ['paused', 'anna'],
    ],
  )
})

test('a pending action that became impossible is on record with the reason', async (t) => {
  const resubmit = { do: 'resubmit', data: { id: 'other' }, note: 'moved' } as const
  const one = await held(t, (writer) => writer.addPending(1, resubmit, { by: 'anna', reason: 'moved' }))
  await one.start()
  await one.idle()
  assert.deepEqual(
    (await one.desk.list()).map(({ id, state }) => [id, state]),
    [
      [1, 'held'],
      [2, 'held'],
    ],
  )
  const [last] = await one.desk.audit({ item: 1 })
  assert.deepEqual([last!.action, last!.by, last!.detail], ['not possible', 'anna', { action: resubmit, why: 'moved' }])
  assert.match(last!.reason!, /from context "a" to "other"/)
})
