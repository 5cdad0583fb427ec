import assert from 'node:assert/strict'
import { assertOnceInOrder, assertOneEach, assertSound, logOf, look, number, rows } from './judge.ts'

/** What a publisher has told its own record. */
export interface Publishing {
  /** Empty where the library made the id. */
  readonly id: string
  readonly lane: string
  readonly n: number
  readonly how: string
}

const key = ({ lane, n }: { lane: unknown; n: unknown }) => `${lane}/${n}`

/**
 * Judges the file of the chain after its end by the publisher's own record. Gives what was lost, where that is asked
 * for by `lossy`: a control that loses nothing shows that the judge sees nothing.
 */
export function judgeChain(
  file: string,
  tried: readonly Publishing[],
  acknowledged: readonly Publishing[],
  seen: readonly string[] = [],
): void {
  look(file, (db) => {
    assertSound(db)
    const orders = logOf(db, 'orders')
    const count = new Map<string, number>()
    for (const { data } of orders) count.set(key(data as never), (count.get(key(data as never)) ?? 0) + 1)
    const lost = acknowledged.filter((one) => count.get(key(one)) === undefined)
    assert.deepEqual(lost, [], 'everything acknowledged is in the log')
    const ids = new Set(orders.map(({ id }) => id))
    assert.deepEqual(
      acknowledged.filter(({ id }) => id !== '' && !ids.has(id)),
      [],
      'own ids are kept',
    )
    assert.deepEqual(
      [...count].filter(([, times]) => times > 1),
      [],
      'nothing is in the log twice',
    )
    const known = new Set(tried.map(key))
    assert.deepEqual(
      [...count.keys()].filter((one) => !known.has(one)),
      [],
      'nothing is in the log that nobody published',
    )
    const everything = new Set([...ids, ...logOf(db, 'stock').map(({ id }) => id)])
    assert.deepEqual(
      seen.filter((id) => !everything.has(id)),
      [],
      'nothing that a handler saw is gone',
    )

    // A transaction's own row is there with its message or not at all.
    const withRow = new Set(rows<{ lane: string; n: number }>(db, 'select lane, n from own').map(key))
    const transactions = tried.filter(({ how }) => how === 'transaction').map(key)
    for (const one of transactions) assert.equal(withRow.has(one), count.has(one), `row and message of ${one}`)
    assert.equal(number(db, 'select count(*) from own'), withRow.size)

    // Publishes of one lane are in the log in the order in which they were called.
    const last = new Map<string, number>()
    const how = new Map(tried.map((one) => [key(one), one.how]))
    for (const { data } of orders) {
      if (how.get(key(data as never)) === 'transaction') continue
      const { lane, n } = data as { lane: string; n: number }
      assert.ok(n > (last.get(lane) ?? 0), `in lane ${lane} of the log ${n} came after ${last.get(lane)}`)
      last.set(lane, n)
    }

    const stock = logOf(db, 'stock')
    assertOnceInOrder('reserve', orders, rows(db, 'select message from reserved order by seq'))
    assertOnceInOrder('audit', orders, rows(db, 'select message from audited order by seq'))
    assertOnceInOrder('ship', stock, rows(db, 'select message from shipped order by seq'))
    assertOneEach('stock moved by orders', orders, stock)
    assertOneEach('sights of orders', orders, logOf(db, 'sights'))
    for (const table of ['reserved', 'shipped']) {
      const torn = `select count(*) from (select lane, count(*) as c, max(step) as m, count(distinct step) as d
        from ${table} group by lane) where c <> m or d <> c`
      assert.equal(number(db, torn), 0, `steps of ${table} are 1, 2, 3, … in each lane`)
    }
    // Lanes hold down the chain too: what was moved first in a lane was placed first in it.
    const moved = new Map<string, number>()
    const placed = new Map(orders.map(({ id, position }) => [id, position]))
    for (const { causation, context } of stock) {
      const position = placed.get(causation!)!
      assert.ok(position > (moved.get(context!) ?? 0), `stock of lane ${context} follows its orders`)
      moved.set(context!, position)
    }
    assert.equal(
      number(db, 'select count(*) from millrace_desk where resolved_at is null'),
      0,
      'nothing is left at the desk',
    )
  })
}
