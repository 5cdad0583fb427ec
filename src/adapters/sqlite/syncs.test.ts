import assert from 'node:assert/strict'
import test from 'node:test'
import { place } from './sync-memory.ts'
import { Syncs } from './syncs.ts'

/** Syncs without a thread: the test answers. */
function opened() {
  const files = { why: undefined as string | undefined, looks: 0 }
  const look = () => {
    files.looks++
    return files.why
  }
  const syncs = new Syncs(1)
  syncs.open('a.db', { glance: look, misplaced: look })
  return { syncs, files }
}

test('one answer is for every sync up to its number', async () => {
  const { syncs, files } = opened()
  const [first, second, third] = [syncs.ask('single'), syncs.ask('single'), syncs.ask('chained')]
  assert.equal(Atomics.load(syncs.memory, place.asked), 3)
  syncs.answered({ number: 2, freeBytes: 5 })
  assert.deepEqual(await Promise.all([first, second]), [
    { number: 2, freeBytes: 5 },
    { number: 2, freeBytes: 5 },
  ])
  syncs.answered({ number: 3, freeBytes: 4 })
  assert.equal((await third).freeBytes, 4)
  assert.ok(files.looks >= 3)
})

test('a thread that fails fails every requested sync, and every later one, with the first error', async () => {
  const { syncs } = opened()
  const asked = [syncs.ask('single'), syncs.ask('single')]
  syncs.answered({ number: 1, freeBytes: 0, error: 'Error: EIO' })
  for (const one of asked)
    await assert.rejects(one, { code: 'millrace/sync-failed', message: /a\.db-wal failed: Error: EIO/ })
  syncs.fail('later')
  await assert.rejects(syncs.ask('single'), /EIO/)
  assert.equal(syncs.broken?.code, 'millrace/sync-failed')
})

test('a sync of files that are no longer in their place rejects, although the thread has synced', async () => {
  const { syncs, files } = opened()
  files.why = 'a.db was removed or moved'
  await assert.rejects(syncs.ask('single'), { code: 'millrace/files-replaced' })
})
