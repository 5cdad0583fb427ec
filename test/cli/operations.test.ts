import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { until } from '../support.ts'
import { heldMill, stoppedMill } from './support/held.ts'
import { mill, Placed } from './support/mill.ts'
import { appFile, begin, linesOf, millrace, objectsOf } from './support/millrace.ts'

const statesOf = async (file: string) => {
  const { out } = await millrace(['desk', '--db', file, '--state', 'held,trying,line,handled,discarded', '--json'])
  return Object.fromEntries(objectsOf(out).map(({ id, state }) => [id, state]))
}
const operationsOf = async (file: string) =>
  objectsOf((await millrace(['desk', 'operations', '--db', file, '--json'])).out)

test('all that are held are released as an operation, which is followed to its end', async (t) => {
  const { app, file, mended } = await heldMill(t)
  writeFileSync(mended, '')
  const done = await millrace(['desk', 'release', '--db', file, '--all', '--name', 'stock is back'])
  assert.deepEqual(done, {
    status: 0,
    out:
      'operation 1 "stock is back": 2 messages are selected to be released\n' +
      'operation 1 "stock is back" is done: 2 of 2 messages released\n',
    err: '',
  })
  await app.idle()
  assert.deepEqual(await statesOf(file), { 1: 'handled', 2: 'handled' })
  const { out } = await millrace(['desk', 'operations', '--db', file])
  assert.match(out, /^ID {2}NAME .*\n 1 {2}stock is back {2}release {2}done {3}2 of 2 {8}0 {2}/)
  for (const line of linesOf(out)) assert.ok([...line].length <= 80, line)
  const audit = await millrace(['desk', 'audit', '--db', file])
  assert.match(audit.out, / selected +- +stock .* +to release/)
  const again = await millrace(['desk', 'release', '--db', file, '--all', '--name', 'stock is back'])
  assert.match(again.err, /an operation "stock is back" exists already; .*\(millrace\/duplicate-name\)/)
  const nothing = await millrace(['desk', 'release', '--db', file, '--all', '--name', 'once more'])
  assert.match(nothing.err, /\(millrace\/nothing-selected\)/)
  assert.equal(nothing.status, 1)
})

test('a selection has the messages that fit: by context, by group, by type, by processor', async (t) => {
  const { app, file } = await heldMill(t)
  const discard = ['desk', 'discard', '--db', file, '--all', '--by', 'anna', '--reason', 'a test', '--json']
  const none = await millrace([...discard, '--name', 'none', '--processor', 'printer'])
  assert.match(none.err, /nothing-selected/)
  const one = objectsOf((await millrace([...discard, '--name', 'one', '--context', 'b'])).out)
  assert.deepEqual(
    one.map(({ id, name, action, state, total, done, refused, by, reason, oneFirst }) => ({
      ...{ id, name, action, state, total, done, refused, by, reason, oneFirst },
    })),
    ['running', 'done'].map((state) => ({
      ...{ id: 1, name: 'one', action: 'discard', state, total: 1, done: state === 'done' ? 1 : 0, refused: 0 },
      ...{ by: 'anna', reason: 'a test', oneFirst: false },
    })),
  )
  await app.idle()
  const [group] = objectsOf((await millrace(['desk', 'groups', '--db', file, '--json'])).out)
  const args = ['--name', 'group', '--group', String(group!['id']), '--type', 'order.placed', '--no-wait']
  assert.equal((await millrace([...discard, ...args])).status, 0)
  await app.idle()
  assert.deepEqual(await statesOf(file), { 1: 'discarded', 2: 'discarded', 3: 'held' })
})

test('one first: the others follow when it was handled, and stay when it was not', async (t) => {
  const { app, file, mended } = await heldMill(t)
  const release = (name: string) =>
    millrace(['desk', 'release', '--db', file, '--all', '--one-first', '--name', name, '--by', 'anna'])
  const failed = await release('too early')
  assert.equal(failed.status, 1)
  assert.deepEqual(linesOf(failed.out), [
    'operation 1 "too early": 2 messages are selected to be released, one first and the others when it was handled',
    'operation 1 "too early" has failed: its first message was not handled, the others were not changed',
  ])
  assert.deepEqual(await statesOf(file), { 1: 'held', 2: 'held', 3: 'line' })
  writeFileSync(mended, '')
  const done = await release('again')
  assert.equal(done.status, 0, done.err)
  await app.idle()
  assert.deepEqual(await statesOf(file), { 1: 'handled', 2: 'handled' })
})

