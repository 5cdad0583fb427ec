import assert from 'node:assert/strict'
import test from 'node:test'
import type { StateFacets } from '../../src/adapters/postgres/state.ts'
import type { DeskEntry, DeskState } from '../../src/model/desk.ts'
import type { DeskFilter } from '../../src/model/desk-views.ts'
import type { DeskChange } from '../../src/seam/desk.ts'
import { type Random, randomOf } from '../../src/testing/random.ts'
import { BothStores, onServer, same } from '../support/both-stores.ts'
import { entryOf } from '../support/desk-tables.ts'
import { assertNoScans } from '../support/plans.ts'
import { needsServer } from '../support/postgres.ts'

const processors = [
  ['p', 1],
  ['q', 1],
  ['r', 2],
] as const
const contexts = ['a', 'b', 'ü', null]
const heads: DeskState[] = ['held', 'deciding', 'trying']

/** A desk under random changes, of which each fits what is there. */
class RandomDesk {
  readonly both: BothStores
  private readonly random: Random
  private last = 0
  private at = 1_000

  constructor(both: BothStores, random: Random) {
    this.both = both
    this.random = random
  }

  /** One transaction of some changes. */
  async commit(): Promise<void> {
    const changes: DeskChange[] = []
    const touched = new Set<number>()
    for (let left = 1 + this.random.below(4); left > 0; left--) {
      const change = await this.change(touched)
      if (change === undefined) continue
      if ('entry' in change) touched.add(change.entry.id)
      changes.push(change)
    }
    if (changes.length === 0) return
    await this.both.write(
      ({ desk }) => changes.map((change) => desk.apply(change)),
      (state, db) => state.desk.write(db, onServer(changes)),
    )
  }

  private async change(touched: Set<number>): Promise<DeskChange | undefined> {
    const { random } = this
    this.at += random.below(500)
    const some = random.below(10)
    if (this.last === 0 || some < 3) return { do: 'put', entry: this.fresh() }
    const entry = await this.both.sqlite.desk.desk.entry(1 + random.below(this.last))
    if (entry === undefined || entry.resolvedAt !== null || touched.has(entry.id)) return undefined
    if (some < 6) return this.updated(entry)
    if (some === 6) return { do: 'remove', entry }
    if (some === 7) return { do: 'resolve', entry, state: random.pick(['handled', 'discarded']), at: this.at }
    if (some === 8) {
      const message = { ...entry.message, version: 2, json: `{"n":${this.at}}` }
      return { do: 'correct', entry: { ...entry, message, original: '{}', corrections: entry.corrections + 1 } }
    }
    const detail = random.chance(0.5) ? { at: this.at } : undefined
    const audit = {
      at: this.at,
      by: 'ann',
      action: 'kept',
      item: entry.id,
      subject: 'p',
      reason: null,
      detail,
    } as const
    return { do: 'record', audit }
  }

  private fresh(): DeskEntry {
    const { random } = this
    const [processor, stream] = random.pick(processors)
    const context = random.pick(contexts)
    const inLane = context !== null && random.chance(0.8)
    const state = inLane && random.chance(0.5) ? 'line' : random.pick(heads)
    const entry = entryOf(this.last++, { processor, stream, context, state, inLane, error: random.pick(['x 1', 'y']) })
    return { ...entry, heldAt: this.at, message: { ...entry.message, asked: random.chance(0.3) ? 'app' : undefined } }
  }

  private updated(entry: DeskEntry): DeskChange {
    const { random } = this
    const leaves = entry.lane
    const lane = random.chance(0.7) ? entry.lane : entry.message.context
    const state = entry.state === 'line' ? 'line' : random.pick(heads)
    const place = random.chance(0.1) ? ++this.last : entry.place
    const tries = [...entry.tries, { at: this.at, code: 'E', message: 'again' }]
    const failures = state === 'held' ? entry.failures + 1 : entry.failures
    const next = { ...entry, lane, state, place, tries, failures, attempts: entry.attempts + 1, dueAt: this.at }
    return { do: 'update', entry: next, leaves }
  }

