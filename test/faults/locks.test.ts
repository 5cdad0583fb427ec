// Another program holds a lock of the file: a SQLite shell, a GUI, a script. Whoever writes waits, the event loop turns.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { type App, app, channel, command, type ErrorCode, isMillraceError, processor, sqlite } from 'millrace'
import { z } from 'zod'
import { coded, place, rows, until } from '../support.ts'
import { assertOnceInOrder, assertSound, logOf, look } from './support/judge.ts'
import { type Doing, innocent, Task, Tasks, type TasksOptions, tasks } from './support/tasks.ts'

interface Ends {
  after(fn: () => unknown): void
}

/** Another program that has a transaction open until it is let go of. */
function holding(t: Ends, file: string, begin = 'begin immediate'): { letGo(): void } {
  const db = new DatabaseSync(file)
  const letGo = () => {
    if (db.isOpen) db.close()
  }
  t.after(letGo)
  db.exec(begin)
  return { letGo }
}

async function running(t: Ends, file: string, lockedMs: number, options: Partial<TasksOptions> = {}): Promise<App> {
  const one = tasks({ broker: sqlite({ file, lockedMs }), ...options })
  t.after(() => one.stop({ graceMs: 0 }))
  await one.start({ control: false })
  return one
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Every message of the log is done once, in order; gives their ids. */
async function judge(shop: App, file: string): Promise<string[]> {
  await shop.idle()
  assert.deepEqual(
    await shop.desk.counts(),
    { held: 0, snoozed: 0, waiting: 0, discarded: 0 },
    'nobody is blamed for the lock',
  )
  await shop.stop()
  return look(file, (db) => {
    assertSound(db)
    const log = logOf(db, 'tasks')
    assertOnceInOrder('the doer', log, rows(file, 'select message from done order by seq'))
    return log.map(({ id }) => id)
  })
}

const heldBy = /^another program holds the write lock of .*app\.db$/

test('while another program holds the write lock the event loop turns, publishers wait, and health says why', async (t) => {
  const file = place(t)
  const shop = await running(t, file, 60_000)
  await shop.publish(Task, { lane: 'a', what: 'before' }, { id: 'before' })
  await shop.idle()
  const other = holding(t, file)
  let settled = 0
  const ids = Array.from({ length: 20 }, (_, n) => `waits-${n}`)
  const waiting = ids.map((id) =>
    shop.publish(Task, { lane: 'a', what: id }, { id }).finally(() => {
      settled++
    }),
  )
  await until('the lock is noticed', () => shop.health().status === 'red')
  await turns(1_000)
  assert.equal(settled, 0)
  assert.deepEqual(
    shop.health().reasons.map((reason) => heldBy.test(reason)),
    [true],
  )
  assert.equal((await shop.read`select * from done`).length, 1, 'reads go on')
  other.letGo()
  await Promise.all(waiting)
  await until('health is green', () => shop.health().status === 'green')
  assert.deepEqual(await judge(shop, file), ['before', ...ids])
})

test('after lockedMs publishers are told so, and work resumes by itself when the lock is gone', async (t) => {
  const file = place(t)
  const lines: string[] = []
  const shop = await running(t, file, 20, { log: (_, text) => lines.push(text) })
  const other = holding(t, file)
  const codes: (ErrorCode | undefined)[] = []
  for (let n = 0; n < 5; n++) {
    const error = await shop.publish(Task, { lane: 'a', what: 'refused' }).catch((why: unknown) => why)
    assert(isMillraceError(error) && error.retryable, String(error))
    assert.match(error.message, heldBy)
    codes.push(error.code)
  }
  assert.deepEqual(new Set(codes), new Set(['millrace/locked']))
  assert.equal(shop.health().status, 'red')
  assert.equal(lines.filter((line) => line.includes('write lock')).length, 1, 'said once, however long it lasts')
  other.letGo()
  // Nobody publishes: that it is free is seen all the same.
  await until('health is green', () => shop.health().status === 'green')
  await shop.publish(Task, { lane: 'a', what: 'kept' }, { id: 'kept' })
  assert.deepEqual(await judge(shop, file), ['kept'], 'what was refused is not kept, what was accepted is')
})

test('commits of handlers wait for the lock as long as it lasts, and count once', async (t) => {
  const file = place(t)
  let other: { letGo(): void } | undefined
  const calls = new Map<string, number>()
  const counting: Doing = (task, context) => {
    calls.set(task.id, (calls.get(task.id) ?? 0) + 1)
    other ??= holding(t, file)
    return innocent(task, context)
  }
  // One attempt, and little time: neither is used up by the wait.
  const shop = await running(t, file, 5, { attempts: 1, timeoutMs: 50, doing: { counted: counting } })
  const ids = ['a', 'b', 'c', 'd'].map((lane) => `${lane}-1`)
  await Promise.all(ids.map((id) => shop.publish(Task, { lane: id[0]!, what: 'counted' }, { id })))
  await until('a handler has run', () => other !== undefined)
  for (let refused = 0; refused < 4; refused++) {
    await assert.rejects(shop.publish(Task, { lane: 'z', what: 'refused' }), coded('millrace/locked'))
  }
  assert.equal((await shop.read`select * from done`).length, 0)
  other!.letGo()
  assert.deepEqual((await judge(shop, file)).sort(), ids)
  assert.deepEqual(Object.fromEntries(calls), Object.fromEntries(ids.map((id) => [id, 1])))
})

test('each way to write waits for the lock, and says so when it lasts', async (t) => {
  const Print = command('print', { schema: z.object({}), reply: z.object({}), context: () => 'all' })
  const Printing = channel('printing', [Print])
  const printer = processor('printer', { on: Printing, handle: { print: () => ({}) } })
  const failing = processor('failing', {
    on: Tasks,
    retry: { attempts: 1 },
    handle: {
      task: () => {
        throw new Error('no')
      },
    },
  })
  const file = place(t)
  const shop = app({ name: 'shop', broker: sqlite({ file, lockedMs: 5 }), parts: [failing, printer], log: () => {} })
  t.after(() => shop.stop({ graceMs: 0 }))
  await shop.start({ control: false })
  await shop.publish(Task, { lane: 'a', what: 'held' })
  await shop.publish(Task, { lane: 'a', what: 'later' }, { id: 'later', delayMs: 1_000_000 })
  await shop.idle()
  const [held] = await shop.desk.list()
  const writes: Readonly<Record<string, () => Promise<unknown>>> = {
    publish: () => shop.publish(Task, { lane: 'b', what: 'x' }),
    send: () => shop.send(Print, {}),
    request: () => shop.request(Print, {}),
    cancel: () => shop.cancel(Task, 'later'),
    transaction: () => shop.transaction((tx) => tx.query`create table more (n integer)`),
    release: () => shop.desk.release(held!.id),
    pause: () => shop.processors.pause('printer'),
    resume: () => shop.processors.resume('printer'),
    select: () => shop.desk.select('release', {}, { by: 'somebody', name: 'all' }),
  }
  const other = holding(t, file)
  const outcomes = new Map<string, unknown>()
  for (const [name, write] of Object.entries(writes)) {
    write().then(
      (value) => outcomes.set(name, value ?? 'done'),
      (error: unknown) => outcomes.set(name, isMillraceError(error) ? error.code : error),
    )
  }
  await until('all but one are refused', () => outcomes.size === Object.keys(writes).length - 1)
  assert.deepEqual(new Set(outcomes.values()), new Set(['millrace/locked']))
  assert.equal(outcomes.has('release'), false, 'what is decided about a message waits')
  other.letGo()
  await until('it is settled', () => outcomes.has('release'))
  assert.equal(outcomes.get('release'), 'done')
  await shop.idle()
  for (const name of ['transaction', 'pause', 'resume', 'cancel', 'publish', 'send', 'request']) await writes[name]!()
  assert.deepEqual(await shop.read`select * from more`, [], 'what was refused had done nothing')
})

for (const [what, begin] of [
  ['a write transaction', 'begin immediate'],
  ['the whole file', 'pragma locking_mode=exclusive; begin exclusive'],
] as const) {
  test(`a start waits while another program has ${what}; then it says so, and later it goes`, async (t) => {
    const file = place(t)
    const first = await running(t, file, 5_000)
    await first.publish(Task, { lane: 'a', what: 'kept' }, { id: 'kept' })
    await first.idle()
    await first.stop()
    const other = holding(t, file, begin)
    const shop = tasks({ broker: sqlite({ file, lockedMs: 5 }) })
    t.after(() => shop.stop({ graceMs: 0 }))
    await assert.rejects(shop.start({ control: false, waitMs: 0 }), coded('millrace/locked', heldBy))
    const patient = tasks({ broker: sqlite({ file, lockedMs: 60_000 }) })
    t.after(() => patient.stop({ graceMs: 0 }))
    const starting = patient.start({ control: false, waitMs: 60_000 })
    await turns(200)
    other.letGo()
    await starting
    assert.deepEqual(await judge(patient, file), ['kept'])
  })
}

test('a stop while the lock is held ends, and the next start does what was left', async (t) => {
  const file = place(t)
  let other: { letGo(): void } | undefined
  const lines: string[] = []
  const doing: Doing = (task, context) => {
    other = holding(t, file)
    return innocent(task, context)
  }
  const shop = await running(t, file, 5, { doing: { last: doing }, log: (_, text) => lines.push(text) })
  await shop.publish(Task, { lane: 'a', what: 'last' }, { id: 'last' })
  await until('the lock is noticed', () => shop.health().status === 'red')
  await shop.stop()
  assert(lines.includes('the store was closed without a clean mark'), lines.join('\n'))
  other!.letGo()
  const next = await running(t, file, 5_000)
  assert.deepEqual(await judge(next, file), ['last'])
})

test('a clean mark waits for a lock of a moment', async (t) => {
  const file = place(t)
  const shop = await running(t, file, 60_000)
  const other = holding(t, file)
  let stopped = false
  const stopping = shop.stop().then(() => {
    stopped = true
  })
  await turns(200)
  assert.equal(stopped, false)
  other.letGo()
  await stopping
  assert.equal(existsSync(`${file}-wal`), false, 'a clean stop leaves one file')
  assert.deepEqual(
    rows<{ value: number }>(file, "select value from millrace_meta where key = 'clean'").map(({ value }) => value),
    [1],
  )
})

test('a copy is taken while another program holds the write lock', async (t) => {
  const file = place(t)
  const shop = await running(t, file, 60_000)
  await shop.publish(Task, { lane: 'a', what: 'kept' }, { id: 'kept' })
  await shop.idle()
  const other = holding(t, file)
  const copy = `${file}-copy`
  await shop.broker.offline!.copies!.copyTo(copy, { app: 'running' })
  other.letGo()
  look(copy, (db) =>
    assert.deepEqual(
      logOf(db, 'tasks').map(({ id }) => id),
      ['kept'],
    ),
  )
})

test('actions written for a stopped app wait for the lock too, and say so', async (t) => {
  const file = place(t)
  const shop = await running(t, file, 5_000)
  await shop.stop()
  const writer = await sqlite({ file, lockedMs: 5 }).offline!.write()
  t.after(() => writer.close())
  const other = holding(t, file)
  await assert.rejects(writer.pause('doer', 'paused', { by: 'somebody' }), coded('millrace/locked', heldBy))
  other.letGo()
  await writer.pause('doer', 'paused', { by: 'somebody' })
  assert.equal(rows(file, 'select * from millrace_paused').length, 1)
})
