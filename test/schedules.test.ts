// Time as events: which slots come, when, once; what becomes of those that were missed; where the clocks change. In
// virtual time.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { app, event, type Part, processor, type ScheduleOptions, schedule, sqlite, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { migrate } from '../src/adapters/sqlite/schema.ts'
import { coded, place, started } from './support.ts'

const Ticked = event('ticked', { schema: z.object({ at: z.string().optional() }) })
const Ticks = topic('ticks', [Ticked])

const minute = 60_000
const hour = 60 * minute
const begins = Date.UTC(2026, 0, 1)
const iso = (ms: number) => new Date(ms).toISOString()

type Options = Partial<ScheduleOptions<typeof Ticked>>
const ticking = (options: Options = {}, name = 'tick') =>
  schedule(name, { cron: '0 * * * *', publishes: Ticked, data: ({ at }) => ({ at: at.toISOString() }), ...options })

function look(parts: Part[], beginsAt = new Date(begins)) {
  const sim = simulation({ parts: [Ticks, ...parts], beginsAt })
  const ids = (name = 'tick') =>
    sim
      .published(Ticked)
      .filter(({ id }) => id.startsWith(`${name}@`))
      .map(({ id }) => id.slice(name.length + 1))
  /** Runs until so many milliseconds after the beginning, all done. */
  const until = async (ms: number) => {
    await sim.advance(beginsAt.getTime() + ms - sim.now())
    await sim.untilIdle()
  }
  return { sim, ids, until }
}

const hours = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => iso(begins + (from + n) * hour))

// ── which slots come ─────────────────────────────────────────────────────────────────────────────────────────────

test('each slot becomes one event, at its time, with an id that names it; a new schedule begins with the next', async () => {
  const { sim, ids, until } = look([ticking()], new Date(begins + minute))
  await using _ = sim
  await until(3 * hour)
  const came = sim.published(Ticked)
  assert.deepEqual(ids(), hours(1, 3))
  for (const { data, time, source, id, correlationId } of came) {
    assert.equal(iso(Math.floor(time / 1_000) * 1_000), data.at)
    assert.deepEqual([source, correlationId], ['/simulated/tick', id])
  }
})

test('data may be a value, and several schedules tick side by side, by the second too', async () => {
  const { sim, ids, until } = look([ticking({ data: {} }), ticking({ cron: '*/20 * * * * *' }, 'quick')])
  await using _ = sim
  await sim.untilIdle()
  await until(hour)
  assert.deepEqual(ids(), hours(1, 1))
  assert.equal(ids('quick').length, 180)
  assert.deepEqual(sim.published(Ticked).find(({ id }) => id.startsWith('tick'))!.data, {})
})

test('thirty days pass with each slot once', async () => {
  const { sim, ids, until } = look([ticking()])
  await using _ = sim
  await sim.untilIdle()
  await until(30 * 24 * hour)
  assert.deepEqual(ids(), hours(1, 720))
})

test('starting again, stopped or crashed, publishes no slot twice and misses none that come after', async () => {
  const { sim, ids, until } = look([ticking({ missed: 'all' })])
  await using _ = sim
  await sim.untilIdle()
  await until(hour)
  await sim.restart()
  await until(hour + minute)
  for (const power of [true, false]) {
    await sim.crash({ power })
    await sim.restart()
    await sim.untilIdle()
  }
  await until(2 * hour)
  assert.deepEqual(ids(), hours(1, 2))
})

test('with only, a schedule that is left out publishes nothing', async (t) => {
  const file = place(t)
  const idle = processor('idle', { on: Ticks, handle: {} })
  const quick = ticking({ cron: '* * * * * *' })
  const bank = app({ name: 'bank', broker: sqlite({ file }), parts: [idle, quick] })
  t.after(() => bank.stop())
  await assert.rejects(
    bank.start({ only: ['tikc'] }),
    coded('millrace/unknown-part', /no part "tikc" that runs; did you mean "tick"/),
  )
  await bank.start({ only: ['idle'] })
  const came: string[] = []
  bank.tail(({ id }) => came.push(id))
  await bank.stop()
  assert.deepEqual(came, [])
})

// ── missed slots ─────────────────────────────────────────────────────────────────────────────────────────────────

