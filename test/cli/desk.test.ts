import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { heldMill, stoppedMill } from './support/held.ts'
import { mill, Placed } from './support/mill.ts'
import { appFile, folder, linesOf, millrace, objectsOf } from './support/millrace.ts'

const list = async (...args: string[]) => objectsOf((await millrace(['desk', 'list', '--json', ...args])).out)

test('lists what is held, the same from a running app and from the file of a stopped one', async (t) => {
  const { app, file } = await heldMill(t)
  const running = await list('--db', file)
  assert.deepEqual(
    running.map(({ heldAt: _, messageId: _id, correlationId: _flow, help: _help, owner: _owner, ...row }) => row),
    [
      {
        id: 1,
        processor: 'stock',
        state: 'held',
        type: 'order.placed',
        context: 'a',
        error: { code: 'EMPTY', message: 'no stock' },
        attempts: 2,
        revision: 1,
        waiting: 1,
      },
      {
        id: 2,
        processor: 'stock',
        state: 'held',
        type: 'order.placed',
        context: 'b',
        error: { code: 'EMPTY', message: 'no stock' },
        attempts: 2,
        revision: 1,
        waiting: 0,
      },
    ],
  )
  for (const { heldAt } of running) assert.match(heldAt as string, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  await app.stop()
  const before = readdirSync(dirname(file))
  const bytes = readFileSync(file)
  assert.deepEqual(await list(appFile, '--db', file), running)
  const bare = running.map(({ help: _help, owner: _owner, ...row }) => row)
  assert.deepEqual(await list('--db', file), bare, 'without the code of the app')
  assert.deepEqual(readdirSync(dirname(file)), before)
  assert.ok(readFileSync(file).equals(bytes))
})

test('filters by processor, state, type, context and group, and pages; desk alone is desk list', async (t) => {
  const { file } = await heldMill(t)
  const ids = async (...args: string[]) => (await list('--db', file, ...args)).map(({ id }) => id)
  assert.deepEqual(await ids('--processor', 'printer'), [])
  assert.deepEqual(await ids('--state', 'line'), [3])
  assert.deepEqual(await ids('--state', 'all'), [1, 2, 3])
  assert.deepEqual(await ids('--limit', '1'), [1])
  assert.deepEqual(await ids('--limit', '1', '--after', '1'), [2])
  assert.deepEqual(await ids('--after', '2'), [])
  assert.deepEqual(await ids('--context', 'b'), [2])
  assert.deepEqual(await ids('--context', 'b', '--type', 'label.print'), [])
  assert.deepEqual(await ids('--type', 'order.placed', '--state', 'held,line'), [1, 2, 3])
  const [group] = objectsOf((await millrace(['desk', 'groups', '--db', file, '--json'])).out)
  assert.deepEqual(await ids('--group', String(group!['id'])), [1, 2])
  assert.deepEqual(await ids('--group', '99'), [])
  const none = await millrace(['desk', 'list', '--db', file, '--processor', 'printer'])
  assert.equal(none.out, 'no message at the desk matches\n')
  assert.deepEqual(objectsOf((await millrace(['desk', '--db', file, '--json'])).out), await list('--db', file))
})

test('the table fits 80 columns and has no colours when it goes to a file', async (t) => {
  const { app, file } = await heldMill(t)
  const long = 'x'.repeat(300)
  await app.publish(Placed, { orderId: `${long}\u001b[31m`, fail: 'nowhere' })
  await app.idle()
  const { out } = await millrace(['desk', 'list', '--db', file])
  assert.equal(linesOf(out).length, 6)
  for (const line of linesOf(out).slice(0, -1)) assert.ok([...line].length <= 80, line)
  assert.match(out, /^ID {2}PROCESSOR {2}STATE {2}TYPE .*LINE {2}SINCE\n/)
  assert.match(out, /x…/)
  assert.equal(out.includes('\u001b'), false)
})

test('shows one with its errors, data and the messages behind it', async (t) => {
  const { file, mended } = await heldMill(t)
  const { status, out } = await millrace(['desk', 'show', '--db', file, '1'])
  assert.equal(status, 0)
  assert.match(out, /^message 1 at the desk of processor stock: held\n {2}type +order\.placed\n/)
  assert.match(out, /\n {2}attempts +2\n {2}waiting +1 behind it: 3\n/)
  assert.match(out, /\nerror EMPTY\n {2}Error: no stock\n {6}at .*mill\.ts/)
  assert.match(out, /\ncaused by Error\n {2}Error: the mill stands still\n {6}at /)
  assert.ok(out.includes(`\ndata\n  {\n    "orderId": "a",\n    "fail": ${JSON.stringify(mended)}\n  }\n\nnext\n`), out)
  const object = objectsOf((await millrace(['desk', 'show', '--db', file, '1', '--json'])).out)[0]!
  assert.deepEqual(object['data'], { orderId: 'a', fail: mended })
  assert.match((object['error'] as { stack: string }).stack, /^Error: no stock\n/)
  const none = await millrace(['desk', 'show', '--db', file, '99'])
  assert.equal(none.status, 1)
  assert.match(none.err, /^millrace: there is no message 99 at the desk; .*\(millrace\/unknown-item\)\n$/)
})

test('a release in a running app is tried at once; only what is held can be released', async (t) => {
  const { app, file, mended } = await heldMill(t)
  const inLine = await millrace(['desk', 'release', '--db', file, '3'])
  assert.equal(inLine.status, 1)
  assert.match(inLine.err, /\(millrace\/not-held\)/)
  const unknown = await millrace(['desk', 'release', '--db', file, '99'])
  assert.match(unknown.err, /\(millrace\/unknown-item\)/)
  writeFileSync(mended, '')
  const released = await millrace(['desk', 'release', '--db', file, '1', '2'])
  assert.deepEqual(released, { status: 0, out: 'message 1 is released\nmessage 2 is released\n', err: '' })
  await app.idle()
  assert.deepEqual(await list('--db', file, '--state', 'all'), [])
})

test('a release in the file of a stopped app is tried when it starts, with its line, in order', async (t) => {
  const { file, mended } = await stoppedMill(t)
  writeFileSync(mended, '')
  const inLine = await millrace(['desk', 'release', '--db', file, '3'])
  assert.match(
    inLine.err,
    /^millrace: message 3 of processor "stock" waits in line behind another message of its context; .*\(millrace\/not-held\)/,
  )
  const released = await millrace(['desk', 'release', '--db', file, '1', '--json'])
  assert.deepEqual(JSON.parse(released.out), { id: 1, released: true })
  const again = await millrace(['desk', 'release', '--db', file, '1'])
  assert.match(again.err, /^millrace: .* has asked for "retry" of message 1; .*\(millrace\/not-held\)/)
  assert.deepEqual(
    (await list('--db', file, '--state', 'all')).map(({ id, state }) => [id, state]),
    [
      [1, 'held'],
      [2, 'held'],
      [3, 'line'],
    ],
  )
  assert.equal(existsSync(`${file}-wal`), false)
  const app = mill(file)
  await app.start()
  await app.idle()
  assert.deepEqual(
    (await list('--db', file, '--state', 'all')).map(({ id }) => id),
    [2],
  )
  await app.stop()
})

test('an action requested while the app is stopped is marked, and done when it starts', async (t) => {
  const { file, mended } = await stoppedMill(t)
  await millrace(['desk', 'release', '--db', file, '1', '--by', 'anna', '--reason', 'stock is back'])
  await millrace(['desk', 'discard', '--db', file, '2', '--by', 'ben', '--reason', 'entered twice'])
  assert.deepEqual(
    (await list('--db', file)).map(({ id, state, pending }) => [id, state, pending]),
    [
      [1, 'held', 'retry'],
      [2, 'held', 'discard'],
    ],
  )
  const { out } = await millrace(['desk', '--db', file])
  assert.match(out, /\n 1 {2}stock +held → retry +order/)
  for (const line of linesOf(out)) assert.ok([...line].length <= 80, line)
  const show = await millrace(['desk', 'show', '--db', file, '2'])
  assert.match(show.out, /\n {2}asked for +discard by ben at \S+Z \(entered twice\);/)
  const [object] = objectsOf((await millrace(['desk', 'show', '--db', file, '2', '--json'])).out)
  const { at, ...pending } = object!['pendingAction'] as { at: string }
  assert.deepEqual(pending, { do: 'discard', reason: 'entered twice', by: 'ben' })
  assert.match(at, /Z$/)
  writeFileSync(mended, '')
  const app = mill(file)
  await app.start()
  t.after(() => app.stop())
  await app.idle()
  assert.deepEqual(
    (await list('--db', file, '--state', 'held,handled,discarded')).map(({ id, state, pending }) => [
      id,
      state,
      pending,
    ]),
    [
      [1, 'handled', undefined],
      [2, 'discarded', undefined],
    ],
  )
})

test('an empty desk is said to be empty', async (t) => {
  const file = join(folder(t), 'mill.db')
  const app = mill(file)
  await app.start()
  t.after(() => app.stop())
  const { status, out } = await millrace(['desk', 'list', '--db', file])
  assert.deepEqual({ status, out }, { status: 0, out: 'no message is held at the desk\n' })
})

test('the desk says what an error means, and the next step as a command that can be typed', async (t) => {
  const { file } = await heldMill(t)
  const run = async (...words: string[]) => linesOf((await millrace([...words, '--db', file])).out)
  const [, , , help, next] = await run('desk')
  assert.equal(help, 'EMPTY: Order more of the article, then release. https://wiki.example/empty')
  assert.equal(next, `next: npx millrace desk show 1 --db ${file}`)
  const groups = await run('desk', 'groups')
  assert.deepEqual(groups.slice(2), [
    'group 1: Order more of the article, then release. https://wiki.example/empty',
    `next: npx millrace desk list --group 1 --db ${file}`,
  ])
  const shown = (await run('desk', 'show', '1')).join('\n')
  assert.match(shown, /\n {2}owner +team stock\n/)
  assert.match(shown, /\nhelp\n {2}Order more of the article, then release\.\n {2}https:\/\/wiki\.example\/empty\n/)
  const steps = (text: string) => text.slice(text.indexOf('\nnext\n') + 6).replaceAll(` --db ${file}`, '')
  assert.deepEqual(steps(shown).split('\n'), [
    '  try it again  npx millrace desk release 1',
    '  correct it    npx millrace desk show 1 --data > data.json',
    '                npx millrace desk resubmit 1 --data-file data.json --reason WHY',
    '  give it up    npx millrace desk discard 1 --reason WHY',
  ])
  for (const line of steps(shown).split('\n')) assert.ok(line.length <= 80, line)
  assert.equal(steps((await run('desk', 'show', '3')).join('\n')), '  see the first  npx millrace desk show 1')
  await run('desk', 'discard', '2', '--reason', 'a test')
  assert.equal(steps((await run('desk', 'show', '2')).join('\n')), '  take it back  npx millrace desk take-back 2')
  const [row] = await list('--db', file)
  assert.deepEqual(
    [row!['help'], row!['owner']],
    [{ text: 'Order more of the article, then release.', url: 'https://wiki.example/empty' }, 'team stock'],
  )
})

test('a group is made quiet by the command for a span or until a time, and woken; its messages stay held', async (t) => {
  const { file } = await heldMill(t)
  const run = (...words: string[]) => millrace(['desk', ...words, '--db', file])
  const group = async () => objectsOf((await run('groups', '--json')).out)[0]!
  const quiet = await run('snooze', '1', '--for', '12h', '--reason', 'answer tomorrow', '--by', 'ann')
  assert.equal(quiet.status, 0)
  assert.match(quiet.out, /^group 1 is quiet until \d{4}-.*Z or 4 held; its messages stay held\n$/)
  const { snooze, snoozed, held } = await group()
  assert.deepEqual([snoozed, held, (snooze as { by: string }).by], [2, 2, 'ann'])
  assert.deepEqual(
    (await list('--db', file)).map(({ id }) => id),
    [1, 2],
  )
  const woken = await run('wake', '1', '--by', 'ben', '--json')
  assert.deepEqual([woken.status, objectsOf(woken.out)], [0, [{ group: 1, snoozed: false }]])
  assert.equal((await group())['snoozed'], 0)
  const until = await run('snooze', '1', '--until', '2020-01-01T00:00:00Z', '--reason', 'too late')
  assert.deepEqual([until.status, /\(millrace\/bad-option\)/.test(until.err)], [1, true])
  for (const [words, why] of [
    [['--reason', 'r'], /give one of --for SPAN and --until TIME/],
    [['--for', '1h'], /snooze needs --reason TEXT/],
    [['--until', 'soon', '--reason', 'r'], /--until is "soon"/],
  ] as const) {
    const refused = await run('snooze', '1', ...words)
    assert.deepEqual([refused.status, why.test(refused.err)], [2, true], refused.err)
  }
  const none = await run('wake', '99')
  assert.match(none.err, /\(millrace\/unknown-group\)/)
})
