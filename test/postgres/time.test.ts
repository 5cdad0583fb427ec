import test from 'node:test'
import type { StateFacets } from '../../src/adapters/postgres/state.ts'
import { Stored } from '../../src/model/codec.ts'
import type { GatherTables } from '../../src/seam/gathers.ts'
import type { RequestChange } from '../../src/seam/requests.ts'
import type { Cancel, Cancelled, TimedChange } from '../../src/seam/timers.ts'
import { type Random, randomOf } from '../../src/testing/random.ts'
import { BothStores, onServer, same } from '../support/both-stores.ts'
import { assertNoScans } from '../support/plans.ts'
import { needsServer } from '../support/postgres.ts'

type Timed = Exclude<TimedChange, Cancel>

function messageOf(id: string, due = 0, facts: Partial<Stored> = {}): Stored {
  const stamp = {
    stream: 1,
    id,
    ownId: true,
    source: '/app',
    time: 5,
    correlationId: id,
    causationId: null,
    trace: null,
    due,
  }
  return Object.assign(new Stored(facts.type ?? 'placed', 1, stamp, 'a', `{"id":"${id}"}`), facts)
}

/** Delayed messages, slots and alerts under random changes. */
class RandomTimes {
  readonly both: BothStores
  private readonly random: Random
  private last = 0
  private now = 1_000

  constructor(both: BothStores, random: Random) {
    this.both = both
    this.random = random
  }

  async keep(): Promise<void> {
    const messages = Array.from({ length: 1 + this.random.below(4) }, () => {
      const due = this.now + this.random.below(500)
      const attributes = this.random.chance(0.2) ? { source: 'x' } : null
      return messageOf(`m${++this.last}`, due, { attributes: attributes as never, asked: undefined })
    })
    await this.both.write(
      (tables) => messages.map((message) => tables.timers.keep(message)).map(() => 0),
      async (state, db) => {
        await state.timers.keep(
          db,
          messages.map((message) => ({ ...message, stream: 1 << 16 })),
        )
        return messages.map(() => 0)
      },
    )
  }

  async cancel(): Promise<void> {
    const { random } = this
    const cancels = Array.from(
      { length: 1 + random.below(3) },
      (): Cancel => ({
        do: 'cancel',
        type: random.pick(['placed', 'paid']),
        id: `m${1 + random.below(this.last + 1)}`,
      }),
    )
    await this.both.write(
      ({ timers }) => cancels.map((change): Cancelled => timers.cancelled(change)).map(({ found }) => found),
      (state, db) => state.timers.cancel(db, cancels),
    )
  }

  async write(): Promise<void> {
    const { random } = this
    this.now += random.below(300)
    const message = messageOf(`event ${++this.last}`)
    const changes: Timed[] = [
      { do: 'fire', limit: 1 + random.below(4), bytesMax: random.pick([1, 20, 1_000]) },
      { do: 'slot', schedule: random.pick(['s', 't']), due: 1_000 + random.below(9), message },
      {
        do: 'schedule',
        row: {
          schedule: 's',
          cron: '* * * * *',
          timeZone: null,
          seenMs: this.now,
          gone: random.chance(0.5),
          skipped: 2,
          skippedAt: null,
        },
      },
      {
        do: 'alert',
        is: random.pick(['raised', 'ended']),
        row: { watch: 'w', alert: `${random.below(3)}`, data: '{}' },
        message,
      },
    ]
    const outcome = (result: object) =>
      JSON.stringify(result, (name, value) =>
        name === 'appended' && typeof value === 'number'
          ? value > 0
          : name === 'position' || name === 'source'
            ? undefined
            : name === 'stream' && value > 65_535
              ? value >> 16
              : value,
      )
    await this.both.write(
      ({ timers, slots, alerts }) =>
        changes.map((change) =>
          outcome(
            change.do === 'fire'
              ? timers.fire(change, this.now)
              : change.do === 'slot'
                ? slots.add({ ...change, message: { ...change.message, ownId: false } })
                : change.do === 'schedule'
                  ? slots.keep(change)
                  : alerts.write({ ...change, message: { ...change.message, ownId: false } }),
          ),
        ),
      async (state, db) => {
        const appending = { append: async () => [undefined], appendClaimed: () => {} }
        const results = await state.timers.write(db, onServer(changes), appending, () => this.now)
        return results(() => 1).map(outcome)
      },
    )
  }