for (const [missed, expected] of [
  ['skip', [1, 6]],
  ['once', [1, 5, 6]],
  ['all', [1, 2, 3, 4, 5, 6]],
] as const) {
  test(`slots that were missed while the app was down: ${missed}`, async () => {
    const { sim, ids, until } = look([ticking({ missed })])
    await using _ = sim
    await sim.untilIdle()
    await until(1.5 * hour)
    await sim.crash()
    await sim.advance(4 * hour)
    await sim.restart()
    await sim.untilIdle()
    await until(6 * hour)
    assert.deepEqual(
      ids(),
      expected.map((n) => hours(n, n)[0]),
    )
  })

  test(`slots that were missed because the clock was set forward: ${missed}`, async () => {
    const { sim, ids, until } = look([ticking({ missed })])
    await using _ = sim
    await sim.untilIdle()
    await until(1.5 * hour)
    sim.setClock(new Date(begins + 5.5 * hour))
    await until(6 * hour)
    assert.deepEqual(
      ids(),
      expected.map((n) => hours(n, n)[0]),
    )
  })
}

for (const missed of ['skip', 'once', 'all'] as const) {
  test(`a slot that is a few seconds late counts as on time: ${missed}`, async () => {
    const { sim, ids, until } = look([ticking({ missed })])
    await using _ = sim
    await sim.untilIdle()
    await until(hour - minute)
    await sim.crash()
    await sim.advance(minute + 20_000)
    await sim.restart()
    await sim.untilIdle()
    assert.deepEqual(ids(), hours(1, 1))
  })

  test(`a clock that is set back publishes no slot again, and misses none after: ${missed}`, async () => {
    const { sim, ids, until } = look([ticking({ missed })])
    await using _ = sim
    await sim.untilIdle()
    await until(3 * hour)
    sim.setClock(new Date(begins + 1.5 * hour))
    await until(2.5 * hour)
    await sim.restart()
    await until(5 * hour)
    assert.deepEqual(ids(), hours(1, 5))
  })

  test(`a clock that was years ahead for a while stops nothing: ${missed}`, async () => {
    const { sim, ids, until } = look([ticking({ missed })])
    await using _ = sim
    await sim.untilIdle()
    await until(1.5 * hour)
    sim.setClock(new Date(begins + 100_000 * hour))
    await until(100_001 * hour)
    await sim.restart()
    sim.setClock(new Date(begins + 1.6 * hour))
    await until(4 * hour)
    const near = ids().filter((slot) => slot < iso(begins + 10 * hour))
    assert.deepEqual(near, hours(1, 4))
  })
}

// ── another calendar ─────────────────────────────────────────────────────────────────────────────────────────────

/** An app whose schedule is what `now` says when its process starts. */
function changing(now: { schedules: ReturnType<typeof ticking>[] }, beginsAt = new Date(begins)) {
  const make = () => app({ name: 'bank', broker: sqlite({ file: 'none.db' }), parts: [Ticks, ...now.schedules] })
  const sim = simulation({ app: make, beginsAt })
  const came = () => sim.published(Ticked).map(({ id }) => id)
  const deploy = async (...schedules: ReturnType<typeof ticking>[]) => {
    await sim.crash()
    now.schedules = schedules
    await sim.advance(2_000)
    await sim.restart()
    await sim.untilIdle()
  }
  const says = (text: RegExp) => sim.trace().filter((line) => text.test(line)).length
  return { sim, came, deploy, says }
}

for (const missed of ['skip', 'once', 'all'] as const) {
  for (const [what, before, after, next] of [
    ['cron', { cron: '0 0 1 * *' }, { cron: '0 2 * * *' }, ['2026-01-02T02:00:00.000Z']],
    ['cron, to every minute', { cron: '0 0 1 * *' }, { cron: '* * * * *' }, ['2026-01-01T15:01:00.000Z']],
    [
      'time zone',
      { cron: '0 2 * * *' },
      { cron: '0 2 * * *', timeZone: 'America/New_York' },
      ['2026-01-02T07:00:00.000Z'],
    ],
  ] as const) {
    test(`a schedule whose ${what} changes begins at the first slot after the change: ${missed}`, async () => {
      const now = { schedules: [ticking({ ...before, missed })] }
      const { sim, came, deploy } = changing(now)
      await using _ = sim
      await sim.untilIdle()
      await sim.advance(15 * hour)
      const earlier = came()
      await deploy(ticking({ ...after, missed }))
      assert.deepEqual(came(), earlier, 'nothing of the past comes at the deployment')
      await sim.advance(Date.parse(next[0]) - sim.now())
      await sim.untilIdle()
      assert.deepEqual(
        came().slice(earlier.length),
        next.map((slot) => `tick@${slot}`),
      )
    })
  }
}

