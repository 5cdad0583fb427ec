// An app on PostgreSQL: what is published is handled once, in order, with its rows.
import assert from 'node:assert/strict'
import test from 'node:test'
import { Client } from 'pg'
import { asAdmin, needsServer, testDatabase } from '../support/postgres.ts'
import { Ordered, shopOn, takenOf, upTo } from './support.ts'

test('what is published is handled once, in order, with its rows, also after a restart', needsServer, async () => {
  await using database = await testDatabase()
  for (const first of [0, 10]) {
    const shop = shopOn(database.url)
    await shop.start({ control: false })
    for (let n = first; n < first + 10; n++) await shop.publish(Ordered, { id: 'o-1', n })
    await shop.idle()
    assert.deepEqual(await takenOf(shop, 'o-1'), upTo(first + 10))
    await shop.stop()
  }
})

test('many at once keep the order of each context', needsServer, async () => {
  await using database = await testDatabase()
  const shop = shopOn(database.url)
  await shop.start({ control: false })
  const ids = upTo(20).map((n) => `o-${n}`)
  await Promise.all(upTo(50).flatMap((n) => ids.map((id) => shop.publish(Ordered, { id, n }))))
  await shop.idle()
  for (const id of ids) assert.deepEqual(await takenOf(shop, id), upTo(50))
  await shop.stop()
})

test(
  'others publish by SQL in transactions of their own, and one that stays open delays nobody',
  needsServer,
  async () => {
    await using database = await testDatabase()
    const shop = shopOn(database.url)
    await shop.start({ control: false })
    await shop.publish(Ordered, { id: 'o-1', n: 0 })
    const slow = new Client({ connectionString: database.url })
    await slow.connect()
    const publish = `select millrace.publish('orders', 'ordered', $1::json, $2) as id`
    await slow.query('begin')
    await slow.query(publish, ['{"id":"o-2","n":0}', 'o-2'])
    const waits = async (id: string, count: number) => {
      for (;;) {
        await shop.idle()
        if ((await takenOf(shop, id)).length === count) return
      }
    }
    for (const n of [1, 2]) {
      await asAdmin(database.url, `select millrace.publish('orders', 'ordered', '{"id":"o-1","n":${n}}', 'o-1')`)
      await shop.publish(Ordered, { id: 'o-3', n: n - 1 })
    }
    await waits('o-1', 3)
    assert.deepEqual(await takenOf(shop, 'o-1'), [0, 1, 2])
    assert.deepEqual(await takenOf(shop, 'o-2'), [])
    await slow.query('commit')
    await waits('o-2', 1)
    await waits('o-3', 2)
    await slow.end()
    await shop.stop()
  },
)

test('an id that was given before adds nothing, by SQL and by the app', needsServer, async () => {
  await using database = await testDatabase()
  const shop = shopOn(database.url)
  await shop.start({ control: false })
  const order = { id: 'o-1', n: 0 }
  assert.deepEqual(await shop.publish(Ordered, order, { id: 'mine' }), { id: 'mine' })
  assert.deepEqual(await shop.publish(Ordered, order, { id: 'mine' }), { id: 'mine', duplicate: true })
  const other = shop.publish(Ordered, { id: 'o-1', n: 1 }, { id: 'mine' })
  await assert.rejects(other, { code: 'millrace/id-conflict' })
  const sql = (n: number, id: string) =>
    asAdmin(database.url, `select millrace.publish('orders', 'ordered', '{"n":${n}, "id":"o-1"}', 'o-1', '${id}')`)
  await sql(0, 'mine')
  await assert.rejects(sql(1, 'mine'), { code: 'MRP03' })
  await sql(1, 'theirs')
  assert.deepEqual(await shop.publish(Ordered, { id: 'o-1', n: 1 }, { id: 'theirs' }), {
    id: 'theirs',
    duplicate: true,
  })
  await shop.idle()
  assert.deepEqual((await takenOf(shop, 'o-1'))[0], 0)
  await shop.stop()
})