  /** What everybody reads is alike. */
  async look(): Promise<void> {
    const { sqlite, postgres } = this.both
    const [one, other] = [sqlite.facets, postgres.facets]
    const now = this.at
    for (const [processor, stream] of processors) {
      const at = stream << 16
      const collected = async (read: (take: (what: unknown) => void) => Promise<void>) => {
        const all: unknown[] = []
        await read((what) => all.push(what))
        return all
      }
      const headsOf = (facets: StateFacets, of: number) => collected((take) => facets.desk.heads(processor, of, take))
      const lanesOf = async (facets: StateFacets, of: number) =>
        (await collected((take) => facets.desk.lanes(processor, of, take))).sort()
      same(await headsOf(other, at), await headsOf(one, stream))
      const lanes = await lanesOf(one, stream)
      same(await lanesOf(other, at), lanes)
      for (const lane of lanes as string[]) {
        const key = { processor, stream, lane }
        same(await other.desk.headOf({ ...key, stream: at }), await one.desk.headOf(key))
        same(await other.desk.line({ ...key, stream: at }, 3, 4), await one.desk.line(key, 3, 4))
      }
      same(await other.deskReads.endedByReset(processor, at, 7), await one.deskReads.endedByReset(processor, stream, 7))
    }
    same(await other.deskReads.counts(now), await one.deskReads.counts(now), 'counts')
    for (const filter of this.filters()) {
      same(await other.deskReads.list(filter), await one.deskReads.list(filter), JSON.stringify(filter))
    }
    for (const by of ['processor', 'type', 'error'] as const) {
      const sorted = async (facets: StateFacets) => [...(await facets.deskReads.groups(by, {}, now))].sort(byFacts)
      same(await sorted(other), await sorted(one), by)
    }
    const id = 1 + this.random.below(this.last)
    const limits = { line: 3, history: 5 }
    const item = async (facets: StateFacets) => {
      const found = await facets.deskReads.item(id, limits)
      return found && { ...found, history: found.history.map(({ id: _, ...line }) => line) }
    }
    same(await item(other), await item(one), `item ${id}`)
    same(await other.deskReads.line(id, { limit: 3 }), await one.deskReads.line(id, { limit: 3 }))
    same(await other.desk.askedEntry(`m${id}`), await one.desk.askedEntry(`m${id}`))
    same(
      [...(await other.deskReads.processors()).held].sort(byFacts),
      [...(await one.deskReads.processors()).held].sort(byFacts),
    )
    const groups = async (facets: StateFacets) =>
      (await facets.alerts.heldGroups(10, now)).map(({ id: _, ...row }) => row).sort(byFacts)
    same(await groups(other), await groups(one))
  }

  private filters(): DeskFilter[] {
    const { random } = this
    const some = <T>(value: T) => (random.chance(0.4) ? value : undefined)
    return [1, 2, 3, 4].map(() => ({
      processor: some(random.pick(processors)[0] as string),
      states: some(random.pick<DeskState[]>([['held'], ['line', 'trying'], ['handled', 'discarded', 'reset']])),
      type: some(random.pick(['placed', 'paid', 'none'])),
      context: some(random.pick(['a', 'ü', 'none'])),
      after: some(random.below(20)),
      limit: some(1 + random.below(20)),
    }))
  }

