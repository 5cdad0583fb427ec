import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durableReads } from './durable-reads.ts'

interface Counters {
  one(step: number): Promise<number>
  both(): Promise<readonly number[]>
}

test('a facet of reads answers when what it shows is durable', async () => {
  const durable = Promise.withResolvers<void>()
  let value = 1
  const reads = {
    one: (step: number) => value + step,
    both() {
      return [this.one(0), this.one(1)]
    },
  }
  const facet = durableReads<Counters>(reads, { durable: async (read) => durable.promise.then(read) })
  const answers = Promise.all([facet.one(5), facet.both()])
  value = 2
  durable.resolve()
  assert.deepEqual(await answers, [7, [2, 3]])
})
