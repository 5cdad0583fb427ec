// Schedules that people fire, and slots that were left out. In virtual time, and over the command.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, event, type ScheduleOptions, schedule, sqlite, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { stoppedSchedules } from '../src/operate/stopped.ts'
import { randomOf } from '../src/testing/random.ts'
import { millrace, objectsOf } from './cli/support/millrace.ts'
import { coded, place, started } from './support.ts'

const Ticked = event('ticked', { schema: z.object({ at: z.string() }) })
const Ticks = topic('ticks', [Ticked])
const hour = 3_600_000
const begins = Date.UTC(2026, 0, 1)
const iso = (ms: number) => new Date(ms).toISOString()
const ann = { by: 'ann', reason: 'the night was missed' }

const ticking = (options: Partial<ScheduleOptions<typeof Ticked>> = {}) =>
  schedule('tick', { cron: '0 * * * *', publishes: Ticked, data: ({ at }) => ({ at: iso(at.getTime()) }), ...options })

function look(options: Partial<ScheduleOptions<typeof Ticked>> = {}, seed = 1) {
  const make = () => app({ name: 'bank', broker: sqlite({ file: 'b.db' }), parts: [Ticks, ticking(options)] })
  const sim = simulation({ app: make, beginsAt: new Date(begins), seed })
  const isSlot = (id: string) => id.startsWith('tick@')
  const ids = () => sim.published(Ticked).map(({ id }) => id)
  const fired = () =>
    sim.settled(sim.app.desk.audit({ limit: 1_000 })).then((rows) => rows.filter((row) => row.action === 'fired'))
  return { sim, isSlot, ids, fired }
}

test('a schedule that is fired publishes once more, on record, and its slots come as before', async () => {
  const { sim, isSlot, ids, fired } = look()
  await using _ = sim
  await sim.untilIdle()
  await sim.advance(1.5 * hour)
  const done = await sim.settled(sim.app.schedules.fire('tick', ann))
  assert.equal(done.type, 'ticked')
  await sim.advance(hour)
  await sim.untilIdle()
  assert.deepEqual(
    ids().filter(isSlot),
    [1, 2].map((n) => `tick@${iso(begins + n * hour)}`),
  )
  const [extra, ...more] = sim.published(Ticked).filter(({ id }) => !isSlot(id))
  assert.deepEqual(more, [])
  const { id, data, source, correlationId } = extra!
  assert.deepEqual([id, data.at, source, correlationId], [done.id, iso(done.at), '/bank/tick', done.id])
  const [line] = await fired()
  assert.deepEqual(
    [line?.by, line?.subject, line?.reason, line?.detail],
    ['ann', 'schedule tick', ann.reason, { id: done.id, type: 'ticked' }],
  )
})

test('despite any crash, a fired event is published once with its line, or neither, for eight seeds', async () => {
  let both = 0
  let neither = 0
  for (let seed = 1; seed <= 8; seed++) {
    const { sim, isSlot, ids, fired } = look({}, seed)
    await using _ = sim
    const random = randomOf(seed)
    await sim.untilIdle()
    const known: string[] = []
    for (let round = 0; round < 6; round++) {
      const lost = sim.app.schedules.fire('tick', ann).then(
        ({ id }) => void known.push(id),
        () => {},
      )
      if (random.chance(0.5)) await Promise.race([lost, sim.settled(sim.app.desk.counts())])
      await sim.crash({ power: random.chance(0.5) })
      await sim.restart()
      await sim.untilIdle()
    }
    await sim.advance(1.5 * hour)
    await sim.untilIdle()
    const extra = ids().filter((id) => !isSlot(id))
    const lines = (await fired()).map(({ detail }) => (detail as { id: string }).id)
    assert.deepEqual(extra.toSorted(), lines.toSorted(), `seed ${seed}`)
    assert.equal(new Set(extra).size, extra.length)
    for (const id of known) assert(extra.includes(id), `seed ${seed}: ${id} was told and is not there`)
    assert.deepEqual(ids().filter(isSlot), [`tick@${iso(begins + hour)}`])
    both += extra.length
    neither += 6 - extra.length
  }
  assert(both > 0 && neither > 0, `${both} fired, ${neither} lost`)
})

test('a schedule that cannot be fired is refused, and leaves neither an event nor a line', async (t) => {
  const { sim, ids, fired } = look({
    data: () => {
      throw new TypeError('no day')
    },
  })
  await using _ = sim
  await sim.untilIdle()
  const { schedules } = sim.app
  await assert.rejects(schedules.fire('tick', ann), coded('millrace/bad-data', /data threw TypeError: no day/))
  await assert.rejects(schedules.fire('tock', ann), coded('millrace/unknown-schedule', /"tock" does not run.*"tick"/))
  await assert.rejects(schedules.fire('tick', { by: 'ann' }), coded('millrace/bad-option', /reason/))
  await assert.rejects(schedules.fire('tick', { reason: 'r' } as never), coded('millrace/bad-option', /by/))
  assert.deepEqual([ids(), await fired()], [[], []])
  const file = place(t)
  const one = await started(
    t,
    app({ name: 'bank', broker: sqlite({ file }), log: () => {}, parts: [Ticks, ticking()] }),
  )
  await one.stop()
  const stopped = stoppedSchedules(one.broker.offline!, one.parts, Date.now)
  await assert.rejects(stopped.fire('tick', ann), coded('millrace/not-running', /only the app publishes/))
})

test('slots that were left out are counted with the time of that, and the count outlives restarts', async () => {
  for (const [missed, skipped] of [
    ['skip', 4],
    ['once', 3],
    ['all', 0],
  ] as const) {
    const { sim } = look({ missed })
    await using _ = sim
    const row = async () => (await sim.settled(sim.app.schedules.list()))[0]!
    await sim.untilIdle()
    assert.deepEqual([(await row()).skipped, (await row()).skippedAt], [0, null])
    await sim.crash()
    await sim.advance(4.5 * hour)
    await sim.restart()
    await sim.untilIdle()
    const { skippedAt } = await row()
    assert.deepEqual([(await row()).skipped, skippedAt === null], [skipped, missed === 'all'], missed)
    await sim.crash({ power: true })
    await sim.restart()
    await sim.untilIdle()
    assert.deepEqual([(await row()).skipped, (await row()).skippedAt], [skipped, skippedAt], missed)
  }
})

test('the command fires a schedule of a running app, and says which slots were left out', async (t) => {
  const file = place(t)
  const one = await started(
    t,
    app({ name: 'bank', broker: sqlite({ file }), log: () => {}, parts: [Ticks, ticking()] }),
  )
  const said = await millrace(['schedules', 'fire', '--db', file, 'tick', '--reason', 'a try', '--by', 'ann', '--json'])
  const [{ schedule: name, id } = {}] = objectsOf(said.out)
  assert.deepEqual([said.status, name], [0, 'tick'])
  assert.deepEqual(
    (await one.messages.show(String(id))).items.map(({ type }) => type),
    ['ticked'],
  )
  const [line] = await one.desk.audit()
  assert.deepEqual([line?.action, line?.by, line?.reason], ['fired', 'ann', 'a try'])
  const bare = await millrace(['schedules', 'fire', '--db', file, 'tick'])
  assert.deepEqual([bare.status, /needs --reason TEXT/.test(bare.err)], [2, true])
  await one.stop()
  const stopped = await millrace(['schedules', 'fire', '--db', file, 'tick', '--reason', 'a try'])
  assert.equal(stopped.status, 1)
  assert.match(stopped.err, /\(millrace\/not-running\)/)
})
