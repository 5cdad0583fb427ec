// A database that was restored into another cluster, whose numbers of transactions are lower or higher.
import assert from 'node:assert/strict'
import test from 'node:test'
import { postgres } from 'millrace/postgres'
import { Client } from 'pg'
import { movesOf } from '../../src/operate/move.ts'
import { asAdmin, needsServer, testDatabase } from '../support/postgres.ts'
import { coded } from '../support.ts'
import { Ordered, shopOn, takenOf, upTo } from './support.ts'

const asMillrace = (url: string, text: string) =>
  asAdmin(url, `begin; select set_config('millrace.tx', 'test', true); ${text}; commit`)

/** Publishes as a program does that is no app. */
const publishing = (id: string, n: number) =>
  `select millrace.publish('orders', 'ordered', '${JSON.stringify({ id, n })}', '${id}', '${id} ${n}')`

/** As if it had been written on a cluster that has had so many transactions more. */
async function fromElsewhere(url: string, by: number): Promise<void> {
  const move = (snapshot: string) => `(
    select (split_part(${snapshot}, ':', 1)::int8 + ${by}) || ':' || (split_part(${snapshot}, ':', 2)::int8 + ${by}) || ':' ||
      coalesce((select string_agg((open::int8 + ${by})::text, ',') from unnest(string_to_array(split_part(${snapshot}, ':', 3), ',')) open
        where open <> ''), ''))`
  await asMillrace(
    url,
    `update millrace.messages set xid = xid + ${by}; update millrace.runs set xid = xid + ${by};
     update millrace.ids set xid = xid + ${by}; update millrace.folded set snapshot = ${move('snapshot')};
     update millrace.commits set xid = xid + ${by}, snapshot = ${move('snapshot')};
     insert into millrace.meta values ('cluster', '1') on conflict (key) do update set value = '1'`,
  )
}

for (const by of [1_000_000, 0]) {
  test(
    `a database from a cluster with ${by} more transactions is refused, until it is settled`,
    needsServer,
    async () => {
      await using database = await testDatabase()
      const { url } = database
      const shop = shopOn(url)
      await shop.start({ control: false })
      await shop.publish(Ordered, { id: 'o-1', n: 0 }, { id: 'o-1 0' })
      // A transaction that is open as long as the shop runs: an owner has seen later ones, and not this one.
      const open = new Client({ connectionString: url })
      await open.connect()
      await open.query('begin')
      await open.query(publishing('o-2', 0))
      for (const n of [1, 2]) await shop.publish(Ordered, { id: 'o-1', n }, { id: `o-1 ${n}` })
      await shop.idle()
      await shop.stop()
      await open.query('commit')
      await open.end()
      // Nobody has numbered these two.
      for (const n of [3, 4]) await asAdmin(url, publishing('o-1', n))
      await fromElsewhere(url, by)
      await assert.rejects(shopOn(url).start({ control: false }), coded('millrace/moved-database'))

      const moves = movesOf(postgres({ url }))
      assert.equal(await moves.settle!(), true)
      assert.equal(await moves.settle!(), false)
      const again = shopOn(url)
      await again.start({ control: false })
      await asAdmin(url, publishing('o-1', 5))
      // Its id is known.
      await again.publish(Ordered, { id: 'o-1', n: 1 }, { id: 'o-1 1' })
      await again.publish(Ordered, { id: 'o-1', n: 6 })
      // What others have published is found by a poll.
      do await again.idle()
      while ((await takenOf(again, 'o-1')).length < 7 || (await takenOf(again, 'o-2')).length < 1)
      assert.deepEqual(await takenOf(again, 'o-1'), upTo(7))
      assert.deepEqual(await takenOf(again, 'o-2'), [0])
      await again.stop()

      const later = shopOn(url)
      await later.start({ control: false })
      await later.publish(Ordered, { id: 'o-1', n: 7 })
      await later.idle()
      assert.deepEqual(await takenOf(later, 'o-1'), upTo(8))
      await later.stop()
      const newest = '(select xid from millrace.messages order by seq desc limit 1)'
      const [numbers] = await asAdmin(url, `select ${newest} = max(xid) as "isHighest" from millrace.messages`)
      assert.deepEqual(numbers, { isHighest: true })
    },
  )
}

test('a database without data of Millrace is neither settled nor left, and stays as it is', needsServer, async () => {
  await using database = await testDatabase()
  const { settle, takeBack, leave } = movesOf(postgres({ url: database.url }))
  for (const act of [settle!, takeBack, leave]) await assert.rejects(act(), coded('millrace/no-app'))
  assert.deepEqual(await asAdmin(database.url, `select 1 from pg_namespace where nspname = 'millrace'`), [])
})