test('an operation that waits for its first message is aborted by name; Ctrl-C only stops watching', async (t) => {
  const { app, file } = await heldMill(t)
  // What is released is not handled as long as its processor is paused.
  await app.processors.pause('stock', { by: 'anna' })
  const release = ['desk', 'release', '--db', file, '--all', '--one-first', '--name', 'slow', '--json']
  const watching = begin(t, release)
  await watching.says('"state":"running"')
  await until('its first message is released', async () => (await app.desk.operations())[0]?.state === 'trying')
  watching.process.kill('SIGINT')
  const watched = await watching.done
  assert.equal(watched.status, 130)
  assert.match(watched.err, /operation 1 "slow" is still running; see npx millrace desk operations --db /)
  const aborted = await millrace(['desk', 'abort', '--db', file, 'slow', '--reason', 'not today', '--by', 'ben'])
  assert.equal(aborted.out, 'operation 1 "slow" was aborted: 1 of 2 messages released\n', aborted.err)
  const again = await millrace(['desk', 'abort', '--db', file, '1'])
  assert.match(again.err, /has ended already: aborted; .*\(millrace\/operation-ended\)/)
  const unknown = await millrace(['desk', 'abort', '--db', file, 'quick'])
  assert.match(unknown.err, /there is no operation "quick"; .*\(millrace\/unknown-operation\)/)
  const audit = objectsOf((await millrace(['desk', 'audit', '--db', file, '--limit', '1', '--json'])).out)
  assert.deepEqual(
    audit.map(({ action, subject, by, reason }) => [action, subject, by, reason]),
    [['aborted', 'slow', 'ben', 'not today']],
  )
  await app.processors.resume('stock')
})

test('in the file of a stopped app an operation is made, seen and aborted, and done at the next start', async (t) => {
  const { file, mended } = await stoppedMill(t)
  const select = (name: string, ...args: string[]) =>
    millrace(['desk', 'release', '--db', file, '--all', '--name', name, ...args])
  const made = await select('for later')
  assert.deepEqual(made, {
    status: 0,
    out: 'operation 1 "for later": 2 messages are selected to be released, when the app starts\n',
    err: '',
  })
  await select('never')
  assert.equal((await millrace(['desk', 'abort', '--db', file, 'never'])).status, 0)
  // What became of one meanwhile is told and holds up nothing.
  await millrace(['desk', 'discard', '--db', file, '2', '--reason', 'entered twice', '--by', 'anna'])
  writeFileSync(mended, '')
  const app = mill(file)
  await app.start()
  await app.idle()
  await app.stop()
  assert.deepEqual(await statesOf(file), { 1: 'handled', 2: 'discarded' })
  assert.deepEqual(
    (await operationsOf(file)).map(({ name, state, done, refused }) => [name, state, done, refused]),
    [
      ['for later', 'done', 2, 1],
      ['never', 'aborted', 0, 0],
    ],
  )
  const { out } = await millrace(['desk', 'operations', '--db', file, 'for later'])
  assert.match(out, /^operation 1 "for later"\n/)
  assert.match(out, /\n {2}released +1 of 2\n {2}not possible +1\n {2}2 {2}message 2 .* was discarded already\n$/)
})

test('groups count held messages by their common parts', async (t) => {
  const { app, file } = await heldMill(t)
  await app.publish(Placed, { orderId: 'c', fail: 'nowhere' })
  await app.idle()
  const groups = async (...args: string[]) =>
    objectsOf((await millrace(['desk', 'groups', '--db', file, '--json', ...args])).out).map(
      ({ held, processor, type, error }) => [held, processor, type, error],
    )
  assert.deepEqual(await groups(), [[3, 'stock', 'order.placed', 'EMPTY: no stock']])
  assert.deepEqual(await groups('--by', 'error'), [[3, null, null, 'EMPTY: no stock']])
  assert.deepEqual(await groups('--by', 'processor'), [[3, 'stock', null, null]])
  assert.deepEqual(await groups('--by', 'type', '--processor', 'stock'), [[3, null, 'order.placed', null]])
  assert.deepEqual(await groups('--processor', 'printer'), [])
  const { out } = await millrace(['desk', 'groups', '--db', file])
  assert.match(out, /^GROUP {2}HELD {2}PROCESSOR {2}TYPE {10}ERROR {12}FIRST {2}LAST\n {4}1 {5}3 {2}stock /)
  await app.stop()
  assert.deepEqual(await groups(), [[3, 'stock', 'order.placed', 'EMPTY: no stock']])
})

test('a desk where no message is held says so for every look', async (t) => {
  const { app, file } = await heldMill(t)
  await app.desk.select('discard', {}, { name: 'x', by: 'anna', reason: 'a test' })
  await app.idle()
  await app.desk.select('discard', {}, { name: 'y', by: 'anna', reason: 'a test' })
  await app.idle()
  assert.equal((await millrace(['desk', 'groups', '--db', file])).out, 'no message is held\n')
  assert.equal((await millrace(['desk', '--db', file])).out, 'no message is held at the desk\n')
})

test('an operation tells how many of its released messages are held again', async (t) => {
  const { file } = await heldMill(t)
  const release = ['desk', 'release', '--db', file, '--all', '--name']
  const { out } = await millrace([...release, 'too early'])
  assert.match(out, /\nop.* "too early" is done: 2 of 2 messages released; 2 of them are held again\n$/)
  const json = objectsOf((await millrace([...release, 'again', '--json'])).out).at(-1)!
  assert.deepEqual(json['outcome'], { handled: 0, trying: 0, held: 2, discarded: 0 })
  const shown = await millrace(['desk', 'operations', 'again', '--db', file])
  assert.match(shown.out, /\n {2}held again +2\n/)
  const byNumber = await millrace(['desk', 'operations', '2', '--db', file])
  assert.equal(byNumber.out, shown.out)
  const second = await millrace(['desk', 'operations', '--after', '1', '--limit', '1', '--db', file])
  assert.match(second.out, /\n 2 {2}again .*\n$/)
  assert.match(second.err, /there may be more: --after 2/)
})

