import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { mill, Placed } from './support/mill.ts'
import { appFile, begin, folder, millrace, objectsOf } from './support/millrace.ts'

test('the copy of a running app is its state at one moment, despite publishing during it', async (t) => {
  const place = folder(t)
  const file = join(place, 'mill.db')
  const copy = join(place, 'copy.db')
  const app = mill(file)
  await app.start()
  t.after(() => app.stop())
  // Large enough to be copied in many steps.
  const orderId = 'x'.repeat(1_000)
  await Promise.all(Array.from({ length: 5_000 }, (_, n) => app.publish(Placed, { orderId: `${n}${orderId}` })))
  let over = false
  let published = 5_000
  const copying = millrace(['backup', '--db', file, '--to', copy]).finally(() => {
    over = true
  })
  while (!over) {
    await app.publish(Placed, { orderId: `during-${published}` })
    published++
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { status, out, err } = await copying
  assert.equal(status, 0, err)
  assert.match(out, /^.*mill\.db is copied to .*copy\.db \(\d+ MB\)\n$/)
  assert.deepEqual(
    readdirSync(place).filter((name) => name.startsWith('copy')),
    ['copy.db'],
  )
  const doctor = await millrace(['doctor', '--db', copy, '--full'])
  assert.equal(doctor.status, 0, doctor.out)
  const restored = mill(copy)
  await restored.start()
  await restored.idle()
  const [{ n: orders = 0 } = {}] = await restored.read<{ n: number }>`select count(*) as n from millrace_log_1`
  const [{ n: taken = 0 } = {}] = await restored.read<{ n: number }>`select count(*) as n from millrace_log_2`
  await restored.stop()
  assert.ok(orders >= 5_000 && orders <= published, `${orders} of ${published}`)
  assert.equal(taken, orders)
})

test('the copy of a stopped app opens and starts; the original and the files beside it stay as they were', async (t) => {
  const place = folder(t)
  const file = join(place, 'mill.db')
  const app = mill(file)
  await app.start()
  await app.publish(Placed, { orderId: 'a', fail: 'nowhere' })
  await app.idle()
  await app.stop()
  const before = readdirSync(place)
  const { status, out } = await millrace(['backup', appFile, '--db', file, '--to', 'copy.db', '--json'], { cwd: place })
  assert.equal(status, 0)
  const [{ from, to, bytes }] = objectsOf(out) as [Record<string, unknown>]
  assert.deepEqual({ from, to }, { from: file, to: join(place, 'copy.db') })
  assert.ok((bytes as number) > 10_000)
  assert.deepEqual(readdirSync(place).sort(), [...before, 'copy.db'].sort())
  const doctor = await millrace(['doctor', '--db', 'copy.db'], { cwd: place })
  assert.equal(doctor.status, 0)
  const started = begin(t, ['start', appFile, '--db', join(place, 'copy.db')])
  await started.says('ready')
  const held = await millrace(['desk', 'list', '--db', 'copy.db', '--json'], { cwd: place })
  assert.equal(objectsOf(held.out).length, 1)
  started.process.kill('SIGTERM')
  assert.equal((await started.done).status, 143)
})

test('after kill -9 what is in the -wal file is copied too', async (t) => {
  const place = folder(t)
  const file = join(place, 'mill.db')
  const app = begin(t, ['start', appFile, '--db', file])
  await app.says('ready')
  await millrace(['publish', '--db', file, 'order.placed', '{"orderId":"a"}'])
  app.process.kill('SIGKILL')
  await app.done
  const copy = join(place, 'copy.db')
  assert.equal((await millrace(['backup', '--db', file, '--to', copy])).status, 0)
  const { out } = await millrace(['tail', '--db', copy, '--last', '1', '--topic', 'orders', '--json'])
  assert.deepEqual(objectsOf(out)[0]!['data'], { orderId: 'a' })
})

test('nothing is overwritten, and a copy that cannot be made leaves nothing', async (t) => {
  const place = folder(t)
  const file = join(place, 'mill.db')
  const app = mill(file)
  await app.start()
  t.after(() => app.stop())
  const taken = join(place, 'taken.db')
  writeFileSync(taken, 'mine')
  writeFileSync(join(place, 'left.db-wal'), 'of an older database')
  const before = readdirSync(place)
  const copy = (to: string) => millrace(['backup', '--db', file, '--to', to])
  assert.match((await copy(taken)).err, /taken\.db exists and is not overwritten; .*\(millrace\/backup-exists\)/)
  assert.match((await copy(join(place, 'left.db'))).err, /left\.db-wal exists .*\(millrace\/backup-exists\)/)
  assert.match((await copy(file)).err, /\(millrace\/backup-exists\)/)
  assert.match((await copy(join(place, 'none', 'copy.db'))).err, /there is no folder .*\(millrace\/backup-failed\)/)
  const missing = await millrace(['backup', '--db', join(place, 'none.db'), '--to', join(place, 'copy.db')])
  assert.match(missing.err, /\(millrace\/no-app\)/)
  assert.equal(existsSync(join(place, 'none.db-owner')), false)
  assert.deepEqual(readdirSync(place), before)
})
