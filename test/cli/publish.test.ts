import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { App } from 'millrace'
import { rows } from '../support.ts'
import { mill } from './support/mill.ts'
import { appFile, begin, folder, linesOf, millrace, objectsOf } from './support/millrace.ts'

/** The app in this process: commands reach it over its socket. */
async function runningMill(t: TestContext): Promise<{ app: App; file: string }> {
  const file = join(folder(t), 'mill.db')
  const app = mill(file)
  await app.start()
  t.after(() => app.stop())
  return { app, file }
}

async function last(file: string, count: number): Promise<Record<string, unknown>[]> {
  return objectsOf((await millrace(['tail', '--db', file, '--last', String(count), '--no-follow', '--json'])).out)
}

test('publishes to a running app, once for each id, and sends commands', async (t) => {
  const { app, file } = await runningMill(t)
  const args = ['publish', '--db', file, 'order.placed', '{"orderId":"a"}', '--id', 'one']
  assert.deepEqual(await millrace(args), { status: 0, out: 'one\n', err: '' })
  assert.equal((await millrace(args)).out, 'one (published before, with the same data)\n')
  const again = await millrace([...args, '--json'])
  assert.deepEqual(JSON.parse(again.out), { id: 'one', duplicate: true })
  const command = await millrace(['publish', '--db', file, 'label.print', '{"text":"mill"}'])
  assert.equal(command.status, 0)
  await app.idle()
  assert.deepEqual(
    (await last(file, 10)).map(({ type, topic, channel, data }) => ({ type, topic, channel, data })),
    [
      { type: 'order.placed', topic: 'orders', channel: undefined, data: { orderId: 'a' } },
      { type: 'stock.taken', topic: 'moves', channel: undefined, data: { orderId: 'a' } },
      { type: 'label.print', topic: undefined, channel: 'labels', data: { text: 'mill' } },
    ],
  )
})

test('bad data are told with their code, and nothing is kept', async (t) => {
  const { file } = await runningMill(t)
  const refused = [
    [
      'order.placd',
      '{"orderId":"a"}',
      /has no type "order\.placd"; did you mean "order\.placed"\? .*type-without-topic/,
    ],
    ['orders', '{"orderId":"a"}', /has no type "orders"; "orders" is a topic, with "order\.placed"/],
    ['order.placed', '{"orderId":1}', /order\.placed.* orderId.*\(millrace\/bad-data\)/],
    ['order.placed', '{"orderId":""}', /context of event .*\(millrace\/bad-context\)/],
  ] as const
  for (const [type, data, expected] of refused) {
    const { status, out, err } = await millrace(['publish', '--db', file, type, data])
    assert.deepEqual({ status, out }, { status: 1, out: '' })
    assert.match(err, expected)
  }
  const id = await millrace(['publish', '--db', file, 'order.placed', '{"orderId":"a"}', '--id', ''])
  assert.match(id.err, /\(millrace\/bad-id\)/)
  const input = JSON.stringify({ text: 'x'.repeat(1_000_001) })
  const large = await millrace(['publish', '--db', file, 'label.print'], { input })
  assert.match(large.err, /^millrace: line 1: data of command "label\.print" is .*\(millrace\/too-large\)/)
  assert.deepEqual(await last(file, 10), [])
})

test('publishes to a stopped app through its file; nothing runs', async (t) => {
  const file = join(folder(t), 'mill.db')
  const published = await millrace(['publish', appFile, '--db', file, 'order.placed', '{"orderId":"a"}'])
  assert.equal(published.status, 0, published.err)
  assert.match(published.out, /^\S+\n$/)
  assert.equal(published.err, `millrace: no app runs with ${file}: handled after its next start\n`)
  const none = await millrace(['publish', appFile, '--db', file], { input: '' })
  assert.deepEqual([none.out, none.err], ['0 published, 0 refused\n', ''])
  assert.deepEqual(
    (await last(file, 10)).map(({ type }) => type),
    ['order.placed'],
  )
  const app = mill(file)
  await app.start()
  await app.idle()
  await app.stop()
  assert.deepEqual(
    (await last(file, 10)).map(({ type }) => type),
    ['order.placed', 'stock.taken'],
  )
})

test('a stopped app needs its file, and a database that is not there is not made', async (t) => {
  const file = join(folder(t), 'mill.db')
  const { status, err } = await millrace(['publish', '--db', file, 'order.placed', '{"orderId":"a"}'])
  assert.equal(status, 1)
  assert.match(err, /^millrace: there is no file .*mill\.db; start the app; .*\(millrace\/not-running\)\n$/)
  assert.equal(existsSync(file) || existsSync(`${file}-owner`), false)
})

