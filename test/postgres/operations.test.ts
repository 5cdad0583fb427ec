import test from 'node:test'
import type { StateFacets } from '../../src/adapters/postgres/state.ts'
import type { DeskChange } from '../../src/seam/desk.ts'
import { randomOf } from '../../src/testing/random.ts'
import { BothStores, onServer, same } from '../support/both-stores.ts'
import { entryOf } from '../support/desk-tables.ts'
import { assertNoScans } from '../support/plans.ts'
import { needsServer } from '../support/postgres.ts'

/** An operation without what a store numbers by itself. */
const named = <T extends { readonly id: number }>({ id: _, ...operation }: T) => operation

test('operations on held messages are the same in both stores', needsServer, async () => {
  await using both = await BothStores.open()
  const random = randomOf(5)
  const commit = (changes: readonly DeskChange[]) =>
    both.write(
      ({ desk }) => changes.map((change) => desk.apply(change)),
      (state, db) => state.desk.write(db, onServer(changes)),
    )
  await commit(
    Array.from({ length: 30 }, (_, n): DeskChange => {
      const facts = { context: random.pick(['a', 'b', null]), inLane: false, error: random.pick(['x', 'y']) }
      return { do: 'put', entry: entryOf(n, facts) }
    }),
  )
  const names: string[] = []
  for (let round = 0; round < 40; round++) {
    const some = random.below(8)
    const at = 100 * round
    const name = names[random.below(names.length + 1)] ?? 'none'
    const how = { by: 'ann', reason: 'go', stopAfter: random.pick([undefined, 2]) }
    const limits = { perSecond: random.pick([null, 3]), stopAfter: null, expiresAt: random.pick([null, at + 900]) }
    const what = random.pick([
      { processor: 'p', context: 'a' },
      { items: [1, 5, 9, 9, 77] },
      { type: 'placed' },
      { items: [99] },
    ])
    const item = 1 + random.below(30)
    const error = random.pick([null, 'no'])
    const failed = random.chance(0.5)
    const numberOf = async ({ operations }: StateFacets) => (await operations.list({ name }))[0]?.id ?? 999
    const act = async (facets: StateFacets): Promise<unknown> => {
      const { operations } = facets
      try {
        if (some < 2) {
          const operation = {
            name: `op ${round}`,
            action: 'release',
            by: 'ann',
            reason: null,
            change: null,
            ...limits,
          } as const
          return named(await operations.select({ ...operation, oneFirst: failed, startedAt: at }, what))
        }
        const id = await numberOf(facets)
        if (some === 2) return named(await operations.run(id, how, at))
        if (some === 3) return await operations.abort(id, how, at)
        if (some === 4) return await operations.expire(at)
        return undefined
      } catch (error) {
        return (error as { code?: string }).code ?? error
      }
    }
    const made = await act(both.sqlite.facets)
    same(await act(both.postgres.facets), made, `act ${some}`)
    if (some < 2 && typeof made === 'object') names.push(`op ${round}`)
    if (some > 4) {
      const changesFor = (operation: number): DeskChange[] => [
        { do: 'selected', operation, item, error, follow: failed, nextAt: random.pick([undefined]) ?? at },
        { do: 'tried', operation, item: 5, failed },
        ...(some === 7
          ? [{ do: 'operation', operation: { id: operation, state: 'stopped', endedAt: at } as never } as const]
          : []),
      ]
      const [one, other] = [await numberOf(both.sqlite.facets), await numberOf(both.postgres.facets)]
      await both.write(
        ({ desk }) => changesFor(one).map((change) => desk.apply(change)),
        (state, db) => state.desk.write(db, changesFor(other)),
      )
    }
    const look = async (facets: StateFacets) => {
      const { operations } = facets
      const id = await numberOf(facets)
      return [
        (await operations.list({})).map(named),
        (await operations.open(0, 9)).map(named),
        await operations.outcome(id),
        await operations.remaining(id, 2, 9),
        await operations.refused(id, 9),
        await operations.selected(id, 9),
        await operations.underWay(id, 0, 9),
        await operations.firstSelected(id),
        (await facets.deskReads.audit({ limit: 4 })).map(named),
      ]
    }
    same(await look(both.postgres.facets), await look(both.sqlite.facets), `after ${some}`)
  }
  await assertNoScans(both.connection, both.asked)
})
