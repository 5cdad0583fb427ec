// The thread that reads lists: it hangs, or is killed, and nothing else notices.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, event, processor, topic } from 'millrace'
import { z } from 'zod'
import { startThread, type Thread } from '../../src/adapters/node/thread.ts'
import { sqliteOn } from '../../src/adapters/sqlite/index.ts'
import { nodeDisk } from '../../src/adapters/sqlite/node-disk.ts'
import { Reader, type ReaderNeeds } from '../../src/adapters/sqlite/reader.ts'
import { threads } from '../../src/adapters/sqlite/threads.ts'
import { coded, place, rows, started, until } from '../support.ts'

const Ticked = event('ticked', { schema: z.object({ n: z.number() }) })
const Ticks = topic('ticks', [Ticked])

/** An app whose reader runs this code, with a timer that the test ends. */
function appOn(file: string, code: () => URL) {
  const seen = new SharedArrayBuffer(4)
  const running: Thread[] = []
  const timers = new Set<() => void>()
  let handled = 0
  const needs: ReaderNeeds = {
    start(data, listener) {
      const thread = startThread(code(), { ...data, seen }, listener)
      running.push(thread)
      return thread
    },
    after(_, fn) {
      timers.add(fn)
      return () => void timers.delete(fn)
    },
  }
  const disk = () => {
    const inner = nodeDisk()
    const reader = new Reader(needs)
    return {
      ...inner,
      open: (...given: Parameters<typeof inner.open>) => {
        reader.open(...given)
        return inner.open(...given)
      },
      read: (...given: Parameters<typeof reader.ask>) => reader.ask(...given),
      close: () => {
        reader.close()
        return inner.close()
      },
    } as ReturnType<typeof nodeDisk>
  }
  const tick = processor('tick', {
    on: Ticks,
    handle: {
      ticked: () => {
        handled++
      },
    },
  })
  const shop = app({
    name: 'shop',
    broker: sqliteOn({ file, checkpointBytes: 100_000 }, disk),
    parts: [Ticks, tick],
    log: () => {},
  })
  return { shop, seen: new Int32Array(seen), running, timers, handled: () => handled }
}

const some = (count: number) => Array.from({ length: count }, (_, n) => ({ data: { n } }))

test('a reader that hangs in a transaction keeps up neither handling nor, once ended, a checkpoint', async (t) => {
  const file = place(t)
  let code = new URL('../support/hanging-reader.ts', import.meta.url)
  const { shop, seen, timers, handled } = appOn(file, () => code)
  await started(t, shop)
  await shop.publishMany(Ticked, some(2_000))
  const hangs = shop.messages.list()
  const waits = shop.messages.list({ limit: 1 })
  await until('it hangs in its transaction', () => Atomics.load(seen, 0) === 1)
  await shop.publishMany(Ticked, some(5_000))
  await shop.idle()
  assert.equal(handled(), 7_000)
  assert.equal(shop.health().status, 'green')
  code = threads.reader
  for (const giveUp of [...timers]) giveUp()
  await assert.rejects(hangs, coded('millrace/reader-ended', /no answer/))
  assert.equal((await waits).items.length, 1)
  // A checkpoint that finds no reader copies all; the next transaction then begins the -wal from its beginning.
  await until('all pages are copied', async () => {
    await shop.publishMany(Ticked, some(1_000))
    const [state] = rows<{ log: number; checkpointed: number }>(file, 'pragma wal_checkpoint(noop)')
    return state!.log === state!.checkpointed || state!.log < 100
  })
})

test('a reader that is killed in the middle of a request fails it, clearly, and the next request is answered', async (t) => {
  const { shop, running } = appOn(place(t), () => threads.reader)
  await started(t, shop)
  await shop.publishMany(Ticked, some(3_000))
  await shop.messages.list()
  const cut = Array.from({ length: 20 }, () => shop.messages.list({ correlation: 'nobody' }))
  running[0]!.terminate()
  const ends = await Promise.allSettled(cut)
  const failed = ends.filter((end) => end.status === 'rejected')
  assert.equal(failed.length, 1)
  assert(coded('millrace/reader-ended')(failed[0]!.reason))
  const { items, complete } = await shop.messages.list({ limit: 3, order: 'oldest' })
  assert.deepEqual([items.map(({ position }) => position), complete, running.length], [[1, 2, 3], false, 2])
  await shop.stop()
  await assert.rejects(shop.messages.list(), coded('millrace/not-started'))
})

test('an app without a list has no thread for it', async (t) => {
  const { shop, running } = appOn(place(t), () => threads.reader)
  await started(t, shop)
  await shop.publish(Ticked, { n: 1 })
  await shop.idle()
  assert.equal(running.length, 0)
})
