import assert from 'node:assert/strict'
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeDisk } from './node-disk.ts'

test('after a sync has failed no other succeeds and no checkpoint begins, and it closes though its thread is gone', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'millrace-'))
  const disk = nodeDisk()
  await disk.open(join(folder.path, 'none.db'), [])
  // There is no -wal file to be synced.
  await assert.rejects(disk.sync('single'), { code: 'millrace/sync-failed' })
  await assert.rejects(disk.checkpoint(), { code: 'millrace/disk-failed', message: /a sync of .*none\.db has failed/ })
  await assert.rejects(disk.sync('single'), { code: 'millrace/sync-failed' })
  // Long enough for the thread to have ended.
  await sleep(300)
  await disk.close()
})
