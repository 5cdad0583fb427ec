// Order per context through failures, retries, holds and releases, on the public surface with a real file.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { bank, folder, Moved, recorder, seen, upTo } from './lanes-bank.ts'

test('a held message closes its lane and no other; others continue, and its own line waits in order', async (t) => {
  const file = folder(t)
  let broken = true
  const bankApp = bank(
    file,
    recorder('ledger', (n, account) => {
      if (broken && account === 'a' && n === 1) throw new Error('broken')
    }),
  )
  await bankApp.start()
  for (const n of upTo(4)) for (const account of ['a', 'b']) await bankApp.publish(Moved, { account, n })
  await bankApp.idle()
  assert.deepEqual(Object.fromEntries(seen(file, 'ledger')), { a: [0], b: [0, 1, 2, 3] })
  assert.deepEqual(await bankApp.desk.counts(), { held: 1, snoozed: 0, waiting: 2, discarded: 0 })
  const [held] = await bankApp.desk.list({ states: ['held'] })
  assert.equal(held?.error?.message, 'broken')
  assert.equal(held?.attempts, 2)
  assert.equal(held?.waiting, 2)
  broken = false
  await bankApp.desk.release(held!.id)
  await bankApp.publish(Moved, { account: 'a', n: 4 })
  await bankApp.idle()
  assert.deepEqual(seen(file, 'ledger').get('a'), upTo(5))
  await assert.rejects(bankApp.desk.release(held!.id), { code: 'millrace/not-held' })
  await bankApp.stop()
})

test('a middle message of a line that fails again is held with the rest of the line behind it', async (t) => {
  const file = folder(t)
  const broken = new Set([1, 3])
  const bankApp = bank(
    file,
    recorder('ledger', (n) => {
      if (broken.has(n)) throw new Error(`broken ${n}`)
    }),
  )
  await bankApp.start()
  for (const n of upTo(6)) await bankApp.publish(Moved, { account: 'a', n })
  await bankApp.idle()
  broken.delete(1)
  const [first] = await bankApp.desk.list({ states: ['held'] })
  await bankApp.desk.release(first!.id)
  await bankApp.idle()
  const [second] = await bankApp.desk.list({ states: ['held'] })
  assert.equal(second?.error?.message, 'broken 3')
  assert.equal(second?.waiting, 2)
  assert.deepEqual(seen(file, 'ledger').get('a'), [0, 1, 2])
  broken.clear()
  await bankApp.desk.release(second!.id)
  await bankApp.idle()
  assert.deepEqual(seen(file, 'ledger').get('a'), upTo(6))
  await bankApp.stop()
})

test('a lane that waits for its next attempt does not hold others back, however many messages come', async (t) => {
  const file = folder(t)
  const bankApp = app({
    name: 'bank',
    broker: sqlite({ file }),
    windowMessages: 50,
    log: () => {},
    setup: (tx) => tx.query`create table if not exists seen (place integer primary key, who text, account text, n int)`,
    parts: [
      recorder(
        'ledger',
        (n, account) => {
          if (account === 'slow' && n === 0) throw new Error('not yet')
        },
        { retry: { attempts: 1_000, firstDelayMs: 3_600_000, maxDelayMs: 3_600_000 } },
      ),
    ],
  })
  await bankApp.start()
  const others = new Promise<void>((resolve) => {
    const look = () => {
      if ((seen(file, 'ledger').get('quick')?.length ?? 0) === 200) resolve()
      else setTimeout(look, 20)
    }
    look()
  })
  // More messages of the waiting lane than the window holds stand between the others.
  for (const n of upTo(200)) for (const account of ['slow', 'quick']) await bankApp.publish(Moved, { account, n })
  await others
  assert.equal(seen(file, 'ledger').get('slow'), undefined)
  await bankApp.stop()

  const again = bank(
    file,
    recorder('ledger', () => {}),
  )
  await again.start()
  await again.idle()
  assert.deepEqual(seen(file, 'ledger').get('slow'), upTo(200))
  assert.deepEqual(seen(file, 'ledger').get('quick'), upTo(200))
  await again.stop()
})

test('messages of a type without a context have lanes of their own: one that is held holds up none', async (t) => {
  const file = folder(t)
  const Rang = event('rang', { schema: z.object({ n: z.number() }) })
  const Bells = topic('bells', [Rang])
  const handled: number[] = []
  let broken = true
  const ears = processor('ears', {
    on: Bells,
    retry: { attempts: 1 },
    handle: {
      rang: ({ data: { n } }) => {
        if (broken && n === 1) throw new Error('broken')
        handled.push(n)
      },
    },
  })
  const bells = app({ name: 'bells', broker: sqlite({ file }), log: () => {}, parts: [ears] })
  await bells.start()
  for (const n of upTo(4)) await bells.publish(Rang, { n })
  await bells.idle()
  assert.deepEqual(handled.sort(), [0, 2, 3])
  broken = false
  const [held] = await bells.desk.list()
  await bells.desk.release(held!.id)
  await bells.idle()
  assert.deepEqual(handled.sort(), [0, 1, 2, 3])
  assert.deepEqual(await bells.desk.counts(), { held: 0, snoozed: 0, waiting: 0, discarded: 0 })
  await bells.stop()
})
