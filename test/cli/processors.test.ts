import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { app, processor, sqlite } from 'millrace'
import { until } from '../support.ts'
import { Placed as Event, kinds } from './support/kinds.ts'
import { mill, Orders, Placed } from './support/mill.ts'
import { appFile, folder, linesOf, millrace, objectsOf } from './support/millrace.ts'

/** A file in which a processor `old` was at work, which today's app does not have; it holds a message. */
async function fileWithOld(t: TestContext): Promise<string> {
  const file = join(folder(t), 'mill.db')
  const old = processor('old', {
    on: Orders,
    retry: { attempts: 1 },
    handle: {
      'order.placed': () => {
        throw new Error('no')
      },
    },
  })
  // The file knows the parts of today.
  const known = mill(file)
  await known.start()
  await known.stop()
  const before = app({ name: 'mill', broker: sqlite({ file }), log: () => {}, parts: [Orders, old] })
  await before.start()
  await before.publish(Placed, { orderId: 'a' })
  await before.idle()
  await before.stop()
  return file
}

test('lists running parts, their progress, and those that are gone', async (t) => {
  const file = await fileWithOld(t)
  const today = mill(file)
  await today.start()
  t.after(() => today.stop())
  await today.idle()
  const { status, out } = await millrace(['processors', 'list', '--db', file])
  assert.equal(status, 0)
  assert.deepEqual(linesOf(out), [
    'NAME     ON      STATE  POSITION  LAG  RUNNING  HELD',
    'stock    orders  live          1    0        0     0',
    'printer  labels  live          0    0        0     0',
    'old      orders  gone          1    0        0     1',
  ])
})

test('a processor that is gone is retired; one with held messages only with force', async (t) => {
  const file = await fileWithOld(t)
  const today = mill(file)
  await today.start()
  t.after(() => today.stop())
  const retire = (...args: string[]) => millrace(['processors', 'retire', '--db', file, ...args])
  assert.match((await retire('stock')).err, /\(millrace\/processor-in-use\)/)
  assert.match((await retire('od')).err, /did you mean "old"\? .*\(millrace\/unknown-processor\)/)
  assert.match((await retire('old')).err, /holds 1 message.*\(millrace\/processor-has-held\)/)
  const done = await retire('old', '--force', '--by', 'anna', '--reason', 'it is gone')
  assert.deepEqual(done, { status: 0, out: 'processor old is retired: no messages are kept for it\n', err: '' })
  assert.deepEqual(
    (await today.processors.list()).map(({ name }) => name),
    ['stock', 'printer'],
  )
  const [line] = await today.desk.audit({ limit: 1 })
  assert.deepEqual(
    [line!.action, line!.subject, line!.by, line!.reason, line!.detail],
    ['retired', 'old', 'anna', 'it is gone', { on: 'orders' }],
  )
})

test('of a stopped app the app file tells which are gone; without it only force retires', async (t) => {
  const file = await fileWithOld(t)
  const today = mill(file)
  await today.start()
  await today.idle()
  await today.stop()
  const states = async (...args: string[]) => {
    const { out } = await millrace(['processors', 'list', '--json', ...args, '--db', file])
    return Object.fromEntries(objectsOf(out).map(({ name, state }) => [name, state]))
  }
  assert.deepEqual(await states(appFile), { old: 'gone', printer: 'off', stock: 'off' })
  assert.deepEqual(await states(), { old: 'off', printer: 'off', stock: 'off' })
  const retire = (...args: string[]) => millrace(['processors', 'retire', '--db', file, ...args])
  assert.match((await retire('old')).err, /without the app file it is unknown whether .*\(millrace\/processor-in-use\)/)
  assert.match((await retire(appFile, 'stock', '--force')).err, /\(millrace\/processor-in-use\)/)
  assert.match((await retire(appFile, 'old')).err, /\(millrace\/processor-has-held\)/)
  assert.equal((await retire(appFile, 'old', '--force', '--by', 'anna', '--reason', 'it is gone')).status, 0)
  assert.deepEqual(await states(), { printer: 'off', stock: 'off' })
  const { out } = await millrace(['desk', 'audit', '--db', file, '--json'])
  const lines = objectsOf(out).filter(({ action }) => action === 'retired')
  assert.deepEqual(
    lines.map(({ subject, by, reason }) => [subject, by, reason]),
    [['old', 'anna', 'it is gone']],
  )
})