  async people(): Promise<void> {
    const { random, both, at } = this
    const item = 1 + random.below(this.last)
    const actor = { by: random.pick(['ann', 'bob']), reason: random.chance(0.5) ? 'why' : undefined }
    const act = async (facets: StateFacets): Promise<unknown> => {
      try {
        switch (some) {
          case 0:
            return await facets.desk.claims.claim(
              item,
              { by: actor.by, at, until: at + 900 },
              { takeOver, reason: null },
            )
          case 1:
            return await facets.desk.claims.unclaim(item, actor, at)
          case 2:
            return await facets.desk.claims.note({ item }, 'a note', { by: actor.by, at })
          case 3:
            return await facets.pendingActions.add({ item, action: { do: 'retry' }, at, ...actor })
          case 4:
            return await facets.processors.pause('p', actor, at)
          case 5:
            return await facets.processors.resume('p', actor, at)
          case 6:
            return await facets.processors.setConcurrency({ processor: 'q', most: random2, actor }, at)
          case 7:
            return await facets.desk.forgetResolved(at - 4_000)
          case 8:
            return await facets.processors.reset({
              processor: 'r',
              destination: 't2',
              after: 9,
              actor,
              at,
              detail: { at },
            })
        }
      } catch (error) {
        return String((error as { code?: string }).code ?? error)
      }
    }
    const some = random.below(9)
    const takeOver = random.chance(0.3)
    const random2 = random.pick([null, 2, 3])
    same(await act(both.postgres.facets), await act(both.sqlite.facets), `act ${some}`)
    const lines = async (facets: StateFacets) =>
      (await facets.deskReads.audit({ limit: 5 })).map(({ id: _, ...line }) => line)
    same(await lines(both.postgres.facets), await lines(both.sqlite.facets))
    const list = await both.sqlite.facets.pendingActions.list(undefined, 9)
    same(await both.postgres.facets.pendingActions.list(undefined, 9), list)
    for (const { item } of list.slice(0, 1)) {
      await both.write(
        ({ desk }) => [desk.apply({ do: 'granted', item })],
        (state, db) => state.desk.write(db, [{ do: 'granted', item }]),
      )
    }
    const atProcessors = async ({ deskReads }: StateFacets) => {
      const { paused, concurrencies } = await deskReads.processors()
      return { paused, concurrencies }
    }
    same(await atProcessors(both.postgres.facets), await atProcessors(both.sqlite.facets))
    same(await both.postgres.facets.processors.untold(0, 5), await both.sqlite.facets.processors.untold(0, 5))
    same(await both.postgres.facets.desk.claims.of(item, at), await both.sqlite.facets.desk.claims.of(item, at))
  }
}

const factsOf = (row: object) => JSON.stringify(Object.entries(row).sort())
const byFacts = (a: object, b: object) => (factsOf(a) < factsOf(b) ? -1 : 1)

for (const seed of [1, 2]) {
  test(`a desk under random changes is the same in both stores, seed ${seed}`, needsServer, async () => {
    await using both = await BothStores.open()
    const desk = new RandomDesk(both, randomOf(seed))
    for (let round = 0; round < 24; round++) {
      await desk.commit()
      if (round % 3 === 0) await desk.people()
      if (round % 4 === 0) await desk.look()
    }
    await desk.look()
    await assertNoScans(both.connection, both.asked)
  })
}

test('a group that was made in a transaction that was rolled back is made again', needsServer, async () => {
  await using both = await BothStores.open()
  const put = (n: number) => [{ do: 'put', entry: entryOf(n, { inLane: false, error: 'down' }) } as const]
  const never = both.write(
    () => [],
    async (state, db) => {
      await state.desk.write(db, onServer(put(0)))
      throw new Error('rolled back')
    },
  )
  await assert.rejects(never, /rolled back/)
  await both.write(
    ({ desk }) => put(1).map((change) => desk.apply(change)),
    (state, db) => state.desk.write(db, onServer(put(1))),
  )
  const groups = async (facets: StateFacets) => (await facets.deskReads.groups('all', {}, 1)).map(({ held }) => held)
  same(await groups(both.postgres.facets), await groups(both.sqlite.facets))
})

/** Held messages, each with its error, and the same of a desk that puts them. */
const held = (numbers: readonly number[], errorOf: (n: number) => string) =>
  numbers.map((n) => ({ do: 'put', entry: entryOf(n, { inLane: false, error: errorOf(n) }) }) as const)

const putIn = (both: BothStores, changes: readonly DeskChange[]) =>
  both.write(
    ({ desk }) => changes.map((change) => desk.apply(change)),
    (state, db) => state.desk.write(db, onServer(changes)),
  )

