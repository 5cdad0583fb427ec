// The words of `move`; what moves is tested with a server.
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { mill, Placed } from './support/mill.ts'
import { folder, millrace, objectsOf } from './support/millrace.ts'

test('a file moves to a new file; the old one is refused, until that is taken back', async (t) => {
  const place = folder(t)
  const [from, to] = [join(place, 'mill.db'), join(place, 'new.db')]
  const app = mill(from)
  await app.start()
  await app.publish(Placed, { orderId: 'o-1' })
  await app.idle()
  await app.stop()
  const moved = await millrace(['move', '--from', from, '--to', to])
  assert.equal(moved.status, 0, moved.err)
  assert.match(moved.out, /mill\.db has moved to .*new\.db: 2 messages, 0 at the desk, 0 flows, 0 delayed\n$/)
  assert.match(moved.err, /the tables of your own have not moved/)
  const again = await millrace(['move', '--from', from, '--to', to])
  assert.match(again.err, /millrace\/target-not-empty/)
  await assert.rejects(mill(from).start(), { code: 'millrace/data-moved' })
  const back = await millrace(['move', '--db', from, '--back', '--json'])
  assert.deepEqual(objectsOf(back.out), [{ store: from, movedTo: to }])
  const twice = await millrace(['move', '--db', from, '--back'])
  assert.match(twice.out, /have not moved/)
})

test('words that do not fit are refused, and a password is shown to nobody', async (t) => {
  const file = join(folder(t), 'mill.db')
  const url = 'postgres://shop:secret@127.0.0.1:1/shop'
  for (const words of [
    ['--from', file],
    ['--to', file],
    ['--db', file],
    ['--back', '--here', '--db', file],
    ['--db', file, '--from', file, '--to', url],
  ]) {
    const { status, err } = await millrace(['move', ...words])
    assert.equal(status, 2, err)
  }
  const here = await millrace(['move', '--db', file, '--here'])
  assert.match(here.err, /mill\.db belongs to no server/)
  const none = await millrace(['move', '--from', file, '--to', url])
  assert.match(none.err, /millrace\/no-app/)
  writeFileSync(file, '')
  for (const words of [
    ['--from', url, '--to', join(folder(t), 'new.db')],
    ['--db', url, '--here'],
  ]) {
    const { status, out, err } = await millrace(['move', ...words])
    assert.equal(status, 1)
    assert.match(err, /shop:\*\*\*@127\.0\.0\.1:1\/shop/)
    assert.doesNotMatch(out + err, /secret/)
  }
  assert.equal(existsSync(`${file}-move-partial`), false)
})