  async look(): Promise<void> {
    const questions: ((facets: StateFacets) => Promise<unknown>)[] = [
      ({ schedules }) => schedules.rows(),
      ({ schedules }) => schedules.kept(),
      ({ schedules }) => schedules.lastSlot('s', 1_004),
      async ({ schedules }) => (await schedules.delayed({ limit: 20 })).map(({ n: _, ...row }) => row),
      async ({ schedules }) => {
        const [first] = await schedules.delayed({ limit: 1 })
        return first && (await schedules.delayed({ after: first, limit: 2 })).map(({ n: _, ...row }) => row)
      },
      async ({ alerts }) => (await alerts.rows()).toSorted((a, b) => (a.alert < b.alert ? -1 : 1)),
    ]
    for (const question of questions) {
      same(await question(this.both.postgres.facets), await question(this.both.sqlite.facets), String(question))
    }
    same(await this.both.postgres.timers.nextDue(this.both.connection), this.both.sqlite.timers.nextDue())
  }
}

for (const seed of [1, 2]) {
  test(`what is written because of time is the same in both stores, seed ${seed}`, needsServer, async () => {
    await using both = await BothStores.open()
    const times = new RandomTimes(both, randomOf(seed))
    for (let round = 0; round < 12; round++) {
      await times.keep()
      await times.cancel()
      await times.write()
      if (round % 3 === 0) await times.look()
    }
    await assertNoScans(both.connection, both.asked)
  })
}

test('requests under random changes are the same in both stores', needsServer, async () => {
  await using both = await BothStores.open()
  const random = randomOf(3)
  for (let round = 0; round < 40; round++) {
    const asked = random.chance(0.5)
      ? [messageOf(`r${random.below(9)}`, 0, { type: random.pick(['charge', 'pay']) })]
      : []
    const changes = Array.from({ length: random.below(4) }, (): RequestChange => {
      const id = `r${random.below(9)}`
      const state = random.pick(['replied', 'refused', 'discarded', 'withdrawn'] as const)
      return random.pick<RequestChange>([
        { do: 'held', id, item: round },
        { do: 'released', id },
        { do: 'end', id, state, outcome: random.pick([undefined, { round }]), at: round },
      ])
    })
    await both.write(
      ({ requests }) => {
        const conflicts = asked.map((message) => requests.conflicts(message))
        for (const message of asked) requests.ask(message)
        for (const change of changes) requests.apply(change)
        return conflicts
      },
      async ({ requests }, db) => {
        const conflicts = await requests.conflicts(db, asked)
        await requests.ask(db, asked)
        await requests.write(db, changes)
        return conflicts
      },
    )
    const [one, other] = [both.sqlite.facets.requests, both.postgres.facets.requests]
    for (let n = 0; n < 9; n++) same(await other.row(`r${n}`), await one.row(`r${n}`))
    if (round % 10 === 9) same(await other.forget(round - 5), await one.forget(round - 5))
  }
  await assertNoScans(both.connection, both.asked)
})

test('open batches of gathers are the same in both stores', needsServer, async () => {
  await using both = await BothStores.open()
  const random = randomOf(4)
  for (let round = 0; round < 40; round++) {
    const place = { gather: random.pick(['g', 'h']), context: random.pick(['', 'a']) }
    const group = { count: round, bytes: 2 * round, armed: random.chance(0.5), condition: null, timer: `t${round}` }
    const some = random.below(5)
    const keep = random.below(4)
    const isRead = random.chance(0.5)
    const act = async (gathers: GatherTables) => {
      const before = isRead ? await gathers.group(place) : undefined
      if (some < 2) await gathers.add(place, { type: 'placed', version: 1, json: `${round}` })
      if (some < 3) await gathers.save(place, group)
      if (some === 3) await gathers.keepNewest(place, keep)
      if (some === 4) {
        await gathers.clear(place)
        await gathers.save(place, undefined)
      }
      return [before, await gathers.group(place), await gathers.elements(place)]
    }
    const first = await act(both.sqlite.gathers)
    await both.write(
      () => JSON.stringify(first, null, 1).length,
      async (state, db) => {
        const second = await act(state.gathers(db))
        same(second, first)
        return JSON.stringify(first, null, 1).length
      },
    )
  }
  await assertNoScans(both.connection, both.asked)
})