test('after a change of its calendar a schedule still makes up for its later missed slots', async () => {
  const now = { schedules: [ticking({ cron: '0 0 1 * *', missed: 'all' })] }
  const { sim, came, deploy } = changing(now)
  await using _ = sim
  await sim.untilIdle()
  await deploy(ticking({ missed: 'all' }))
  await sim.crash()
  await sim.advance(3 * hour)
  await sim.restart()
  await sim.untilIdle()
  assert.deepEqual(
    came(),
    hours(1, 3).map((slot) => `tick@${slot}`),
  )
})

test('a calendar that changed while the clock was ahead, and back again, comes from the present on', async () => {
  const now = { schedules: [ticking({ missed: 'all' })] }
  const { sim, came, deploy } = changing(now)
  await using _ = sim
  await sim.untilIdle()
  sim.setClock(new Date(begins + 100_000 * hour))
  await deploy(ticking({ cron: '30 * * * *', missed: 'all' }))
  await sim.crash()
  sim.setClock(new Date(begins + 2.25 * hour))
  const before = came().length
  await sim.restart()
  await sim.untilIdle()
  await sim.advance(hour)
  await sim.crash()
  await sim.advance(2 * hour)
  await sim.restart()
  await sim.untilIdle()
  assert.deepEqual(
    came().slice(before),
    [2.5, 3.5, 4.5].map((at) => `tick@${iso(begins + at * hour)}`),
  )
})

test('slots that a policy has left out do not come when the policy changes', async () => {
  const now = { schedules: [ticking({ missed: 'skip' })] }
  const { sim, came, deploy } = changing(now)
  await using _ = sim
  await sim.untilIdle()
  await sim.crash()
  await sim.advance(4.5 * hour)
  await sim.restart()
  await sim.untilIdle()
  await deploy(ticking({ missed: 'all' }))
  assert.deepEqual(came(), [])
  await sim.advance(hour)
  await sim.untilIdle()
  assert.deepEqual(
    came(),
    hours(5, 5).map((slot) => `tick@${slot}`),
  )
})

test('a schedule that is gone is told once; when it is back with its calendar it makes up for its missed slots', async () => {
  const now = { schedules: [ticking({ missed: 'all' })] }
  const { sim, came, deploy, says } = changing(now)
  await using _ = sim
  await sim.untilIdle()
  await sim.advance(hour)
  await deploy()
  await deploy()
  assert.equal(says(/schedule "tick" is gone and publishes nothing/), 1)
  await sim.advance(hour)
  await deploy(ticking({ missed: 'all' }))
  assert.deepEqual(
    came(),
    hours(1, 2).map((slot) => `tick@${slot}`),
  )
  await deploy()
  assert.equal(says(/schedule "tick" is gone and publishes nothing/), 2)
})

/** The format before calendars were kept. */
const formatBefore = 8

test('in a file of before, where no calendar is known, that of today counts as unchanged', async (t) => {
  const file = place(t)
  const db = new DatabaseSync(file)
  migrate(db, file, formatBefore)
  const second = Math.floor(Date.now() / 1_000) * 1_000
  db.prepare('insert into millrace_slots values (?, ?)').run('tick', second - 10_000)
  db.prepare('insert into millrace_slots values (?, ?)').run('tick', second - 5_000)
  db.close()
  const bank = app({
    name: 'bank',
    broker: sqlite({ file }),
    parts: [Ticks, ticking({ cron: '* * * * * *', missed: 'all' })],
  })
  const { promise, resolve } = Promise.withResolvers<string>()
  bank.tail(({ id }) => resolve(id))
  await started(t, bank)
  assert.equal(await promise, `tick@${iso(second - 4_000)}`)
})

test('of very many missed slots the newest thousand come, in order, and that the others do not is said', async () => {
  const { sim, ids, until } = look([ticking({ missed: 'all', cron: '* * * * *' })])
  await using _ = sim
  await sim.untilIdle()
  await sim.crash()
  await sim.advance(1_500 * minute)
  await sim.restart()
  await sim.untilIdle()
  const last = Math.floor((sim.now() - begins) / minute)
  assert.deepEqual(
    ids(),
    Array.from({ length: 1_000 }, (_, n) => iso(begins + (last - 999 + n) * minute)),
  )
  assert(
    sim.trace().some((line) => /schedule "tick" has missed more than 1000 slots; the oldest are left out/.test(line)),
  )
  await until((last + 1) * minute)
  assert.equal(ids().length, 1_001)
  assert(sim.rows('millrace_slots').length <= 1_000)
})

