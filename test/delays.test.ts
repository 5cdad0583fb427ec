// Messages that come later: when, in what order, once, and what takes them back. In virtual time, but for the last ones.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import test, { mock, type TestContext } from 'node:test'
import { app, channel, command, event, type Part, processor, sqlite, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { migrate } from '../src/adapters/sqlite/schema.ts'
import { coded, kept, place, rows, started } from './support.ts'

const schema = z.object({ n: z.number(), key: z.string().optional() })
const Reminded = event('reminded', { schema, context: ({ key }) => key ?? 'one' })
const Asked = event('asked', { schema })
const Reminders = topic('reminders', [Reminded, Asked])
const Remind = command('remind', { schema })
const Orders = channel('orders', [Remind])
const asks = processor('asks', { on: Orders, handle: { remind: () => {} } })

/** The last format without delayed messages. */
const formatBefore = 2
const hour = 3_600_000
const day = 24 * hour
const begins = Date.UTC(2026, 0, 1)
const at = (ms: number) => new Date(begins + ms)

function look(parts: Part[] = [Reminders, asks], seed = 1) {
  const sim = simulation({ parts, seed })
  const came = () => sim.published(Reminded).map(({ data, time }) => [data.n, time - begins])
  const pending = () => sim.rows<{ due: number }>('millrace_timers').map(({ due }) => due - begins)
  return { sim, came, pending }
}

// ── when ─────────────────────────────────────────────────────────────────────────────────────────────────────────

test('a delayed message comes at its time, not before, and its time is then', async () => {
  const { sim, came, pending } = look([Reminders])
  await using _ = sim
  await sim.publish(Reminded, { n: 1 }, { at: at(30 * day) })
  assert.deepEqual([came(), pending()], [[], [30 * day]])
  await sim.advance(30 * day - 1_000)
  assert.deepEqual(came(), [])
  await sim.advance(1_000)
  await sim.untilIdle()
  assert.deepEqual([came(), pending()], [[[1, 30 * day]], []])
})

test('delayMs counts from the call, and a command is delayed as an event is', async () => {
  const { sim } = look()
  await using _ = sim
  await sim.advance(hour)
  const sentAt = sim.now()
  await sim.send(Remind, { n: 1 }, { delayMs: hour })
  await sim.untilIdle()
  assert.deepEqual(sim.published(Remind), [])
  await sim.advance(hour + 1_000)
  const [sent] = sim.published(Remind)
  assert(sent!.time >= sentAt + hour && sent!.time < sentAt + hour + 100)
})

test('a time that has passed means at once', async () => {
  const { sim, came, pending } = look()
  await using _ = sim
  await sim.publish(Reminded, { n: 1 }, { at: at(-hour) })
  assert.deepEqual([came().map(([n]) => n), pending()], [[1], []])
})

test('those that are due together come in order of due time, then as they were accepted', async () => {
  const { sim, came } = look()
  await using _ = sim
  for (const [n, due] of [
    [1, 2 * hour],
    [2, hour],
    [3, 2 * hour],
    [4, hour],
    [5, 1.5 * hour],
  ] as const) {
    await sim.publish(Reminded, { n }, { at: at(due) })
  }
  await sim.crash()
  await sim.advance(3 * hour)
  await sim.restart()
  await sim.untilIdle()
  assert.deepEqual(
    came().map(([n]) => n),
    [2, 4, 5, 1, 3],
  )
})

test('thousands that are due at one moment come all, in batches, in order, each once', async () => {
  const handled: number[] = []
  const counts = processor('counts', { on: Reminders, handle: { asked: ({ data }) => void handled.push(data.n) } })
  const { sim, pending } = look([counts])
  await using _ = sim
  await sim.untilIdle()
  const numbers = Array.from({ length: 3_500 }, (_, n) => n)
  await sim.settled(Promise.all(numbers.map((n) => sim.app.publish(Asked, { n }, { at: at(hour) }))))
  assert.equal(pending().length, 3_500)
  await sim.advance(hour)
  await sim.untilIdle()
  assert.deepEqual(
    sim.published(Asked).map(({ data }) => data.n),
    numbers,
  )
  assert.deepEqual(
    handled.toSorted((a, b) => a - b),
    numbers,
  )
})

test('idle does not wait for messages that are not due, and waits for those that are', async () => {
  const { sim, came, pending } = look()
  await using _ = sim
  await sim.publish(Reminded, { n: 1 }, { at: at(hour) })
  const before = sim.now()
  await sim.untilIdle()
  assert(sim.now() - before < 1_000)
  await sim.crash()
  await sim.advance(2 * hour)
  await sim.restart()
  await sim.untilIdle()
  assert.deepEqual([came().length, pending()], [1, []])
})

test('a clock that is set forward lets what is due come within a minute, one set back lets it wait', async () => {
  const { sim, came } = look()
  await using _ = sim
  await sim.publish(Reminded, { n: 1 }, { at: at(5 * hour) })
  await sim.publish(Reminded, { n: 2 }, { at: at(10 * hour) })
  sim.setClock(at(6 * hour))
  await sim.advance(60_000)
  await sim.untilIdle()
  assert.deepEqual(
    came().map(([n]) => n),
    [1],
  )
  sim.setClock(at(0))
  await sim.advance(9 * hour)
  assert.equal(came().length, 1)
  await sim.advance(hour)
  await sim.untilIdle()
  assert.deepEqual(
    came().map(([n]) => n),
    [1, 2],
  )
})

// ── from handlers and transactions ───────────────────────────────────────────────────────────────────────────────

test('a delayed message leaves with the commit of its handler or not at all, and keeps its cause', async () => {
  let fails = true
  const again = processor('again', {
    on: Reminders,
    publishes: [Reminded],
    sends: [Remind],
    retry: { attempts: 2, firstDelayMs: 10, maxDelayMs: 10 },
    handle: {
      asked: ({ data }, { publish, send, commit }) => {
        publish(Reminded, { n: data.n }, { delayMs: hour })
        return commit(() => {
          send(Remind, { n: data.n }, { delayMs: 2 * hour })
          if (!fails) return
          fails = false
          throw new Error('not yet')
        })
      },
    },
  })
  const { sim, pending } = look([again, asks])
  await using _ = sim
  const { id } = await sim.publish(Asked, { n: 1 })
  await sim.untilIdle()
  assert.equal(pending().length, 2)
  await sim.advance(3 * hour)
  await sim.untilIdle()
  const [reminded, ...more] = sim.published(Reminded)
  assert.deepEqual([more, sim.published(Remind).length], [[], 1])
  assert.deepEqual([reminded!.causationId, reminded!.correlationId, reminded!.source], [id, id, '/simulated/again'])
})

test('a transaction keeps what it delays with its rows, or neither', async () => {
  const { sim, pending } = look()
  await using _ = sim
  await sim.untilIdle()
  const transact = (fails: boolean) =>
    sim.settled(
      sim.app.transaction(async (tx) => {
        await tx.query`create table if not exists asked (n integer)`
        await tx.query`insert into asked values (1)`
        tx.publish(Reminded, { n: 1 }, { delayMs: hour })
        tx.send(Remind, { n: 2 }, { at: at(2 * hour) })
        if (fails) throw new Error('no')
      }),
    )
  await assert.rejects(transact(true), /no/)
  assert.deepEqual(pending(), [])
  await transact(false)
  assert.deepEqual([pending().length, sim.rows('asked')], [2, [{ n: 1 }]])
  await assert.rejects(
    sim.settled(sim.app.transaction((tx) => tx.publish(Reminded, { n: 1 }, { delayMs: -1 }))),
    coded('millrace/bad-time', /event "reminded": delayMs is -1/),
  )
})

// ── ids and taking back ──────────────────────────────────────────────────────────────────────────────────────────

test('the same id while it is pending adds nothing with the same data, and is a conflict with other', async () => {
  const { sim, came, pending } = look()
  await using _ = sim
  assert.deepEqual(await sim.publish(Reminded, { n: 1 }, { id: 'a', at: at(hour) }), { id: 'a' })
  for (const options of [{ id: 'a', at: at(2 * hour) }, { id: 'a' }]) {
    assert.deepEqual(await sim.publish(Reminded, { n: 1 }, options), { id: 'a', duplicate: true })
    await assert.rejects(sim.publish(Reminded, { n: 2 }, options), coded('millrace/id-conflict', /"a" of "reminded"/))
  }
  assert.deepEqual(await sim.publish(Asked, { n: 2 }, { id: 'a', at: at(hour) }), { id: 'a' })
  assert.deepEqual(pending(), [hour, hour])
  await sim.advance(hour)
  await sim.untilIdle()
  assert.deepEqual(came(), [[1, hour]])
  const later = { id: 'a', at: at(5 * hour) }
  assert.deepEqual(await sim.publish(Reminded, { n: 1 }, later), { id: 'a', duplicate: true })
  await assert.rejects(sim.publish(Reminded, { n: 2 }, later), coded('millrace/id-conflict'))
  assert.deepEqual(pending(), [])
})

test('a message that is taken back never comes, and its id may be used anew', async () => {
  const { sim, came } = look()
  await using _ = sim
  const { id } = await sim.publish(Reminded, { n: 1 }, { at: at(hour) })
  await sim.publish(Reminded, { n: 2 }, { id: 'own', at: at(hour) })
  assert.equal(await sim.cancel(Reminded, id), true)
  assert.equal(await sim.cancel(Reminded, id), false)
  assert.equal(await sim.cancel(Asked, 'own'), false)
  assert.equal(await sim.cancel(Reminded, 'own'), true)
  assert.equal(await sim.cancel(Reminded, 'none'), false)
  assert.deepEqual(await sim.publish(Reminded, { n: 3 }, { id: 'own', at: at(2 * hour) }), { id: 'own' })
  await sim.crash({ power: true })
  await sim.restart()
  await sim.advance(3 * hour)
  await sim.untilIdle()
  assert.deepEqual(came(), [[3, 2 * hour]])
  assert.equal(await sim.cancel(Reminded, 'own'), false)
})

test('taking back asks for a type of the app, an id that can be one, and a running app', async () => {
  const { sim } = look()
  await using _ = sim
  const Other = event('reminder', { schema })
  await assert.rejects(sim.cancel(Other, 'a'), coded('millrace/type-without-topic', /did you mean "reminded"/))
  await assert.rejects(sim.cancel(Reminded, ''), coded('millrace/bad-id'))
  const { app: running } = sim
  await sim.settled(running.stop())
  await assert.rejects(running.cancel(Reminded, 'a'), coded('millrace/not-started'))
})

test('an invalid time is refused in every call that takes a message', async () => {
  const { sim, pending } = look()
  await using _ = sim
  await assert.rejects(sim.publish(Reminded, { n: 1 }, { at: begins / 1_000 }), coded('millrace/bad-time', /seconds/))
  await assert.rejects(sim.send(Remind, { n: 1 }, { delayMs: 1, at: at(1) }), coded('millrace/bad-time', /both/))
  await assert.rejects(
    sim.publish(Reminded, { n: 1 }, { delay: 5 } as never),
    coded('millrace/unknown-option', /"delay"; did you mean/),
  )
  assert.deepEqual(pending(), [])
})

// ── what changes meanwhile ───────────────────────────────────────────────────────────────────────────────────────

/** From here on the clock of this test shows a time when all that was delayed is due. */
function whenDue(t: TestContext) {
  const real = Date.now
  const clock = mock.method(Date, 'now', () => real() + 2 * hour)
  t.after(() => clock.mock.restore())
}

test('a pending message whose type is gone from the code still comes and goes to the desk', async (t) => {
  const file = place(t)
  const before = await started(t, app({ name: 'bank', broker: sqlite({ file }), parts: [Reminders] }))
  await before.publish(Asked, { n: 1 }, { delayMs: hour })
  await before.publish(Reminded, { n: 2 }, { delayMs: hour + 1 })
  await before.stop()
  whenDue(t)
  const got: number[] = []
  const hears = processor('hears', {
    on: topic('reminders', [Reminded]),
    handle: { reminded: ({ data }) => void got.push(data.n) },
  })
  const after = app({ name: 'bank', broker: sqlite({ file }), log: () => {}, parts: [hears] })
  t.after(() => after.stop())
  await after.start()
  await after.idle()
  assert.deepEqual(got, [2])
  const held = await after.desk.list()
  assert.deepEqual(
    held.map(({ message, error }) => [message.type, error!.code]),
    [['asked', 'millrace/unknown-type']],
  )
})

test('a pending message whose topic is gone from the code is put into its log for a later return', async (t) => {
  const file = place(t)
  const before = await started(t, app({ name: 'bank', broker: sqlite({ file }), parts: [Reminders, Orders, asks] }))
  await before.publish(Reminded, { n: 1 }, { delayMs: hour })
  await before.send(Remind, { n: 2 }, { delayMs: hour + 1 })
  await before.stop()
  whenDue(t)
  const after = app({ name: 'bank', broker: sqlite({ file }), parts: [Orders, asks] })
  t.after(() => after.stop())
  await after.start()
  await after.idle()
  assert.deepEqual(
    kept(file, 'reminders').map(({ data }) => data),
    ['{"n":1}'],
  )
})

test('a file of the format before knows delayed messages after its first start', async (t) => {
  const file = place(t)
  const db = new DatabaseSync(file)
  migrate(db, file, formatBefore)
  db.exec(`create table millrace_log_1 (position integer primary key, id text not null, kind integer not null,
    time integer not null, context text, correlation text, causation text, trace text, bytes integer not null,
    own_id integer not null, data text not null) strict`)
  db.exec(`insert into millrace_streams values (1, 'topic', 'reminders');
    insert into millrace_kinds values (1, 'reminded', 1, '/bank');
    insert into millrace_log_1 values (1, 'first', 1, 1, 'one', null, null, null, 7, 0, '{"n":1}')`)
  db.close()
  const bank = await started(t, app({ name: 'bank', broker: sqlite({ file }), parts: [Reminders] }))
  await bank.publish(Reminded, { n: 2 }, { delayMs: hour })
  assert.deepEqual(
    kept(file, 'reminders').map(({ data }) => data),
    ['{"n":1}'],
  )
  assert.equal(rows(file, 'select * from millrace_timers').length, 1)
})
