// The receipt of a message: what is on record about it, the same after a crash, and no data.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { app, channel, command, event, processor, sqlite, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { stoppedMessages } from '../src/operate/stopped.ts'
import { millrace, objectsOf } from './cli/support/millrace.ts'
import { place } from './support.ts'

const Placed = event('placed', { schema: z.object({ n: z.number() }), context: ({ n }) => String(n) })
const Booked = event('booked', { schema: z.object({ n: z.number() }), context: ({ n }) => String(n) })
const Pack = command('pack', { schema: z.object({ n: z.number() }), reply: z.object({ boxes: z.number() }) })
const Orders = topic('orders', [Placed])
const Books = topic('books', [Booked])
const Work = channel('work', [Pack])
const ann = { by: 'ann', reason: 'the sign was wrong' }

/** A shop whose ledger fails at negative numbers, and whose log takes all. */
function shop(file = 'shop.db') {
  const retry = { attempts: 2, firstDelayMs: 1, maxDelayMs: 1, jitter: 0 } as const
  const ledger = processor('ledger', {
    on: Orders,
    retry,
    publishes: [Booked],
    handle: {
      placed: ({ data: { n } }, { publish }) => {
        if (n < 0) throw Object.assign(new Error(`no order has ${n}`), { code: 'NEGATIVE' })
        publish(Booked, { n })
        publish(Booked, { n })
      },
    },
  })
  const notes = processor('notes', { on: Orders, handle: { placed: () => {} } })
  const packer = processor('packer', { on: Work, handle: { pack: () => ({ boxes: 2 }) } })
  return app({ name: 'shop', broker: sqlite({ file }), log: () => {}, parts: [ledger, notes, packer, Books] })
}

test('a message that failed, was corrected and discarded has all of that in its receipt, the same after a crash', async () => {
  await using sim = simulation({ app: () => shop() })
  await sim.publish(Placed, { n: -1 }, { id: 'o-1' })
  await sim.untilIdle()
  const { items } = await sim.settled(sim.app.messages.receipt('o-1'))
  const ledger = items[0]!.processors.find(({ processor }) => processor === 'ledger')!
  assert.deepEqual([ledger.state, ledger.failed.map(({ code }) => code)], ['held', ['NEGATIVE', 'NEGATIVE']])
  await sim.settled(sim.app.desk.resubmit(ledger.item!, { n: -1 }, ann).catch(() => {}))
  await sim.untilIdle()
  await sim.settled(sim.app.desk.discard(ledger.item!, ann))
  await sim.untilIdle()
  const before = await sim.settled(sim.app.messages.receipt('o-1'))
  await sim.crash({ power: true })
  await sim.restart()
  await sim.untilIdle()
  const after = await sim.settled(sim.app.messages.receipt('o-1'))
  assert.deepEqual({ ...after, at: 0 }, { ...before, at: 0 })
  const [receipt, ...more] = after.items
  assert.deepEqual([more, after.complete], [[], true])
  const { type, source, destination, position, context, acceptedAt, dataSha256, bytes, sent, sentComplete } = receipt!
  assert.deepEqual([type, source, destination, position, context], ['placed', '/shop', 'orders', 1, '-1'])
  assert.equal(dataSha256, createHash('sha256').update('{"n":-1}').digest('hex'))
  assert.deepEqual([bytes, sentComplete, receipt!.request], [8, true, null])
  assert.deepEqual(
    sent.map((one) => one.type),
    ['processing.failed', 'processing.failed', 'processing.resolved'],
  )
  const [first, second] = receipt!.processors
  assert.deepEqual(
    first!.acts.map(({ action, by, reason }) => [action, by, reason]),
    [
      ['held', 'millrace', null],
      ['resubmitted', 'ann', ann.reason],
      ['held', 'millrace', null],
      ['discarded', 'ann', ann.reason],
    ],
  )
  assert.deepEqual([first!.state, first!.corrections], ['discarded', 1])
  assert(first!.resolvedAt! >= acceptedAt)
  assert.deepEqual(second, {
    ...{ processor: 'notes', state: 'done', item: null, failed: [], corrections: 0, acts: [], resolvedAt: null },
  })
  assert.doesNotMatch(JSON.stringify(after), /no order has/)
})

test('messages caused by a message are in its receipt, and nothing else of its flow', async () => {
  await using sim = simulation({ app: () => shop() })
  const { id } = await sim.publish(Placed, { n: 1 })
  await sim.publish(Placed, { n: 2 })
  await sim.untilIdle()
  const [receipt] = (await sim.settled(sim.app.messages.receipt(id))).items
  assert.deepEqual(
    receipt!.sent.map(({ type, destination, source, context }) => [type, destination, source, context]),
    [
      ['booked', 'books', '/shop/ledger', '1'],
      ['booked', 'books', '/shop/ledger', '1'],
    ],
  )
  const [effect] = (await sim.settled(sim.app.messages.receipt(receipt!.sent[0]!.id))).items
  assert.deepEqual([effect!.causationId, effect!.correlationId, effect!.sent], [id, id, []])
  assert.deepEqual((await sim.settled(sim.app.messages.receipt('none'))).items, [])
})

test('the receipt of a request has its end, and is the same from the command, running and stopped', async (t) => {
  const file = place(t)
  const one = shop(file)
  t.after(() => one.stop({ graceMs: 0 }))
  await one.start()
  await one.request(Pack, { n: 1 }, { id: 'r-1' })
  const { at: _, ...receipt } = await one.messages.receipt('r-1')
  const { request } = receipt.items[0]!
  assert.deepEqual([request?.state, request!.endedAt! >= request!.askedAt], ['replied', true])
  const told = async () => {
    const { status, out } = await millrace(['messages', 'receipt', '--db', file, 'r-1', '--json'])
    const [{ at: _at, ...all } = {}] = objectsOf(out)
    return { status, all }
  }
  const running = await told()
  assert.deepEqual([running.status, (running.all['request'] as { state: string }).state], [0, 'replied'])
  await one.stop()
  assert.deepEqual(await told(), running)
  const stopped = await stoppedMessages(one.broker.offline!, [], Date.now).receipt('r-1')
  assert.deepEqual(stopped.items, receipt.items)
  const { out } = await millrace(['messages', 'receipt', '--db', file, 'r-1'])
  assert.match(out, /^receipt of message r-1, made out at /)
  assert.match(out, /\n {2}request +replied at \d{4}-/)
  assert.match(out, /\n {2}packer: done\n/)
  for (const line of out.split('\n')) assert(line.length <= 80, line)
  const none = await millrace(['messages', 'receipt', '--db', file, 'r-2'])
  assert.match(none.err, /\(millrace\/unknown-message\)/)
})