// ── where the clocks change ──────────────────────────────────────────────────────────────────────────────────────

for (const { timeZone, spring, autumn, twice, gap, overlap } of [
  {
    timeZone: 'Europe/Zurich',
    spring: '2026-03-29T01:00:00Z',
    gap: ['2026-03-28T01:30:00.000Z', '2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z'],
    autumn: '2026-10-25T01:00:00Z',
    twice: '30 2 * * *',
    overlap: ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'],
  },
  {
    timeZone: 'America/New_York',
    spring: '2026-03-08T07:00:00Z',
    gap: ['2026-03-07T07:30:00.000Z', '2026-03-08T07:00:00.000Z', '2026-03-09T06:30:00.000Z'],
    autumn: '2026-11-01T06:00:00Z',
    twice: '30 1 * * *',
    overlap: ['2026-11-01T05:30:00.000Z', '2026-11-02T06:30:00.000Z'],
  },
]) {
  const around = (change: string) => new Date(Date.parse(change) - 24 * hour)
  const days = 3 * 24 * hour

  test(`${timeZone}: a slot that the change in spring leaves out comes once, right after the gap`, async () => {
    const { sim, ids, until } = look([ticking({ cron: '30 2 * * *', timeZone })], around(spring))
    await using _ = sim
    await sim.untilIdle()
    await until(2 * 24 * hour)
    assert.deepEqual(ids(), gap)
  })

  test(`${timeZone}: a slot in the hour that autumn repeats comes once, at the first`, async () => {
    const { sim, ids, until } = look([ticking({ cron: twice, timeZone })], around(autumn))
    await using _ = sim
    await sim.untilIdle()
    await until(days)
    assert.deepEqual(ids(), overlap)
  })

  test(`${timeZone}: every hour is every hour that passes, 23 in spring and 25 in autumn`, async () => {
    for (const change of [spring, autumn]) {
      const { sim, ids, until } = look([ticking({ timeZone })], around(change))
      await using _ = sim
      await sim.untilIdle()
      await until(days)
      const first = around(change).getTime()
      assert.deepEqual(
        ids(),
        Array.from({ length: 72 }, (_, n) => iso(first + (n + 1) * hour)),
      )
    }
  })

  test(`${timeZone}: slots missed over a change are made up for by the same slots`, async () => {
    for (const change of [spring, autumn]) {
      const crons = ['15,45 2 * * *', '0 * * * *', '30 1 * * *']
      const parts = crons.map((cron, n) => ticking({ cron, timeZone, missed: 'all' }, `c${n}`))
      const up = look(parts, around(change))
      const down = look(parts, around(change))
      await using _up = up.sim
      await using _down = down.sim
      await up.sim.untilIdle()
      await up.until(days)
      await down.sim.untilIdle()
      await down.sim.crash()
      await down.sim.advance(days)
      await down.sim.restart()
      await down.sim.untilIdle()
      for (const n of crons.keys()) assert.deepEqual(down.ids(`c${n}`), up.ids(`c${n}`))
    }
  })
}

// ── data that fails ──────────────────────────────────────────────────────────────────────────────────────────────

test('a slot whose data fails is kept and tried again, is told in health, and stops no other schedule', async () => {
  let failures = 3
  const failing = ticking({
    data: ({ at }) => {
      if (failures-- > 0) throw new Error('no figures yet')
      return { at: at.toISOString() }
    },
  })
  const { sim, ids, until } = look([failing, ticking({ cron: '0 * * * *' }, 'other')])
  await using _ = sim
  await sim.untilIdle()
  await until(hour + 500)
  assert.deepEqual([ids(), ids('other')], [[], hours(1, 1)])
  const { status, reasons } = sim.app.health()
  assert.equal(status, 'red')
  assert.match(reasons.join(), /^schedule "tick" cannot publish tick@2026-01-01T01:00:00.000Z: no figures yet$/)
  await until(hour + minute)
  assert.deepEqual(ids(), hours(1, 1))
  assert.equal(sim.app.health().status, 'green')
  assert(sim.trace().some((line) => /error: schedule "tick" cannot publish a slot; it is tried again/.test(line)))
})

