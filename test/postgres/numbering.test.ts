// Positions: nothing is skipped, numbered twice or overtaken, whatever the transactions of publishers do.
import assert from 'node:assert/strict'
import test from 'node:test'
import { Client } from 'pg'
import { randomOf } from '../../src/testing/random.ts'
import { needsServer, testDatabase } from '../support/postgres.ts'
import { Ordered, shopOn, takenOf, upTo } from './support.ts'

const publishText = `select millrace.publish('orders', 'ordered', json_build_object('id', $1::text, 'n', $2::int), $1)`

/** Publishes one message after the other, each after the one before was acknowledged, over several connections. */
async function chain(url: string, id: string, random: () => number): Promise<number> {
  const clients = await Promise.all(upTo(2).map(() => new Client({ connectionString: url })))
  for (const client of clients) await client.connect()
  let n = 0
  for (let rounds = 0; rounds < 12; rounds++) {
    const client = clients[Math.floor(random() * clients.length)]!
    const count = 1 + Math.floor(random() * 3)
    await client.query('begin')
    // Some have their number long before they publish, and some stay open for long.
    if (random() < 0.3) await client.query('select pg_current_xact_id()')
    if (random() < 0.2) await client.query('select pg_sleep($1)', [random() / 5])
    for (let index = 0; index < count; index++) {
      if (random() < 0.5) await client.query('savepoint a')
      await client.query(publishText, [id, n + index])
    }
    if (random() < 0.2) await client.query('select pg_sleep($1)', [random() / 5])
    if (random() < 0.2) await client.query('rollback')
    else {
      await client.query('commit')
      n += count
    }
  }
  await Promise.all(clients.map((client) => client.end()))
  return n
}

test(
  'each context is handled whole and in order, through long transactions and a change of the owner',
  needsServer,
  async () => {
    await using database = await testDatabase()
    let shop = shopOn(database.url)
    await shop.start({ control: false })
    await shop.publish(Ordered, { id: 'first', n: 0 })
    const ids = upTo(5).map((n) => `o-${n}`)
    const chains = Promise.all(ids.map((id, index) => chain(database.url, id, randomOf(index))))
    for (let changes = 0; changes < 2; changes++) {
      while ((await takenOf(shop, ids[changes]!)).length < 5) await shop.idle()
      await shop.stop()
      shop = shopOn(database.url)
      await shop.start({ control: false })
    }
    const counts = await chains
    for (const [index, id] of ids.entries()) {
      while ((await takenOf(shop, id)).length < counts[index]!) await shop.idle()
      assert.deepEqual(await takenOf(shop, id), upTo(counts[index]!))
    }
    await shop.stop()
  },
)