/** The groups as both stores have them. */
async function groupsOf(both: BothStores, now: number) {
  const read = async ({ deskReads }: StateFacets) =>
    (await deskReads.groups('all', {}, now)).map(({ id: _, ...group }) => group).sort(byFacts)
  const groups = await read(both.sqlite.facets)
  same(await read(both.postgres.facets), groups)
  return groups
}

/** Makes groups of a processor, with so many held messages each. */
async function makeGroups(both: BothStores, name: string, count: number, held: number): Promise<void> {
  const columns = 'processor, stream, type, fingerprint, held, first_at, last_at'
  both.sqlite.db.exec(`with recursive n (n) as (select 1 union all select n + 1 from n where n < ${count})
    insert into millrace_desk_groups (${columns}) select 'p', 1, 'placed', '${name} ' || n, ${held}, 0, 0 from n`)
  await both.connection.words(`begin; select set_config('millrace.tx', 'test', true);
    insert into millrace.desk_groups (${columns})
      select 'p', 65536, 'placed', '${name} ' || n, ${held}, 0, 0 from generate_series(1, ${count}) n; commit`)
}

test(
  'beyond a thousand errors of a processor, messages are grouped by their code in both stores',
  needsServer,
  async () => {
    await using both = await BothStores.open()
    await makeGroups(both, 'empty', 499, 0)
    await makeGroups(both, 'old', 500, 1)
    await putIn(
      both,
      held([0, 1, 2, 3], (n) => ['one', 'two', 'three', 'four'][n]!),
    )
    await groupsOf(both, 1)
    await makeGroups(both, 'new', 500, 1)
    await putIn(
      both,
      held([4, 5, 6], (n) => ['five', 'six', 'seven'][n - 4]!),
    )
    const groups = await groupsOf(both, 1)
    assert.deepEqual(
      groups
        .filter(({ error }) => error === 'E')
        .map(({ type }) => type)
        .sort(),
      ['paid', 'placed'],
    )
  },
)

test('a snooze ends with the number of messages that it says, in both stores', needsServer, async () => {
  await using both = await BothStores.open()
  await putIn(
    both,
    held([0, 11], () => 'down'),
  )
  const snooze = { until: 9_000, orCount: 4, by: 'ann', at: 5, reason: 'known' }
  for (const { desk, deskReads } of [both.sqlite.facets, both.postgres.facets]) {
    for (const { id } of await deskReads.groups('all', {}, 6)) await desk.claims.snooze(id!, snooze)
  }
  await groupsOf(both, 6)
  for (const n of [22, 33, 44]) {
    await putIn(
      both,
      held([n], () => 'down'),
    )
    await groupsOf(both, 6)
  }
})

test('counts stay what they are when they are added up', needsServer, async () => {
  await using both = await BothStores.open()
  const due = async () => {
    await both.connection.words(
      `begin; select set_config('millrace.tx', 'test', true); update millrace.desk_groups set folded_at = 0; commit`,
    )
  }
  for (const n of [0, 11, 22, 33])
    await putIn(
      both,
      held([n], () => 'down'),
    )
  const entry = (await both.sqlite.facets.desk.entry(1))!
  await putIn(both, [{ do: 'remove', entry }])
  const deltas = async () => (await both.connection.all('select n from millrace.deltas')).length
  assert.ok((await deltas()) > 0)
  await due()
  await putIn(
    both,
    held([44], () => 'down'),
  )
  assert.equal(await deltas(), 1)
  assert.deepEqual(
    (await groupsOf(both, 6)).map((group) => group.held),
    [4],
  )
  for (const id of [12, 23, 34, 45]) {
    await putIn(both, [{ do: 'remove', entry: (await both.sqlite.facets.desk.entry(id))! }])
  }
  assert.deepEqual(await groupsOf(both, 6), [])
  await putIn(
    both,
    held([55], () => 'down'),
  )
  await groupsOf(both, 6)
})
