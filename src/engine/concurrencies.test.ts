import assert from 'node:assert/strict'
import test from 'node:test'
import type { ConcurrencyChange } from '../seam/processors.ts'
import { Concurrencies } from './concurrencies.ts'

function concurrencies({ fails = false } = {}) {
  const kept: (ConcurrencyChange & { at: number })[] = []
  const all = new Concurrencies({
    world: { now: () => 9 },
    store: {
      progress: { rows: async () => [{ processor: 'stock' }, { processor: 'ledger' }] },
      processors: {
        concurrencies: async () => [{ processor: 'ledger', most: 3 }],
        setConcurrency: async (change: ConcurrencyChange, at: number) => {
          if (fails) throw new Error('the disk is full')
          kept.push({ ...change, at })
        },
      },
    } as never,
    committer: { alone: (work) => work() },
  })
  return { all, kept }
}

const actor = { by: 'ann' }
const spec = (name: string) => ({ name, concurrency: 10 })

test('a processor has the number of its code, or the one that was kept', async () => {
  const { all } = concurrencies()
  await all.takeUp()
  assert.deepEqual([all.of(spec('stock')).now, all.of(spec('ledger')).now], [10, 3])
})

test('a number is written, then holds for what runs and for what is made anew; null brings that of the code back', async () => {
  const { all, kept } = concurrencies()
  const running = all.of(spec('stock'))
  await all.set({ processor: 'stock', most: 2, actor })
  assert.deepEqual(kept, [{ processor: 'stock', most: 2, actor, at: 9 }])
  assert.deepEqual([running.now, all.of(spec('stock')).now], [2, 2])
  await all.set({ processor: 'stock', most: null, actor })
  assert.deepEqual([running.now, all.of(spec('stock')).now], [2, 10])
})

test('a number that cannot be written changes nothing', async () => {
  const { all } = concurrencies({ fails: true })
  const running = all.of(spec('stock'))
  await assert.rejects(all.set({ processor: 'stock', most: 2, actor }), /the disk is full/)
  assert.deepEqual([running.now, all.of(spec('stock')).now], [10, 10])
})

test('a processor that the store does not know is refused with the name that is near', async () => {
  const { all, kept } = concurrencies()
  await assert.rejects(all.set({ processor: 'stok', most: 2, actor }), {
    code: 'millrace/unknown-processor',
    message: /no processor "stok".*did you mean "stock"/,
  })
  assert.deepEqual(kept, [])
})
