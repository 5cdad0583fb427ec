import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { startThread } from '../node/thread.ts'
import { place } from './sync-memory.ts'
import { Syncs } from './syncs.ts'
import { threads } from './threads.ts'

/** The thread for syncs, to which the end comes between its first two looks at the memory after it was woken. */
const thread = `
  import { workerData } from 'node:worker_threads'
  const { control } = workerData
  const { load, wait } = Atomics
  let looks = Number.NEGATIVE_INFINITY
  Atomics.wait = (memory, at, seen) => {
    if (load(control, ${place.ends}) === 1 && load(memory, at) === seen) throw new Error('it waits and has not seen the end')
    const woken = wait(memory, at, seen)
    if (looks < 0) looks = 0
    return woken
  }
  Atomics.load = (memory, at) => {
    if (++looks === 2) {
      Atomics.store(control, ${place.ends}, 1)
      Atomics.add(control, ${place.asked}, 1)
    }
    return load(memory, at)
  }
  await import(${JSON.stringify(threads.sync.href)})
`

test('an end that comes while the thread wakes for a sync is seen', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'a.db')
  writeFileSync(`${file}-wal`, '')
  const control = new Syncs(1).memory
  Atomics.store(control, place.asked, 1)
  const failed = await new Promise((resolve) => {
    const code = new URL(`data:text/javascript,${encodeURIComponent(thread)}`)
    startThread(code, { file, control }, { failed: resolve, ended: () => resolve(undefined) })
  })
  assert.equal(failed, undefined)
  assert.equal(Atomics.load(control, place.ends), 1)
})