test('one change corrects all held messages; its result for each is shown before the app starts', async (t) => {
  const { file } = await stoppedMill(t)
  const change = join(dirname(file), 'change.json')
  writeFileSync(
    change,
    JSON.stringify([
      { op: 'test', path: '/orderId', value: 'a' },
      { op: 'remove', path: '/fail' },
    ]),
  )
  const all = ['desk', 'resubmit', '--db', file, '--all', '--name', 'corrected', '--change']
  const reason = ['--reason', 'no need to wait', '--by', 'anna']
  const asked = await millrace([...all, change, ...reason])
  assert.deepEqual([asked.status, asked.err], [0, ''])
  assert.equal(asked.out, 'operation 1 "corrected": 2 messages are selected to be resubmitted, when the app starts\n')
  const preview = await millrace(['desk', 'preview', appFile, 'corrected', '--db', file])
  assert.deepEqual(linesOf(preview.out), [
    'message 1:',
    `  - fail: ${JSON.stringify(join(dirname(file), 'mended'))}`,
    'message 2 stays as it is: change 1 of 2 (test "/orderId") does not fit: found a string, which is another value than the one that is expected',
  ])
  const rows = objectsOf((await millrace(['desk', 'preview', appFile, '1', '--db', file, '--json'])).out)
  assert.deepEqual(
    rows.map(({ item, after }) => [item, after]),
    [
      [1, '{"orderId":"a"}'],
      [2, null],
    ],
  )
  assert.match((await millrace(['desk', 'preview', '1', '--db', file])).err, /\(millrace\/no-app\)/)
  const app = mill(file)
  t.after(() => app.stop())
  await app.start()
  await app.idle()
  assert.deepEqual(await statesOf(file), { 1: 'handled', 2: 'held', 3: 'held' })
  const shown = await millrace(['desk', 'operations', 'corrected', '--db', file])
  assert.match(shown.out, /resubmitted +1 of 2\n/)
  assert.match(shown.out, /2 +change 1 of 2 \(test/)
  for (const [given, message] of [
    [['--change', join(dirname(file), 'none.json'), ...reason], /--change cannot be read/],
    [reason, /resubmit --all needs --change FILE/],
    [['--change', change], /needs --reason/],
  ] as const) {
    const refused = await millrace(['desk', 'resubmit', '--db', file, '--all', '--name', 'again', ...given])
    assert.equal(refused.status, 2)
    assert.match(refused.err, message)
  }
  writeFileSync(change, '{"orderId":"a"}')
  assert.match(
    (await millrace([...all.with(6, 'again'), change, ...reason])).err,
    /change is an object, but must be a list/,
  )
})

test('an operation is prepared, run at a rate, stops at failures and is run on', async (t) => {
  const { app, file, mended } = await heldMill(t)
  const prepare = ['desk', 'release', '--db', file, '--all', '--name', 'slowly', '--prepare', '--by', 'anna']
  const prepared = await millrace(prepare)
  assert.equal(prepared.status, 0, prepared.err)
  assert.match(
    prepared.out,
    /^operation 1 "slowly": 2 messages are selected to be released, in 2 lanes; nothing is done until desk run, which is possible until \d{4}-.*Z\n$/,
  )
  assert.match((await millrace(['desk', 'operations', 'slowly', '--db', file])).out, /state +prepared\n.*lanes +2\n/s)
  const run = (...more: string[]) => millrace(['desk', 'run', 'slowly', '--db', file, '--by', 'bert', ...more])
  const stopped = await run('--stop-after', '1')
  assert.equal(stopped.status, 1)
  assert.deepEqual(linesOf(stopped.out), [
    'operation 1 "slowly" runs',
    'operation 1 "slowly" has stopped after 1 failure: 1 of 2 messages released; 1 of them is held again',
  ])
  writeFileSync(mended, '')
  const done = await run('--per-second', '5')
  assert.deepEqual([done.status, done.err], [0, ''])
  assert.match(done.out, /"slowly" is done: 2 of 2 messages released; 1 of them is held again\n$/)
  await app.idle()
  const [object] = await operationsOf(file)
  const { state, lanes, perSecond, stopAfter, failures, expiresAt } = object!
  assert.deepEqual([state, lanes, perSecond, stopAfter, failures, expiresAt], ['done', 2, 5, 1, 0, null])
  assert.match((await run()).err, /operation "slowly" has ended already: done; it cannot be run/)
  assert.match((await run('--per-second', '0')).err, /--per-second/)
  const alone = await millrace(['desk', 'release', '--db', file, '1', '--stop-after', '1'])
  assert.match(alone.err, /--stop-after goes with --all only/)
})
