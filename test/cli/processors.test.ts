import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { app, processor, sqlite } from 'millrace'
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
  const before = app({ name: 'mill', broker: sqlite({ file }), log: () => {}, parts: [Orders, old] })
  await before.start()
  await before.publish(Placed, { orderId: 'a' })
  await before.idle()
  await before.stop()
  return file
}

test('lists what runs, how far it is, and what is gone', async (t) => {
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
  const done = await retire('old', '--force')
  assert.deepEqual(done, { status: 0, out: 'processor old is retired: nothing is kept for it any more\n', err: '' })
  assert.deepEqual(
    (await today.processors.list()).map(({ name }) => name),
    ['stock', 'printer'],
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
  assert.match((await retire('old')).err, /is not known without its file; .*\(millrace\/processor-in-use\)/)
  assert.match((await retire(appFile, 'stock', '--force')).err, /\(millrace\/processor-in-use\)/)
  assert.match((await retire(appFile, 'old')).err, /\(millrace\/processor-has-held\)/)
  assert.equal((await retire(appFile, 'old', '--force')).status, 0)
  assert.deepEqual(await states(), { printer: 'off', stock: 'off' })
})