test('a processor is paused and resumed with author and reason, and waits in between', async (t) => {
  const file = join(folder(t), 'mill.db')
  const today = mill(file)
  await today.start()
  t.after(() => today.stop())
  const on = (...args: string[]) => millrace(['processors', ...args, '--db', file])
  const done = await on('pause', 'stock', '--reason', 'stocktaking', '--by', 'anna')
  assert.equal(done.out, 'processor stock is paused: running attempts end, new ones wait\n', done.err)
  await today.publish(Placed, { orderId: 'a' })
  const { out } = await on('list')
  assert.match(out, /\nstock {4}orders {2}paused +0 +1 +0 +0\n/)
  assert.match(out, /\nstock was paused by anna \d+ s ago: stocktaking\n$/)
  const [row] = objectsOf((await on('list', '--json')).out)
  const { at: _, ...paused } = row!['paused'] as { at: string }
  assert.deepEqual(paused, { by: 'anna', reason: 'stocktaking' })
  assert.deepEqual(JSON.parse((await on('resume', 'stock', '--json')).out), { name: 'stock', resumed: true })
  await today.idle()
  const rows = objectsOf((await on('list', '--json')).out)
  assert.deepEqual(
    rows.map(({ name, state, lag, paused }) => [name, state, lag, paused]),
    [
      ['stock', 'live', 0, null],
      ['printer', 'live', 0, null],
    ],
  )
  const unknown = await on('pause', 'stok')
  assert.equal(unknown.status, 1)
  assert.match(unknown.err, /did you mean "stock"\? .*\(millrace\/unknown-processor\)/)
})

test('the concurrency of a processor is set while it runs, shown, kept over a stop, and given back to the code', async (t) => {
  const file = join(folder(t), 'mill.db')
  const today = mill(file)
  t.after(() => today.stop())
  await today.start()
  const on = (...args: string[]) => millrace(['processors', ...args, '--db', file])
  const set = async () => objectsOf((await on('list', '--json')).out).map((row) => row['concurrencySet'])
  const done = await on('set', 'stock', '--concurrency', '2', '--reason', 'the bank is slow', '--by', 'anna')
  assert.equal(done.out, 'processor stock runs at most 2 at once\n', done.err)
  const note = 'stock runs at most 2 handlers at once, as set by a person; its code says 16'
  assert.equal(linesOf((await on('list')).out).at(-1), note)
  assert.deepEqual(await set(), [2, null])
  const wrong = await on('set', 'stock', '--concurrency', '0')
  assert.deepEqual([wrong.status, /--concurrency/.test(wrong.err)], [2, true], wrong.err)
  assert.match((await on('set', 'stok', '--concurrency', '2')).err, /did you mean "stock"\? .*unknown-processor/)
  await today.stop()
  assert.equal(linesOf((await on('list')).out).at(-1), 'stock runs at most 2 handlers at once, as set by a person')
  const stopped = await on('set', 'printer', '--concurrency', '3', '--json')
  assert.deepEqual(JSON.parse(stopped.out), { name: 'printer', concurrency: 3 }, stopped.err)
  await today.start()
  assert.deepEqual(await set(), [2, 3])
  for (const name of ['stock', 'printer']) assert.equal((await on('set', name, '--concurrency', 'default')).status, 0)
  assert.deepEqual(await set(), [null, null])
})

