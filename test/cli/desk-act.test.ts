import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { app, event, processor, sqlite, topic } from 'millrace'
import { z } from 'zod'
import { heldMill, stoppedMill } from './support/held.ts'
import { mill } from './support/mill.ts'
import { appFile, folder, linesOf, millrace, objectsOf } from './support/millrace.ts'

const statesOf = async (file: string) => {
  const { out } = await millrace(['desk', '--db', file, '--state', 'held,trying,line,handled,discarded', '--json'])
  return Object.fromEntries(objectsOf(out).map(({ id, state }) => [id, state]))
}
const because = ['--by', 'anna', '--reason', 'a test']

test('corrected data are tried in place of the old, and the change is shown and on record', async (t) => {
  const { app, file } = await heldMill(t)
  const done = await millrace(['desk', 'resubmit', '--db', file, '2', '--data', '{"orderId":"b"}', ...because])
  assert.equal(done.status, 0, done.err)
  assert.match(done.out, /^message 2 is sent again with corrected data\n {2}- fail: ".*mended"\n$/)
  await app.idle()
  assert.equal((await statesOf(file))['2'], 'handled')
  const { out } = await millrace(['desk', 'show', '--db', file, '2'])
  assert.match(out, /: handled\n/)
  assert.match(out, /\nfailed attempts\n {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}EMPTY: no stock\n/)
  assert.match(out, /\n {2}\S+ \S+ {2}resubmitted by anna: a test\n {2}\S+ \S+ {2}handled by millrace\n/)
  assert.match(
    out,
    /\nchanged since it was published\n {2}- fail: ".*"\n\ndata as published\n {2}\{\n {4}"orderId": "b",\n/,
  )
  const [object] = objectsOf((await millrace(['desk', 'show', '--db', file, '2', '--json'])).out)
  assert.deepEqual(object!['data'], { orderId: 'b' })
  assert.equal((object!['original'] as { orderId: string }).orderId, 'b')
  assert.equal((object!['changes'] as unknown[]).length, 1)
  assert.equal((object!['tries'] as unknown[]).length, 2)
  assert.deepEqual(
    (object!['history'] as { action: string; by: string }[]).map(({ action, by }) => [action, by]),
    [
      ['held', 'millrace'],
      ['resubmitted', 'anna'],
      ['handled', 'millrace'],
    ],
  )
})

test('the data are shown alone, corrected in a file or on standard input, and come back', async (t) => {
  const { app, file } = await heldMill(t)
  const path = join(folder(t), 'order.json')
  const shown = await millrace(['desk', 'show', '--db', file, '1', '--data'])
  writeFileSync(path, shown.out.replace(/"fail".*/, '"hang": false').replace('"a"', '"a" '))
  const args = ['desk', 'resubmit', '--db', file, ...because, '--json']
  const fromFile = await millrace([...args, '1', '--data-file', path])
  assert.equal(fromFile.status, 0, fromFile.err)
  const { id, resubmitted, changes } = JSON.parse(fromFile.out)
  assert.deepEqual({ id, resubmitted }, { id: 1, resubmitted: true })
  assert.deepEqual(
    changes.map(({ path }: { path: string }) => path),
    ['fail', 'hang'],
  )
  const fromInput = await millrace([...args, '2'], { input: '{"orderId":"b"}\n' })
  assert.equal(fromInput.status, 0, fromInput.err)
  await app.idle()
  // The line behind the first was as it was published: it fails again, and is held as the head of its lane.
  assert.deepEqual(await statesOf(file), { 1: 'handled', 2: 'handled', 3: 'held' })
})

test('data that do not fit are refused, running and stopped, and nothing changes', async (t) => {
  const { app, file } = await heldMill(t)
  const wrong = [
    ['{"orderId":7}', /orderId.*\(millrace\/bad-data\)/],
    ['null', /\(millrace\/bad-data\)/],
    ['{"orderId":"other"}', /from context "b" to "other".*\(millrace\/context-changed\)/],
  ] as const
  const refusedAs = async (place: readonly string[]) => {
    for (const [data, expected] of wrong) {
      const { status, out, err } = await millrace(['desk', 'resubmit', ...place, '2', '--data', data, ...because])
      assert.deepEqual({ data, status, out }, { data, status: 1, out: '' })
      assert.match(err, expected)
    }
  }
  await refusedAs(['--db', file])
  await app.stop()
  await refusedAs([appFile, '--db', file])
  const without = await millrace(['desk', 'resubmit', '--db', file, '2', '--data', '{"orderId":"b"}', ...because])
  assert.equal(without.status, 1)
  assert.match(without.err, /are checked by the code of the app: name the app file.*\(millrace\/no-app\)/)
  const [shown] = objectsOf((await millrace(['desk', 'show', '--db', file, '2', '--json'])).out)
  assert.equal(shown!['pendingAction'], undefined)
  assert.equal((shown!['history'] as unknown[]).length, 1)
})

test('data that are nothing but null can be what is right', async (t) => {
  const Noted = event('noted', { schema: z.string().nullable() })
  const Notes = topic('notes', [Noted])
  const reader = processor('reader', {
    on: Notes,
    retry: { attempts: 1 },
    handle: {
      noted: ({ data }) => {
        if (data !== null) throw new Error('too much to read')
      },
    },
  })
  const file = join(folder(t), 'notes.db')
  const notes = app({ name: 'notes', broker: sqlite({ file }), log: () => {}, parts: [Notes, reader] })
  await notes.start()
  t.after(() => notes.stop())
  await notes.publish(Noted, 'text')
  await notes.idle()
  const done = await millrace(['desk', 'resubmit', '--db', file, '1', '--data', 'null', ...because])
  assert.equal(done.out, 'message 1 is sent again with corrected data\n  - "text"\n  + null\n', done.err)
  await notes.idle()
  assert.deepEqual(await statesOf(file), { 1: 'handled' })
})

test('a correction in the file of a stopped app is tried when it starts', async (t) => {
  const { file } = await stoppedMill(t)
  const args = ['desk', 'resubmit', appFile, '--db', file, '2', '--data', '{"orderId":"b"}']
  const done = await millrace([...args, ...because])
  assert.match(done.out, /^message 2 is to be sent again with corrected data when the app starts\n/)
  const again = await millrace([...args, '--by', 'ben', '--reason', 'the same'])
  assert.equal(again.status, 1)
  assert.match(again.err, /^millrace: anna has asked for "resubmit" of message 2; .*\(millrace\/not-held\)/)
  const app = mill(file)
  await app.start()
  await app.idle()
  await app.stop()
  assert.equal((await statesOf(file))['2'], 'handled')
})

test('a discard needs a reason, lets its line continue, and can be taken back', async (t) => {
  const { app, file, mended } = await heldMill(t)
  const none = await millrace(['desk', 'discard', '--db', file, '1'])
  assert.deepEqual({ status: none.status, out: none.out }, { status: 2, out: '' })
  assert.match(
    none.err,
    /^millrace: discard needs --reason TEXT: it is kept in the audit log; see npx millrace desk discard/,
  )
  writeFileSync(mended, '')
  const done = await millrace(['desk', 'discard', '--db', file, '1', ...because])
  assert.deepEqual(done, { status: 0, out: 'message 1 is discarded\n', err: '' })
  await app.idle()
  assert.deepEqual(await statesOf(file), { 1: 'discarded', 2: 'held' })
  const early = await millrace(['desk', 'take-back', '--db', file, '2'])
  assert.match(early.err, /\(millrace\/not-discarded\)/)
  const back = await millrace(['desk', 'take-back', '--db', file, '1', '--json', '--by', 'ben'])
  assert.deepEqual(JSON.parse(back.out), { id: 1, takenBack: true })
  await app.idle()
  assert.deepEqual(await statesOf(file), { 1: 'handled', 2: 'held' })
})

test('a discard and its taking back wait in the file of a stopped app', async (t) => {
  const { file, mended } = await stoppedMill(t)
  const done = await millrace(['desk', 'discard', '--db', file, '1', '2', ...because])
  const said = (id: number) => `message ${id} is to be discarded when the app starts\n`
  assert.deepEqual(done, { status: 0, out: said(1) + said(2), err: '' })
  const one = mill(file)
  await one.start()
  await one.idle()
  await one.stop()
  assert.deepEqual(await statesOf(file), { 1: 'discarded', 2: 'discarded', 3: 'held' })
  const back = await millrace(['desk', 'take-back', '--db', file, '2'])
  assert.equal(back.out, 'message 2 is to be taken back when the app starts\n')
  writeFileSync(mended, '')
  await one.start()
  await one.idle()
  await one.stop()
  assert.deepEqual(await statesOf(file), { 1: 'discarded', 2: 'handled', 3: 'held' })
})

test('of several ids those that can be done are done, and each other is told', async (t) => {
  const { app, file, mended } = await heldMill(t)
  writeFileSync(mended, '')
  const { status, out, err } = await millrace(['desk', 'release', '--db', file, '99', '3', '1', '2'])
  assert.equal(status, 1)
  assert.equal(out, 'message 1 is released\nmessage 2 is released\n')
  assert.deepEqual(
    linesOf(err).map((line) => /\((.*)\)$/.exec(line)?.[1]),
    ['millrace/unknown-item', 'millrace/not-held'],
  )
  await app.idle()
  const late = await millrace(['desk', 'resubmit', '--db', file, '1', '--data', '{"orderId":"a"}', ...because])
  assert.match(late.err, /^millrace: message 1 of processor "stock" was handled already; .*\(millrace\/not-held\)/)
})

test('of two people at once one is first, and the other is told what happened', async (t) => {
  const { file } = await heldMill(t)
  const done = await Promise.all([
    millrace(['desk', 'discard', '--db', file, '2', '--by', 'anna', '--reason', 'entered twice']),
    millrace(['desk', 'discard', '--db', file, '2', '--by', 'ben', '--reason', 'entered twice']),
  ])
  assert.deepEqual(done.map(({ status }) => status).sort(), [0, 1])
  assert.match(done.find(({ status }) => status === 1)!.err, /was discarded already; .*\(millrace\/not-held\)/)
  const { out } = await millrace(['desk', 'audit', '--db', file, '--item', '2', '--json'])
  assert.equal(objectsOf(out).filter(({ action }) => action === 'discarded').length, 1)
})

test('two people at the file of a stopped app: one action stands, the other is refused by name', async (t) => {
  const { file } = await stoppedMill(t)
  const ask = (by: string) => millrace(['desk', 'release', '--db', file, '2', '--by', by])
  const done = await Promise.all([ask('anna'), ask('ben')])
  assert.deepEqual(done.map(({ status }) => status).sort(), [0, 1])
  const refused = done.find(({ status }) => status === 1)!
  // The other had the file at that moment, or had asked already.
  assert.match(refused.err, /has asked for "retry" of message 2|\(millrace\/(in-use|no-answer)\)/)
  assert.equal((await millrace(['desk', '--db', file, '--json'])).out.match(/"pending":"retry"/g)?.length, 1)
})

test('the audit log has author, action, time and reason, the newest first, and pages', async (t) => {
  const { app, file, mended } = await heldMill(t)
  writeFileSync(mended, '')
  await millrace(['desk', 'release', '--db', file, '2', '--reason', 'stock is back'])
  await app.idle()
  const log = objectsOf((await millrace(['desk', 'audit', '--db', file, '--json'])).out)
  assert.deepEqual(
    log.map(({ action, item, by, subject, reason }) => [action, item, by, subject, reason]),
    [
      ['handled', 2, 'millrace', 'stock', null],
      ['released', 2, userInfo().username, 'stock', 'stock is back'],
      ['held', 2, 'millrace', 'stock', null],
      ['held', 1, 'millrace', 'stock', null],
    ],
  )
  const page = await millrace(['desk', 'audit', '--db', file, '--limit', '1', '--before', String(log[1]!['id'])])
  assert.match(page.out, /^LINE {2}WHEN \(UTC\) +WHO .*\n.* held .* {2}stock {2}EMPTY: no stock\n$/)
  assert.match(page.err, /^millrace: there may be more: --before \d+\n$/)
  for (const line of linesOf(page.out)) assert.ok([...line].length <= 80, line)
  const none = await millrace(['desk', 'audit', '--db', file, '--item', '99'])
  assert.equal(none.out, 'the audit log has no line about message 99\n')
})

test('the cause of a message is named with its type and topic, by a generated id and by a given one', async (t) => {
  const Placed = event('placed', { schema: z.object({ n: z.number() }) })
  const Booked = event('booked', { schema: z.object({ n: z.number() }) })
  const Orders = topic('orders', [Placed])
  const Books = topic('books', [Booked])
  const file = join(folder(t), 'books.db')
  const ledger = processor('ledger', {
    on: Orders,
    publishes: [Booked],
    handle: { placed: ({ data }, { publish }) => publish(Booked, data) },
  })
  const clerk = processor('clerk', {
    on: Books,
    retry: { attempts: 1 },
    handle: {
      booked: ({ data: { n } }) => {
        if (n === 500 || n === 5_000) throw new Error('\u009b31m no such page')
      },
    },
  })
  const books = app({ name: 'books', broker: sqlite({ file }), log: () => {}, parts: [Orders, Books, ledger, clerk] })
  await books.start()
  t.after(() => books.stop())
  await Promise.all(Array.from({ length: 1_000 }, (_, n) => books.publish(Placed, { n })))
  await books.publish(Placed, { n: 5_000 }, { id: 'order 5000' })
  await books.idle()
  const shown = await Promise.all([
    millrace(['desk', 'show', '--db', file, '1']),
    millrace(['desk', 'show', '--db', file, '2']),
  ])
  assert.match(shown[0].out, /\n {2}caused by +[-\da-f]{36} \(placed on orders\)\n/)
  assert.match(shown[1].out, /\n {2}caused by +order 5000 \(placed on orders\)\n/)
  for (const { out } of shown) assert.equal(out.includes('\u009b'), false)
  const json = await millrace(['desk', 'show', '--db', file, '2', '--json'])
  assert.equal(json.out.includes('\u009b'), false)
  assert.deepEqual(objectsOf(json.out)[0]!['cause'], { destination: 'orders', type: 'placed' })
})

test('wrong use of the actions is told with status 2, and nothing is done', async (t) => {
  const { file } = await stoppedMill(t)
  const before = readFileSync(file)
  const wrong = [
    [['resubmit', '1', '--data', '{}'], /resubmit needs --reason TEXT/],
    [['resubmit', '1', ...because], /give the corrected data: --data JSON, --data-file FILE, or JSON on standard /],
    [['resubmit', '1', '--data', '{', ...because], /--data is not JSON: /],
    [['resubmit', '1', '--data', '{}', '--data-file', 'x', ...because], /--data and --data-file do not go together/],
    [['resubmit', '1', '--data-file', 'no-such-file', ...because], /--data-file cannot be read: ENOENT/],
    [['resubmit', '1', '2', '--data', '{}', ...because], /unexpected argument "2"/],
    [['discard', '1', '--reason', ' '], /--reason is empty/],
    [['release', '1', '--by', ''], /--by is empty/],
    [['release', '1', '--name', 'x'], /--name goes with --all only/],
    [['release', '1', '--one-first'], /--one-first goes with --all only/],
    [['release', '1', '--no-wait'], /--no-wait goes with --all only/],
    [['release', '--all'], /--all needs --name NAME/],
    [['release', '1', '--all', '--name', 'x'], /"1" does not go with --all/],
    [['discard', '--all', '--name', 'x'], /discard needs --reason TEXT/],
    [['discard', '--all', '--name', 'x', '--one-first', ...because], /unknown option '--one-first'/],
    [['take-back'], /ID is missing/],
    [['take-back', 'x'], /ID is "x"/],
    [['abort'], /ID or NAME is missing/],
    [['groups', '--by', 'colour'], /--by is "colour", but must be all, processor, error, type/],
    [['audit', '--limit', '0'], /--limit is "0"/],
  ] as const
  await Promise.all(
    wrong.map(async ([args, expected]) => {
      const { status, out, err } = await millrace(['desk', ...args, '--db', file])
      assert.deepEqual({ args, status, out }, { args, status: 2, out: '' })
      assert.match(err, expected)
    }),
  )
  assert.ok(readFileSync(file).equals(before))
})

test('a change list is checked, then sent for one message; the schema of its data is printed', async (t) => {
  const { app, file } = await heldMill(t)
  const path = join(folder(t), 'change.json')
  writeFileSync(path, '[{ "op": "remove", "path": "/fail" }]')
  const checked = await millrace(['desk', 'check', '--db', file, '2', '--change', path])
  assert.deepEqual([checked.status, checked.err], [0, ''])
  assert.match(checked.out, /^message 2 would take it:\n {2}- fail: ".*mended"\n$/)
  const wrong = await millrace(['desk', 'check', '--db', file, '2', '--data', '{"orderId":7}'])
  assert.equal(wrong.status, 1)
  assert.match(wrong.out, /^message 2 would not take it: .*\n {2}\/orderId: .*\n$/)
  const both = await millrace(['desk', 'check', '--db', file, '2', '--change', path, '--data', '1'])
  assert.deepEqual(
    [both.status, both.err],
    [2, 'millrace: --change does not go with --data; see npx millrace desk check --help\n'],
  )
  assert.equal((await statesOf(file))['2'], 'held')
  const inline = ['--change', '[{"op":"remove","path":"/fail"}]']
  const done = await millrace(['desk', 'resubmit', '--db', file, '2', ...inline, ...because])
  assert.match(done.out, /^message 2 is sent again with corrected data\n {2}- fail: ".*mended"\n$/)
  await app.idle()
  assert.equal((await statesOf(file))['2'], 'handled')
  const { out, status } = await millrace(['desk', 'form', '--db', file, '1'])
  assert.deepEqual([status, Object.keys(JSON.parse(out).properties)[0]], [0, 'orderId'])
})

test('a held message is tried as it is and corrected, and becomes a test file; nothing of it is kept', async (t) => {
  const { file } = await heldMill(t)
  const failed = await millrace(['desk', 'try', '--db', file, '2'])
  assert.deepEqual([failed.status, failed.out], [1, 'message 2 would fail at stock: no stock\n'])
  const inline = ['--change', '[{"op":"remove","path":"/fail"}]']
  const tried = await millrace(['desk', 'try', '--db', file, '2', ...inline, ...because])
  const lines = [
    'message 2 would be handled by stock; everything was taken back',
    '  would publish stock.taken b',
    '    {"orderId":"b"}',
  ]
  assert.deepEqual([tried.status, tried.out], [0, `${lines.join('\n')}\n`])
  const { outcome, messages } = JSON.parse(
    (await millrace(['desk', 'try', '--db', file, '2', ...inline, '--json'])).out,
  )
  assert.deepEqual([outcome, messages.length], ['handled', 1])
  const both = await millrace(['desk', 'try', '--db', file, '2', ...inline, '--data', '1'])
  assert.equal(both.status, 2)
  const to = folder(t)
  const made = await millrace(['desk', 'test', '--db', file, '2', '--to', to])
  const path = join(to, 'stock-2.test.ts')
  assert.deepEqual([made.status, made.out, made.err], [0, `message 2 is a test now: ${path}\n`, ''])
  assert.match(readFileSync(path, 'utf8'), /^\/\/ Message 2 at the desk: stock failed at order\.placed/)
  const again = await millrace(['desk', 'test', '--db', file, '2', '--to', to])
  assert.equal(again.status, 2)
  assert.match(again.err, /EEXIST/)
  assert.equal((await statesOf(file))['2'], 'held')
  const stopped = await millrace(['desk', 'try', '--db', (await stoppedMill(t)).file, '2'])
  assert.equal(stopped.status, 1)
  assert.match(stopped.err, /only the running app tries a message/)
})
