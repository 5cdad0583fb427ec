import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import test, { type TestContext } from 'node:test'
import { event, processor, topic } from 'millrace'
import { type Simulation, simulation } from 'millrace/testing'
import { z } from 'zod'
import { randomOf } from './random.ts'
import { decideSql } from './sql.ts'

const at = Date.UTC(2026, 6, 5, 4, 3, 2, 1)

function decided(t: TestContext, seed = 1): (sql: string) => unknown[] {
  const db = new DatabaseSync(':memory:')
  t.after(() => db.close())
  decideSql(db, () => at, randomOf(seed))
  return (sql) => Object.values(db.prepare(`select ${sql}`).get()!)
}

test('SQL asks the clock of the simulation', (t) => {
  const ask = decided(t)
  for (const [sql, value] of [
    ['current_timestamp', '2026-07-05 04:03:02'],
    ['current_date', '2026-07-05'],
    ['CURRENT_TIME', '04:03:02'],
    ['date()', '2026-07-05'],
    ["time('now')", '04:03:02'],
    ["datetime('NOW', '+1 day')", '2026-07-06 04:03:02'],
    ["datetime('now', 'subsec')", '2026-07-05 04:03:02.001'],
    ["datetime('subsec', '+1 hour')", '2026-07-05 05:03:02.001'],
    ["time('SubSecond')", '04:03:02.001'],
    ["datetime('now', 'utc')", '2026-07-05 04:03:02'],
    ['unixepoch()', Math.floor(at / 1_000)],
    ["unixepoch('now', 'subsec')", at / 1_000],
    ["typeof(unixepoch('now'))", 'integer'],
    ["round((julianday() - julianday('2026-07-05')) * 24, 3)", 4.051],
    ["strftime('%Y-%f')", '2026-02.001'],
    ["strftime('%s', 'now')", String(Math.floor(at / 1_000))],
    ["timediff('now', '2026-07-05')", '+0000-00-00 04:03:02.001'],
    ["timediff('2026-07-05', 'now')", '-0000-00-00 04:03:02.001'],
  ] as const) {
    assert.deepEqual(ask(sql), [value], sql)
  }
})

test('SQL without the clock gives what SQLite gives', (t) => {
  const ask = decided(t)
  const plain = new DatabaseSync(':memory:')
  t.after(() => plain.close())
  for (const sql of [
    "date('2024-02-29', '+1 year')",
    "datetime(1e9, 'unixepoch'), datetime(1000000000, 'auto')",
    "julianday('2024-02-29'), typeof(unixepoch('2024-02-29'))",
    "date(null), date('then'), date(' now'), date('2024-01-01', 'now')",
    "strftime(), strftime(null), strftime('%j', '2024-02-29'), strftime('now', '2024-02-29')",
    "timediff('2024-02-29', null)",
  ]) {
    assert.deepEqual(ask(sql), Object.values(plain.prepare(`select ${sql}`).get()!), sql)
  }
  assert.throws(() => ask("timediff('now')"), /wrong number of arguments/)
})

test('chance of SQL follows from the seed, as large and as long as that of SQLite', (t) => {
  const chance = (seed: number) => {
    const ask = decided(t, seed)
    return Array.from({ length: 20 }, () => ask('cast(random() as text), hex(randomblob(16)), abs(random() % 10)'))
  }
  const first = chance(7)
  assert.deepEqual(chance(7), first)
  assert.notDeepEqual(chance(8), first)
  assert.equal(new Set(first.map(([number]) => number)).size, 20)
  assert(first.some(([number]) => BigInt(number as string) < -(2n ** 61n)))
  assert(first.some(([number]) => BigInt(number as string) > 2n ** 61n))
  const ask = decided(t)
  assert.deepEqual(ask("length(randomblob(3)), length(randomblob(0)), length(randomblob('x'))"), [3, 1, 1])
  assert.throws(() => ask('randomblob(1000000001)'), /too big/)
})

const Seen = event('seen', { schema: z.object({ n: z.number() }) })
const Said = event('said', { schema: z.object({ chance: z.string(), time: z.string() }) })
const Seens = topic('seens', [Seen])
const Sayings = topic('sayings', [Said])

const watcher = processor('watcher', {
  on: Seens,
  publishes: [Said],
  handle: {
    seen: async ({ data: { n } }, { commit, read, publish, now }) => {
      const [said] = await read<{
        chance: string
        time: string
      }>`select hex(randomblob(8)) as chance, datetime() as time`
      publish(Said, said!)
      return commit((tx) => tx.query`insert into seen (n, ms) values (${n}, ${now()})`)
    },
  },
})

async function story(t: TestContext, seed: number): Promise<Simulation> {
  const sim = simulation({
    parts: [Seens, Sayings, watcher],
    setup: async (tx) => {
      await tx.query`create table if not exists seen (n int, ms int, day text generated always as (date(ms / 1000, 'unixepoch')),
        at text default current_timestamp, chance int default (random() % 1000000), later text)`
      await tx.query`create index if not exists days on seen (day, date(at))`
      await tx.query`create trigger if not exists later after insert on seen begin
        update seen set later = datetime('now', '+1 hour') where n = new.n; end`
    },
    seed,
  })
  t.after(() => sim.stop())
  for (let n = 0; n < 3; n++) {
    await sim.publish(Seen, { n })
    await sim.advance(3_600_000)
    if (n === 1) {
      await sim.crash()
      await sim.restart()
    }
  }
  await sim.untilIdle()
  return sim
}

const facts = (sim: Simulation) => [sim.rows('seen'), sim.published(Said).map(({ data }) => data), sim.trace()]

test('a simulated app finds virtual time and seeded chance in SQL, also in defaults, triggers and reads', async (t) => {
  const sim = await story(t, 5)
  const rows = sim.query<{ ms: number; at: string; later: string; day: string }>`select * from seen order by n`
  for (const { ms, at, later, day } of rows) {
    const time = new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
    assert.equal(at, time)
    assert.equal(later, new Date(ms + 3_600_000).toISOString().slice(0, 19).replace('T', ' '))
    assert.equal(day, time.slice(0, 10))
  }
  assert.equal(sim.query`select 1 from seen where at > datetime('now', '-90 minutes')`.length, 1)
  assert.deepEqual(facts(await story(t, 5)), facts(sim))
  assert.notDeepEqual(facts(await story(t, 6))[0], sim.rows('seen'))
})
