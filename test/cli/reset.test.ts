// `millrace processors reset`, on a running app and on a stopped one.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { rows } from '../support.ts'
import { mill, Placed } from './support/mill.ts'
import { appFile, folder, millrace } from './support/millrace.ts'

test('a processor is reset by the command, on a running app and on a stopped one, which says first what it will do', async (t) => {
  const file = join(folder(t), 'mill.db')
  const today = mill(file)
  t.after(() => today.stop())
  const reset = (...args: string[]) => millrace(['processors', 'reset', appFile, 'stock', '--db', file, ...args])
  await today.start()
  for (const orderId of ['a', 'b']) await today.publish(Placed, { orderId })
  await today.publish(Placed, { orderId: 'c', fail: join(file, 'never') })
  await today.idle()
  const taken = () =>
    rows(file, "select 1 from millrace_kinds k join millrace_log_2 m on m.kind = k.id where type = 'stock.taken'")
      .length
  const says = [
    'reset of processor stock',
    '  begins at         position 1 of orders, the oldest that is kept',
    '  handled again     3 messages',
    '  ends at the desk  1 held, 0 to be tried again, 0 in line',
    '  sent again        2 stock.taken',
    '',
  ].join('\n')
  const dry = await reset('--to', 'beginning', '--dry-run')
  assert.deepEqual([dry.status, dry.out], [0, says], dry.err)
  const refused = await reset('--to', 'beginning')
  assert.deepEqual([refused.status, refused.out], [1, says])
  assert.match(
    refused.err,
    /since these came it has sent 2 stock\.taken; .*--again-to-the-world.* \(millrace\/sends-again\)/s,
  )
  const done = await reset('--to', 'beginning', '--again-to-the-world', '--by', 'ann', '--reason', 'rebuilt')
  assert.deepEqual([done.status, done.out], [0, `${says}processor stock is reset\n`], done.err)
  await today.idle()
  assert.deepEqual([taken(), (await today.desk.counts()).held], [4, 1])
  await today.stop()

  const stopped = await reset('--to', '2', '--again-to-the-world', '--json')
  const { begins, again, held, left, done: isDone } = JSON.parse(stopped.out) as Record<string, unknown>
  assert.deepEqual([begins, again, held, left, isDone], [2, 2, 1, 0, true], stopped.err)
  const codeless = await millrace(['processors', 'reset', 'stock', '--db', file, '--to', 'now'])
  assert.match(codeless.err, /name the app file.*\(millrace\/no-app\)/)
  assert.match(
    (await reset('--to', '9')).err,
    /position 9 does not exist yet: the next one is 4.*\(millrace\/bad-position\)/,
  )
  const wrong = await reset('--to', 'yesterday')
  assert.equal(wrong.status, 2)
  assert.match(wrong.err, /--to is "yesterday", but must be beginning, now, a date such as 2026-11-28 or a position;/)
  await today.start()
  await today.idle()
  assert.equal(taken(), 5)
  const told = rows<{ data: string }>(
    file,
    "select data from millrace_log_4 m join millrace_kinds k on k.id = m.kind where type = 'processing.resolved'",
  )
  assert.deepEqual(
    told.map(({ data }) => (JSON.parse(data) as { outcome: string }).outcome),
    ['reset', 'reset'],
  )
  const resets = (await today.desk.audit()).filter(({ action, item }) => action === 'reset' && item === null)
  assert.equal(resets.at(-1)?.by, 'ann')
})