test('a processor of a stopped app is paused in its file, and does not run at the next start', async (t) => {
  const file = join(folder(t), 'mill.db')
  const today = mill(file)
  t.after(() => today.stop())
  await today.start()
  await today.stop()
  const on = (...args: string[]) => millrace(['processors', ...args, '--db', file])
  const done = await on('pause', 'stock', '--by', 'anna')
  assert.equal(done.out, 'processor stock is paused: it stays paused at the next start\n', done.err)
  assert.match((await on('pause', 'stok')).err, /did you mean "stock"\? .*\(millrace\/unknown-processor\)/)
  assert.match((await on('list')).out, /\nstock {4}orders {2}paused /)
  await today.start()
  await today.publish(Placed, { orderId: 'a' })
  assert.match((await on()).out, /\nstock {4}orders {2}paused +0 +1 /)
  await today.stop()
  assert.equal((await on('resume', 'stock')).out, 'processor stock is resumed: it runs at the next start\n')
  await today.start()
  await today.idle()
  assert.match((await on()).out, /\nstock {4}orders {2}live +1 +0 /)
})

test('a processor whose attempts all fail is shown as probing, one whose attempts outlive their time as stuck', async (t) => {
  const file = join(folder(t), 'mill.db')
  const options = { on: Orders, concurrency: 2, retry: { attempts: 1_000, firstDelayMs: 0 } } as const
  const failing = processor('failing', {
    ...options,
    probeAfter: 2,
    handle: {
      'order.placed': () => {
        throw new Error('the supplier does not answer')
      },
    },
  })
  const hanging = processor('hanging', {
    ...options,
    timeoutMs: 20,
    lingerMs: 60_000,
    handle: { 'order.placed': () => new Promise<void>(() => {}) },
  })
  const one = app({ name: 'mill', broker: sqlite({ file }), log: () => {}, parts: [Orders, failing, hanging] })
  await one.start()
  t.after(() => one.stop({ graceMs: 0 }))
  for (let n = 0; n < 8; n++) await one.publish(Placed, { orderId: `o-${n}` })
  await until('both have found out', async () => {
    const rows = await one.processors.list()
    return rows.map(({ state }) => state).join() === 'probing,stuck'
  })
  const { out } = await millrace(['processors', '--db', file])
  assert.match(out, /\nfailing {2}orders {2}probing /)
  assert.match(out, /\nhanging {2}orders {2}stuck /)
  assert.match(
    out,
    /\nfailing is probing: its last attempts failed; it tries one message at a time\nhanging is stuck: /,
  )
  for (const line of linesOf(out)) assert.ok(line.length <= 80, line)
})

test('every part of a stopped app is known under the names that it has while it runs, and none is retired', async (t) => {
  const file = join(folder(t), 'kinds.db')
  const kindsFile = fileURLToPath(new URL('./kinds-app.ts', import.meta.url))
  let charged = 0
  const today = kinds(file, () => charged++)
  t.after(() => today.stop())
  await today.start()
  for (let n = 0; n < 3; n++) await today.publish(Event, { n })
  await today.idle()
  const names = (await today.processors.list()).map(({ name, on }) => `${name} on ${on}`).sort()
  await today.stop()
  assert.deepEqual(names, [
    'cards on cards',
    'chooses on orders',
    'digest on orders',
    'digest.due on digest.due',
    'order on orders',
    'order.payments on payments',
    'watch on failures',
  ])
  const listed = objectsOf((await millrace(['processors', 'list', '--json', kindsFile, '--db', file])).out)
  assert.deepEqual(
    listed.map(({ name, on, state }) => `${name} on ${on} ${state}`).sort(),
    names.map((name) => `${name} off`),
  )
  for (const { name } of listed) {
    const { status, err } = await millrace(['processors', 'retire', kindsFile, name as string, '--db', file])
    assert.deepEqual([status, /\(millrace\/processor-in-use\)/.test(err)], [1, true], `${name}: ${err}`)
  }
  await today.start()
  await today.idle()
  assert.equal(charged, 3)
})
