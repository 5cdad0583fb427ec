import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { App } from 'millrace'
import { mill, Placed, PrintLabel } from './support/mill.ts'
import { appFile, begin, folder, linesOf, millrace, objectsOf, type Running } from './support/millrace.ts'

async function runningMill(t: TestContext): Promise<{ app: App; file: string }> {
  const file = join(folder(t), 'mill.db')
  const app = mill(file)
  await app.start()
  t.after(() => app.stop())
  return { app, file }
}

/** Publishes until the command shows that it follows. */
async function following(app: App, tail: Running): Promise<void> {
  let follows = false
  const shown = tail.says('follows').then(() => {
    follows = true
  })
  while (!follows) {
    await app.publish(Placed, { orderId: 'follows' })
    await new Promise((resolve) => setImmediate(resolve))
  }
  await shown
}

test('shows each message as CloudEvents once it is on disk, and ends when the app stops', async (t) => {
  const { app, file } = await runningMill(t)
  const tail = begin(t, ['tail', '--db', file, '--json'])
  await following(app, tail)
  const before = Date.now()
  await app.publish(Placed, { orderId: 'a' }, { id: 'mine' })
  await tail.says('"orderId":"a"')
  await app.idle()
  await app.stop()
  const { status, out, err } = await tail.done
  assert.deepEqual({ status, err }, { status: 0, err: 'millrace: app "mill" has stopped\n' })
  const found = objectsOf(out).filter(({ correlationid }) => correlationid === 'mine')
  assert.ok(Date.parse(found[0]!['time'] as string) >= before)
  const { id, position: _, time: _time, ...taken } = found[1]!
  assert.deepEqual(found.length, 2)
  assert.equal(typeof id, 'string')
  assert.deepEqual(taken, {
    specversion: '1.0',
    source: '/mill/stock',
    type: 'stock.taken',
    datacontenttype: 'application/json',
    dataschema: 'urn:millrace:stock.taken:1',
    partitionkey: 'a',
    correlationid: 'mine',
    causationid: 'mine',
    topic: 'moves',
    data: { orderId: 'a' },
  })
})

test('filters by topic, type, context and flow; the last ones come first, none twice', async (t) => {
  const { app, file } = await runningMill(t)
  for (const orderId of ['a', 'b', 'a', 'c']) await app.publish(Placed, { orderId })
  const { id } = await app.publish(Placed, { orderId: 'd' })
  await app.send(PrintLabel, { text: 'a\u001b[31m' })
  await app.idle()
  const shown = async (...args: string[]) => {
    const { status, out, err } = await millrace(['tail', '--db', file, '--no-follow', '--last', '100', ...args])
    assert.equal(status, 0, err)
    return linesOf(out).map((line) => line.split('  ').slice(1))
  }
  assert.deepEqual(await shown('--topic', 'labels'), [
    ['labels/1', 'label.print', JSON.stringify({ text: 'a\u001b[31m' })],
  ])
  assert.deepEqual(await shown('--type', 'order.placed', '--context', 'a'), [
    ['orders/1', 'order.placed', 'a', '{"orderId":"a"}'],
    ['orders/3', 'order.placed', 'a', '{"orderId":"a"}'],
  ])
  const flow = await shown('--correlation', id)
  assert.deepEqual(
    flow.map(([, type]) => type),
    ['order.placed', 'stock.taken'],
  )
  assert.deepEqual(
    (await shown('--topic', 'orders', '--last', '2')).map(([place]) => place),
    ['orders/4', 'orders/5'],
  )
  const tail = begin(t, ['tail', '--db', file, '--topic', 'orders', '--last', '2'])
  await tail.says('orders/5')
  await app.publish(Placed, { orderId: 'e' })
  await tail.says('orders/6')
  tail.process.kill('SIGINT')
  assert.equal((await tail.done).status, 130)
  assert.deepEqual(
    tail.lines().map((line) => line.split('  ')[1]),
    ['orders/4', 'orders/5', 'orders/6'],
  )
})

