// Held messages, the lines behind them and their release, across processes that die at any of these.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { sqlite } from 'millrace'
import { run } from './support/child.ts'
import { holdPoints } from './support/hold-points.ts'
import { assertOnceInOrder, assertOneEach, assertSound, logOf, look, number, rows } from './support/judge.ts'
import { place } from './support/place.ts'
import { readRecord } from './support/record.ts'
import { Chance, withSeed } from './support/seed.ts'
import { type Doing, innocent, Task, tasks } from './support/tasks.ts'

const deaths = 36

test('a lane that is held, gathers a line and is released keeps its order through a kill at any point of that', (t) =>
  withSeed(async (seed) => {
    const folder = place(t)
    const file = join(folder, 'hold.db')
    const record = join(folder, 'record')
    const chance = new Chance(seed)
    for (let death = 0; death < deaths; death++) {
      const child = run(t, 'hold-program', file, record, String(chance.below(2 ** 32)), 'trouble')
      const { signal } = await child.ended
      assert.equal(signal, 'SIGKILL', `run ${death} ended by itself: ${child.errors}`)
    }
    const last = run(t, 'hold-program', file, record, String(seed), 'finish')
    await last.line('finished')

    const lines = readRecord(record)
    const died = new Set(lines.filter(([what]) => what === 'died').map(([, where]) => where))
    assert.ok(died.size > holdPoints.length / 2, `the process died at no more than ${[...died].join(', ')}`)
    look(file, (db) => {
      assertSound(db)
      const log = logOf(db, 'tasks')
      const ids = new Map(log.map(({ id, data }) => [data['what'], id]))
      const acknowledged = lines.filter(([what]) => what === 'ack')
      const lost = acknowledged.filter(([, what, id]) => ids.get(what) !== id)
      assert.deepEqual(lost, [], 'everything acknowledged is in the log')
      assert.equal(ids.size, log.length, 'nothing is in the log twice')
      assertOnceInOrder('the doer', log, rows(db, 'select message from done order by seq'))
      assertOneEach('results', log, logOf(db, 'results'))
      assert.equal(
        number(db, 'select count(*) from millrace_desk where resolved_at is null'),
        0,
        'nothing is left at the desk',
      )
    })
  }))

test('a line drains in the order of its messages, with any ids, even when it is longer than one read', async (t) => {
  const file = join(place(t), 'line.db')
  let mended = false
  const stone: Doing = (task, context) => {
    if (!mended) throw new Error('a stone')
    return innocent(task, context)
  }
  const shop = tasks({ broker: sqlite({ file }), doing: { stone } })
  await shop.start({ control: false })
  t.after(() => shop.stop({ graceMs: 0 }))
  await shop.publish(Task, { lane: 'a', what: 'stone' })
  const whats: string[] = []
  for (let n = 0; n < 300; n++) {
    whats.push(`n${n}`)
    // Ids that sort against the order in which the messages came.
    const own = n % 3 === 0 ? undefined : { id: `${n % 2 === 0 ? 'z' : 'a'}-${1_000 - n}` }
    await shop.publish(Task, { lane: 'a', what: `n${n}` }, own)
  }
  await shop.idle()
  const [held] = await shop.desk.list({ states: ['held'] })
  assert.equal(held!.waiting, 300)
  mended = true
  await shop.desk.release(held!.id)
  await shop.idle()
  await shop.stop()
  look(file, (db) => {
    const done = rows<{ what: string }>(db, 'select what from done order by seq').map(({ what }) => what)
    assert.deepEqual(done, ['stone', ...whats])
    assert.equal(number(db, 'select count(*) from millrace_desk where resolved_at is null'), 0)
  })
})