test('lines are published in order, many in flight; those that do not fit are named by number', async (t) => {
  const { app, file } = await runningMill(t)
  const good = (n: number) => JSON.stringify({ orderId: `o-${n}` })
  const lines = Array.from({ length: 5_000 }, (_, n) => good(n))
  lines[9] = '{"orderId":'
  lines[19] = '{"orderId":7}'
  lines[29] = ''
  const input = Buffer.concat([Buffer.from(lines.join('\r\n')), Buffer.from([0x0a, 0xff, 0x0a])])
  const { status, out, err } = await millrace(['publish', '--db', file, 'order.placed'], { input })
  assert.equal(status, 1)
  assert.equal(out, '4997 published, 3 refused\n')
  // The first is found at once, the second comes back from the app.
  const told = linesOf(err).sort()
  assert.match(told[0]!, /^millrace: line 10: it is not JSON: /)
  assert.match(told[1]!, /^millrace: line 20: .*\(millrace\/bad-data\)$/)
  assert.equal(told[2], 'millrace: line 5001: it is not UTF-8')
  await app.idle()
  const { out: shown } = await millrace([
    'tail',
    '--db',
    file,
    '--topic',
    'orders',
    '--last',
    '5000',
    '--no-follow',
    '--json',
  ])
  const ids = objectsOf(shown).map(({ data }) => (data as { orderId: string }).orderId)
  const expected = lines.flatMap((_, n) => (n === 9 || n === 19 || n === 29 ? [] : [`o-${n}`]))
  assert.deepEqual(ids, expected)
})

test('lines may name type, data and id each', async (t) => {
  const { file } = await runningMill(t)
  const lines = [
    { type: 'order.placed', data: { orderId: 'a' }, id: 'one' },
    { type: 'label.print', data: { text: 'b' } },
    { type: 'order.placed', data: { orderId: 'a' }, id: 'one' },
    { type: 'order.placed', data: { orderId: 'other' }, id: 'one' },
    { type: 'order.placd', data: {} },
    { data: {} },
    { type: 'order.placed', data: { orderId: 'a' }, ids: 'one' },
    7,
    null,
  ]
  const input = `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`
  const { status, out } = await millrace(['publish', '--db', file, '--json'], { input })
  assert.equal(status, 1)
  const said = objectsOf(out)
  assert.deepEqual(said.pop(), { published: 3, duplicates: 1, refused: 6 })
  const byLine = new Map(said.map(({ line, id, duplicate, error }) => [line, { id, duplicate, error }]))
  assert.equal(byLine.get(1)!.id, 'one')
  assert.equal(byLine.get(3)!.duplicate, true)
  const codes = [4, 5, 6, 7, 8, 9].map((line) => (byLine.get(line)!.error as { code: string }).code)
  assert.deepEqual(codes, ['millrace/id-conflict', 'millrace/type-without-topic', 'usage', 'usage', 'usage', 'usage'])
})

test('when the app dies during the command, that says so and where', async (t) => {
  const file = join(folder(t), 'mill.db')
  const app = begin(t, ['start', appFile, '--db', file])
  await app.says('ready')
  const publishing = begin(t, ['publish', '--db', file, 'label.print', '--json'])
  publishing.process.stdin!.write('{"text":"a"}\n')
  await publishing.says('"line":1')
  app.process.kill('SIGKILL')
  await app.done
  publishing.process.stdin!.end('{"text":"b"}\n')
  const { status, err } = await publishing.done
  assert.equal(status, 1)
  assert.match(err, /ended at line 2; 1 line published/)
  assert.match(err, /"code":"millrace\/disconnected"/)
})

test('Ctrl-C ends the lines cleanly: published messages are counted', async (t) => {
  const { file } = await runningMill(t)
  const publishing = begin(t, ['publish', '--db', file, 'label.print', '--json'])
  publishing.process.stdin!.write('{"text":"a"}\n')
  await publishing.says('"line":1')
  publishing.process.kill('SIGINT')
  const { status, out } = await publishing.done
  assert.equal(status, 130)
  assert.deepEqual(objectsOf(out).at(-1), { published: 1, duplicates: 0, refused: 0 })
})

test('a message is kept until its time, by the words of the command or of its line, with and without a running app', async (t) => {
  const { app, file } = await runningMill(t)
  const pending = () => rows<{ id: string }>(file, 'select message_id as id from millrace_timers order by due').length
  const publish = (...words: string[]) => millrace(['publish', appFile, '--db', file, ...words])
  const all = async () => {
    const before = pending()
    const data = '{"orderId":"a"}'
    assert.equal((await publish('order.placed', data, '--delay', '2h')).status, 0)
    assert.equal((await publish('order.placed', data, '--at', '2199-01-01T00:00:00Z')).status, 1)
    assert.equal((await publish('order.placed', data, '--at', '2096-01-01T00:00:00Z')).status, 0)
    const lines = [
      { type: 'order.placed', data: { orderId: 'b' }, delayMs: 3_600_000 },
      { type: 'order.placed', data: { orderId: 'c' }, at: Date.parse('2096-01-01T00:00:00Z') },
      { type: 'order.placed', data: { orderId: 'd' }, delayMs: 'soon' },
    ]
    const input = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
    const { err } = await millrace(['publish', appFile, '--db', file], { input })
    assert.match(err, /line 3: .*delayMs is of type string/)
    assert.equal(pending() - before, 4)
  }
  await all()
  await app.stop()
  await all()
  for (const wrong of [
    ['--at', 'soon'],
    ['--delay', '5'],
    ['--at', '2096-01-01', '--delay', '1h'],
  ]) {
    assert.equal((await publish('order.placed', '{"orderId":"a"}', ...wrong)).status, 2)
  }
})
