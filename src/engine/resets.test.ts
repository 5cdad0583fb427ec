// The ends of failures that a reset tells, where the run ends in that time.
import assert from 'node:assert/strict'
import test from 'node:test'
import { fault } from '../model/errors.ts'
import { Resets, type ResetsHost } from './resets.ts'

test('when the run ends between two reads of the ends of a reset, the reset is told why, and no rejection is left', async () => {
  const why = fault('millrace/sync-failed', 'the disk is gone')
  const { promise: failed, reject } = Promise.withResolvers<void>()
  const ended: number[] = []
  const entry = async (id: number) => {
    if (id === 2) {
      reject(why)
      // Node.js looks here for rejections that nobody handles.
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { id }
  }
  const host = {
    store: { processors: { untold: async () => [1, 2] }, desk: { entry } },
    committer: { written: async () => failed },
    world: { now: () => 0 },
    told: () => [],
    ended: (item: number) => ended.push(item),
  }
  failed.catch(() => {})
  await assert.rejects(new Resets(host as unknown as ResetsHost).tell(), why)
  assert.deepEqual(ended, [])
})
