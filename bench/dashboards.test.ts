import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { watch } from './dashboards.ts'
import { observer, open, source } from './millrace.ts'

test('each dashboard has a stream, and reads all of its home page', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const running = await open(folder, [observer('p0')])
  t.after(() => running.stop())
  const watched = await watch(running, 3)
  await source(running, { inFlight: 10, contexts: 10 })((published) => published < 100)
  const { pulses, reads } = await watched.end()
  assert(pulses >= 3, `${pulses} pulses`)
  assert(reads >= 3 * 5, `${reads} reads`)
})