test('a slot whose data never fits is given up after twenty attempts, and the next one has its turn', async () => {
  const failing = ticking({
    cron: '0 */6 * * *',
    data: ({ at }) => (at.getUTCHours() === 6 ? ({ at: 7 } as never) : { at: at.toISOString() }),
  })
  const { sim, ids, until } = look([failing])
  await using _ = sim
  await sim.untilIdle()
  await until(11 * hour)
  const tries = sim.trace().filter((line) => /cannot publish a slot/.test(line))
  assert.equal(tries.length, 19)
  assert(sim.trace().some((line) => /schedule "tick" gives up a slot/.test(line)))
  assert.match(sim.app.health().reasons.join(), /does not fit its schema/)
  await until(12 * hour)
  assert.deepEqual(ids(), hours(12, 12))
  assert.equal(sim.app.health().status, 'green')
})

test('a slot whose id was published before with other data counts as done, with a word', async () => {
  const { sim, ids, until } = look([ticking()])
  await using _ = sim
  await sim.publish(Ticked, { at: 'mine' }, { id: `tick@${hours(1, 1)[0]}` })
  await until(2 * hour)
  assert.deepEqual(ids(), hours(1, 2))
  assert(sim.trace().some((line) => /event "ticked" tick@2026-01-01T01:00:00.000Z was published before/.test(line)))
})

// ── bad input ────────────────────────────────────────────────────────────────────────────────────────────────────

test('a wrong schedule is refused when it is declared', () => {
  for (const [options, says] of [
    [
      { cron: '61 * * * *' },
      /schedule "tick": cron "61 \* \* \* \*" cannot be understood: Invalid value for minute: 61/,
    ],
    [{ cron: '* * *' }, /cannot be understood: .*exactly five, six/],
    [{ cron: '' }, /cannot be understood/],
    [{ cron: 5 }, /cron 5 must be a string of five parts/],
    [{ cron: '0 0 30 2 *' }, /cron "0 0 30 2 \*" never fires: no date fits all of its parts/],
    [{ cron: '? * * * *' }, /has a "\?"/],
    [{ cron: '2026-01-02T00:00:00' }, /is a date, not a cron/],
    [{ timeZone: 'Mars/Olympus' }, /timeZone "Mars\/Olympus" is not known/],
    [{ timeZone: '' }, /timeZone "" is not known/],
    [{ missed: 'al' }, /missed must be 'skip', 'once' or 'all', not "al"; did you mean "all"\?/],
    [{ publishes: Ticks }, /publishes must be an event/],
    [{ publishes: undefined }, /publishes must be an event/],
    [{ data: { at: 5 } }, /schedule "tick": data of event "ticked" does not fit its schema: at: /],
    [{ data: undefined }, /does not fit its schema/],
  ] as const) {
    assert.throws(() => ticking(options as Options), coded('millrace/bad-option', says))
  }
  assert.throws(
    () => ticking({ timezone: 'UTC' } as Options),
    coded('millrace/unknown-option', /did you mean "timeZone"/),
  )
  assert.throws(() => ticking({}, '7'), coded('millrace/bad-name'))
})

test('a schedule has a name of its own among what runs, and its event is on a topic', async () => {
  const start = (...parts: Part[]) => app({ name: 'bank', broker: sqlite({ file: 'none.db' }), parts }).start()
  const tick = processor('tick', { on: Ticks, handle: {} })
  await assert.rejects(
    start(tick, ticking()),
    coded('millrace/duplicate-name', /app "bank": a processor and a schedule are called "tick"/),
  )
  await assert.rejects(start(Ticks, ticking(), ticking()), coded('millrace/duplicate-name', /two schedules/))
  await assert.rejects(
    start(ticking()),
    coded('millrace/type-without-topic', /schedule "tick": "ticked" is on no topic of the app/),
  )
})

test('it ticks with a real clock too', async (t) => {
  const bank = app({
    name: 'bank',
    broker: sqlite({ file: place(t) }),
    parts: [Ticks, ticking({ cron: '* * * * * *' })],
  })
  const { promise, resolve } = Promise.withResolvers<string>()
  bank.tail(({ id }) => resolve(id))
  await started(t, bank)
  assert.match(await promise, /^tick@\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/)
})
