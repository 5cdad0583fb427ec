import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { PostgresReader } from '../../src/adapters/postgres/offline-reader.ts'
import { FinderTable } from '../../src/adapters/sqlite/finder-table.ts'
import { MessageTable } from '../../src/adapters/sqlite/message-table.ts'
import { SqliteReader } from '../../src/adapters/sqlite/offline-reader.ts'
import { Stored } from '../../src/model/codec.ts'
import type { StreamInfo } from '../../src/model/streams.ts'
import type { SliceAsk } from '../../src/seam/message-reads.ts'
import { type Random, randomOf } from '../../src/testing/random.ts'
import { BothStores, same } from '../support/both-stores.ts'
import { assertNoScans } from '../support/plans.ts'
import { needsServer } from '../support/postgres.ts'

const words = ['blue', 'red', 'boots', 'Ärmel', 'hat', '42', 'x-ray']

function messageAt(n: number, random: Random): Stored {
  const id = `m${n}`
  const stamp = {
    stream: random.pick([1, 2]),
    id,
    ownId: n % 3 === 0,
    source: random.pick(['/app', '/app/p']),
    time: 1_000 + 10 * n + random.below(30),
    correlationId: random.pick([id, 'first']),
    causationId: n > 5 && random.chance(0.7) ? `m${n - 1 - random.below(5)}` : null,
    trace: null,
    attributes: random.chance(0.2) ? ({ partition: 'x' } as never) : null,
  }
  const data = { note: `${random.pick(words)} ${random.pick(words)}`, card: 'visa' }
  return new Stored(random.pick(['placed', 'paid']), 1, stamp, random.pick(['a', 'b', null]), JSON.stringify(data))
}

test('the log is looked through alike in both stores', needsServer, async () => {
  await using both = await BothStores.open()
  const random = randomOf(6)
  for (let n = 0; n < 60; n += 6) {
    await both.append(Array.from({ length: 6 }, (_, at) => messageAt(n + at, random)))
  }
  const [one, other] = [new MessageTable(both.sqlite.db), both.postgres.facets.messageReads]
  same(await other.names(), one.names())
  for (let round = 0; round < 20; round++) {
    const some = <T>(value: T) => (random.chance(0.4) ? value : undefined)
    const spans = {
      destination: some('t1'),
      since: some(1_000 + random.below(600)),
      until: some(1_000 + random.below(700)),
    }
    same(await other.spans(spans), one.spans(spans), JSON.stringify(spans))
    const order = random.pick(['newest', 'oldest'] as const)
    const [from, end] = order === 'newest' ? [5 + random.below(40), 1 + random.below(4)] : [1 + random.below(9), 30]
    const filter = {
      id: some(`m${random.below(60)}`),
      type: some('paid'),
      context: some('a'),
      correlation: some('first'),
      since: some(1_100),
      until: some(1_500),
    }
    const stream = random.pick([1, 2])
    const ask: SliceAsk = { stream, order, from, end, filter, limit: 1 + random.below(9) }
    same(await other.slice({ ...ask, stream: stream << 16 }), one.slice(ask), JSON.stringify(ask))
    const id = `m${3 * random.below(20)}`
    same(await other.withId(id), one.withId(id), id)
    same(await other.outcomes({ stream: stream << 16, position: 2 }), one.outcomes({ stream, position: 2 }))
  }
  await assertNoScans(both.connection, both.asked)
})

test('a reader beside an app finds alike in both stores', needsServer, async () => {
  await using both = await BothStores.open()
  const random = randomOf(8)
  for (let n = 0; n < 30; n += 6) {
    await both.append(Array.from({ length: 6 }, (_, at) => messageAt(n + at, random)))
  }
  const one = new SqliteReader(both.sqlite.db, 'memory')
  const other = new PostgresReader({ read: both.read, close: async () => {} })
  const streamOf = ({ id, ...stream }: StreamInfo) => ({ ...stream, stream: id })
  same((await other.streams()).map(streamOf), (await one.streams()).map(streamOf))
  same(await other.published(), await one.published())
  same(await other.progress(), await one.progress())
  same(await other.alerts.rows(), await one.alerts.rows())
  same(await other.log.read(2 << 16, 3, 4, 1_000), await one.log.read(2, 3, 4, 1_000))
  same(await other.log.positionBefore(1 << 16, 1_150), await one.log.positionBefore(1, 1_150))
  same(await other.log.count(1 << 16, '/app', 2), await one.log.count(1, '/app', 2))
  same(await other.desk.counts(0), await one.desk.counts(0))
  same(await other.access.tokens(), await one.access.tokens())
})

test('the finder finds alike in both stores', needsServer, async (t) => {
  await using both = await BothStores.open()
  const random = randomOf(7)
  const folder = mkdtempSync(join(tmpdir(), 'millrace-finder-'))
  const one = new FinderTable(both.sqlite.db, join(folder, 'log.db'), 'write')
  t.after(() => {
    one.close()
    rmSync(folder, { recursive: true })
  })
  const other = both.postgres.facets.finder
  assert.equal(await other.search({ words: ['blue'], order: 'newest', limit: 5 }), undefined)
  for (let n = 0; n < 60; n += 6) {
    await both.append(Array.from({ length: 6 }, (_, at) => messageAt(n + at, random)))
  }
  const ask = { secrets: { paid: ['/card'], placed: ['/card'] } }
  for (let more = true; more; ) {
    const step = one.index(ask)
    assert.deepEqual(await other.index(ask), step)
    more = step.more
  }
  for (let round = 0; round < 20; round++) {
    const some = <T>(value: T) => (random.chance(0.3) ? value : undefined)
    const search = {
      words: random.pick([['blue'], ['boots', 're'], ['armel'], ['4'], ['visa'], ['ray']]),
      order: random.pick(['newest', 'oldest'] as const),
      since: some(1_100),
      until: some(1_500),
      limit: 1 + random.below(9),
    }
    const found = one.search(search)!
    same(await other.search(search), found, JSON.stringify(search))
    const after = found.places.at(-1)?.n
    same(await other.search({ ...search, after }), one.search({ ...search, after }))
    const related = { id: `m${random.below(60)}`, limit: random.pick([3, 100]) }
    same(await other.related(related), one.related(related), JSON.stringify(related))
  }
})
