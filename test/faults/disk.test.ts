// A disk that is full, read-only, or fails to sync, while the app runs.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { type App, app, type Broker, event, isMillraceError, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { sqliteOn } from '../../src/adapters/sqlite/index.ts'
import { nodeDisk } from '../../src/adapters/sqlite/node-disk.ts'

const Asked = event('asked', {
  schema: z.object({ n: z.number().int(), pad: z.string() }),
  context: (d) => `c${d.n % 5}`,
})
const Questions = topic('questions', [Asked])

function answering(broker: Broker): App {
  const answer = processor('answer', {
    on: Questions,
    handle: { asked: ({ data: { n } }, { commit }) => commit((tx) => tx.query`insert into answers values (${n})`) },
  })
  return app({
    name: 'answering',
    broker,
    log: () => {},
    setup: (tx) => tx.query`create table if not exists answers (n integer)`,
    parts: [Questions, answer],
  })
}

/** A small disk of its own. Only root can make one. */
function smallDisk(t: { after(fn: () => void): void }): string {
  assert.equal(process.geteuid?.(), 0, 'these tests mount a small tmpfs, which only root may do')
  const folder = mkdtempSync(join(tmpdir(), 'millrace-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder])
  t.after(() => {
    execFileSync('umount', ['--lazy', folder])
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** Every number acknowledged is answered exactly once; others at most once. */
async function judge(running: App, acknowledged: readonly number[]): Promise<void> {
  await running.idle()
  const answers = (await running.read<{ n: number }>`select n from answers`).map(({ n }) => n)
  assert.equal(new Set(answers).size, answers.length, 'nothing is answered twice')
  for (const n of acknowledged) assert.ok(answers.includes(n), `${n} was acknowledged and is not answered`)
  assert.deepEqual(
    await running.desk.counts(),
    { held: 0, snoozed: 0, waiting: 0, discarded: 0 },
    'no message is blamed for the disk',
  )
}

test('on a full disk publishers are told so, nothing acknowledged is lost, and work resumes when there is room', async (t) => {
  const folder = smallDisk(t)
  const running = answering(sqlite({ file: join(folder, 'app.db'), diskFreeMinBytes: 0 }))
  await running.start()
  t.after(() => running.stop({ graceMs: 0 }))
  const acknowledged: number[] = []
  const pad = 'x'.repeat(20_000)
  const ballast = join(folder, 'ballast')
  writeFileSync(ballast, Buffer.alloc(1_000_000))
  let told: unknown
  for (let n = 0; told === undefined && n < 1_000; n++) {
    try {
      await running.publish(Asked, { n, pad })
      acknowledged.push(n)
    } catch (error) {
      told = error
    }
  }
  assert.ok(isMillraceError(told), String(told))
  assert.ok(['millrace/disk-full', 'millrace/disk-failed', 'millrace/disk-low'].includes(told.code), told.code)
  assert.equal(told.retryable, true)
  assert.equal(running.health().status, 'red')
  assert.ok(acknowledged.length > 0)
  rmSync(ballast)
  for (let n = 10_000; ; n++) {
    assert.ok(n < 10_100, 'work goes on when there is room')
    try {
      await running.publish(Asked, { n, pad: '' })
      acknowledged.push(n)
      break
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  await judge(running, acknowledged)
  assert.equal(running.health().status, 'green')
})

test('on a disk that became read-only publishers are told so, and work resumes when it is writable again', async (t) => {
  const folder = smallDisk(t)
  const file = join(folder, 'app.db')
  let running = answering(sqlite({ file, diskFreeMinBytes: 0 }))
  await running.start()
  const acknowledged = [1]
  await running.publish(Asked, { n: 1, pad: '' })
  await running.idle()
  await running.stop()
  execFileSync('mount', ['-o', 'remount,ro', folder])
  running = answering(sqlite({ file, diskFreeMinBytes: 0 }))
  await assert.rejects(running.start(), (error) => isMillraceError(error) && error.retryable)
  execFileSync('mount', ['-o', 'remount,rw', folder])
  await running.start()
  await running.publish(Asked, { n: 2, pad: '' })
  acknowledged.push(2)
  await judge(running, acknowledged)
  await running.stop()
})

test('below the required free disk publishing is refused with a clear error, and resumes when there is room', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-disk-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const { bavail, bsize } = statfsSync(folder)
  let asked = bavail * bsize * 2
  const running = answering(sqlite({ file: join(folder, 'app.db'), diskFreeMinBytes: asked }))
  await running.start()
  await assert.rejects(running.publish(Asked, { n: 1, pad: '' }), { code: 'millrace/disk-low' })
  assert.equal(running.health().status, 'red')
  assert.match(running.health().reasons.join(), /bytes free, less than/)
  await running.stop()
  asked = 0
  const again = answering(sqlite({ file: join(folder, 'app.db'), diskFreeMinBytes: asked }))
  await again.start()
  await again.publish(Asked, { n: 1, pad: '' })
  await judge(again, [1])
  await again.stop()
})

test('a sync that fails is never tried again: the store is opened anew, with all acknowledged messages', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-disk-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  let syncs = 0
  let opened = 0
  const failing = () => {
    const disk = nodeDisk()
    opened++
    let dead = false
    const { sync } = disk
    disk.sync = async () => {
      assert.equal(dead, false, 'a failed sync was tried again')
      if (++syncs % 25 !== 0) return sync('single')
      dead = true
      const { fault } = await import('../../src/model/errors.ts')
      throw fault('millrace/sync-failed', 'the disk does not answer')
    }
    return disk
  }
  const running = answering(sqliteOn({ file: join(folder, 'app.db') }, failing))
  await running.start()
  const acknowledged: number[] = []
  const codes = new Set<string>()
  for (let n = 0; acknowledged.length < 200; n++) {
    assert.ok(n < 10_000_000, 'work goes on after each failure')
    try {
      await running.publish(Asked, { n, pad: '' })
      acknowledged.push(n)
    } catch (error) {
      assert.ok(isMillraceError(error) && error.retryable, String(error))
      codes.add(error.code)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  assert.ok(codes.has('millrace/sync-failed'), [...codes].join())
  assert.ok(opened > 2)
  await judge(running, acknowledged)
  await running.stop()
})