test('of a stopped app it shows what the file has, and leaves nothing beside it', async (t) => {
  const file = join(folder(t), 'mill.db')
  const app = mill(file)
  await app.start({ only: [] })
  await app.publish(Placed, { orderId: 'a' })
  await app.stop()
  const before = readdirSync(dirname(file))
  const follow = await millrace(['tail', '--db', file])
  assert.equal(follow.status, 1)
  assert.match(follow.err, /^millrace: no app runs with .* \(--last N shows what the file has\); .*not-running\)\n$/)
  const { status, out } = await millrace(['tail', '--db', file, '--last', '5'])
  assert.equal(status, 0)
  assert.match(out, /^\S+ {2}orders\/1 {2}order\.placed {2}a {2}\{"orderId":"a"\}\n$/)
  assert.deepEqual(readdirSync(dirname(file)), before)
})

test('tail ends quietly when the reader of its output is gone', async (t) => {
  const { app, file } = await runningMill(t)
  const tail = begin(t, ['tail', '--db', file])
  await following(app, tail)
  tail.process.stdout!.destroy()
  let over = false
  const done = tail.done.then((how) => {
    over = true
    return how
  })
  while (!over) {
    await app.publish(Placed, { orderId: 'a' })
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { status, err } = await done
  assert.deepEqual({ status, err }, { status: 0, err: '' })
})

test('when the app dies it fails', async (t) => {
  const file = join(folder(t), 'mill.db')
  const app = begin(t, ['start', appFile, '--db', file])
  await app.says('ready')
  await millrace(['publish', '--db', file, 'order.placed', '{"orderId":"a"}'])
  const tail = begin(t, ['tail', '--db', file, '--last', '1'])
  await tail.says('{"orderId":"a"}')
  app.process.kill('SIGKILL')
  const { status, err } = await tail.done
  assert.equal(status, 1)
  assert.match(err, /^millrace: the connection to process \d+ of app "mill" broke off; .*\(millrace\/disconnected\)\n$/)
})

test('a type or topic that neither the app nor its file has is named, of an app that runs and of one that does not', async (t) => {
  const { app, file } = await runningMill(t)
  await app.publish(Placed, { orderId: 'a' })
  await app.idle()
  const ask = async () => {
    const last = ['tail', '--db', file, '--last', '5', '--no-follow']
    const type = await millrace([...last, '--type', 'order.placd'])
    assert.equal(type.status, 1)
    assert.match(
      type.err,
      /there is no type "order\.placd"; did you mean "order\.placed"\?.*\(millrace\/unknown-name\)\n$/,
    )
    const topic = await millrace([...last, '--topic', 'nope'])
    assert.match(topic.err, /there is no topic or channel "nope"; .*\(millrace\/unknown-name\)\n$/)
    const none = await millrace([...last, '--type', 'label.print'])
    assert.deepEqual([none.status, none.out, none.err], [0, '', ''], 'a type that the app has and nobody has published')
  }
  await ask()
  const follows = await millrace(['tail', '--db', file, '--type', 'nope'])
  assert.match(follows.err, /there is no type "nope"/)
  await app.stop()
  const stopped = await millrace(['tail', appFile, '--db', file, '--last', '5', '--type', 'order.placd'])
  assert.match(stopped.err, /did you mean "order\.placed"\?/)
})

test('output that is read no further ends at once, without a word', async (t) => {
  const { app, file } = await runningMill(t)
  const fail = 'x'.repeat(300_000)
  for (let n = 0; n < 5; n++) await app.publish(Placed, { orderId: `${n}`, fail })
  await app.idle()
  const commands = [
    ['tail', '--last', '20', '--no-follow'],
    ['desk', 'show', '1'],
    ['desk', 'list', '--json'],
    ['desk', 'audit'],
    ['desk', 'groups'],
  ]
  for (const words of commands) {
    const command = begin(t, [...words, '--db', file])
    // As `head -n 1` does.
    command.process.stdout!.once('data', () => command.process.stdout!.destroy())
    const { status, err } = await command.done
    assert.deepEqual({ status, err }, { status: 0, err: '' }, words.join(' '))
  }
})
