// What other users of a server do to us: cancels, ended connections, roles with bad defaults, rows that are hot.
import assert from 'node:assert/strict'
import test from 'node:test'
import { processor } from 'millrace'
import { Client } from 'pg'
import { Chance, withSeed } from '../faults/support/seed.ts'
import { asAdmin, needsServer, testDatabase } from '../support/postgres.ts'
import { Orders, shopOn, takenOf, upTo } from './support.ts'
import { chainOn, judge, lanesOf, Publishers } from './support-faults.ts'

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}

const ours = "from pg_stat_activity where datname = current_database() and application_name like 'millrace %'"

test('through a storm of cancels and of ended connections nothing is lost, doubled or out of order', needsServer, (t) =>
  withSeed(async (seed) => {
    await using database = await testDatabase()
    const chance = new Chance(seed)
    const shop = chainOn(database.url)
    await shop.start({ control: false })
    const publishers = new Publishers(shop, lanesOf('a', 8))
    const storm = await connected(database.url)
    let [cancels, ends] = [0, 0]
    for (let round = 0; round < 150; round++) {
      const harm = chance.next() < 0.1 ? 'terminate' : 'cancel'
      const text = `select pg_${harm}_backend(pid) ${ours} and random() < ${chance.next()}`
      const { rowCount } = await storm.query(text)
      if (harm === 'cancel') cancels += rowCount ?? 0
      else ends += rowCount ?? 0
      if (round % 10 === 0) await publishers.more(1)
    }
    await storm.end()
    await publishers.more(20)
    await publishers.end()
    await shop.idle()
    t.diagnostic(`${cancels} cancels, ${ends} ended connections, ${publishers.count} accepted`)
    await judge(database.url, publishers.accepted)
    await shop.stop()
  }),
)

/** Defaults that make each promise harder to keep, where they are believed. */
const defaults: Readonly<Record<string, string>> = {
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'on',
  default_transaction_deferrable: 'on',
  synchronous_commit: 'off',
  statement_timeout: '5',
  lock_timeout: '5',
  idle_in_transaction_session_timeout: '5',
  search_path: "''",
  bytea_output: 'escape',
  datestyle: "'SQL, DMY'",
  intervalstyle: 'sql_standard',
  standard_conforming_strings: 'off',
  timezone: "'Asia/Kathmandu'",
}

test('the defaults of a role decide nothing: schema, take-over, handling and reads go on', needsServer, async () => {
  await using database = await testDatabase()
  const role = `millrace_role_${process.pid}`
  const name = new URL(database.url).pathname.slice(1)
  await asAdmin(database.url, `create role ${role} superuser login password 'bad-defaults'`)
  try {
    for (const [key, value] of Object.entries(defaults)) {
      await asAdmin(database.url, `alter role ${role} in database ${name} set ${key} = ${value}`)
    }
    const url = new URL(database.url)
    url.username = role
    url.password = 'bad-defaults'
    const accepted = new Map<string, number>()
    for (const lane of ['first', 'second']) {
      const shop = chainOn(url.href)
      await shop.start({ control: false })
      const publishers = new Publishers(shop, [lane])
      await publishers.more(30)
      await publishers.end()
      await shop.idle()
      assert.equal((await shop.messages.list({ limit: 10 })).items.length, 10)
      for (const [one, count] of publishers.accepted) accepted.set(one, count)
      await shop.stop()
    }
    await judge(database.url, accepted)
  } finally {
    await asAdmin(database.url, `reassign owned by ${role} to current_user; drop owned by ${role}; drop role ${role}`)
  }
})

test(
  'rows that another service changes all the time are counted right, and every lane goes on',
  needsServer,
  async (t) => {
    await using database = await testDatabase()
    const rows = 3
    await asAdmin(
      database.url,
      `create table stocks (sku int primary key, ours int, theirs int);
     insert into stocks select sku, 0, 0 from generate_series(0, ${rows - 1}) sku`,
    )
    const reserve = processor('stock', {
      on: Orders,
      retry: { attempts: 1_000, firstDelayMs: 1, maxDelayMs: 20 },
      handle: {
        ordered: ({ data: { id, n } }, { commit }) =>
          commit(async (tx) => {
            // Two rows in any order: deadlocks with the other service happen.
            await tx.query`update stocks set ours = ours + 1 where sku = ${n % rows}`
            await tx.query`update stocks set ours = ours + 1 where sku = ${(n + 1) % rows}`
            await tx.query`insert into taken (id, n) values (${id}, ${n})`
          }),
      },
    })
    const shop = shopOn(database.url, [reserve])
    await shop.start({ control: false })
    const publishers = new Publishers(shop, lanesOf('a', 6))
    let isOver = false
    let deadlocks = 0
    const serve = async (first: number): Promise<number> => {
      const service = await connected(database.url)
      let done = 0
      for (let n = first; !isOver; n++) {
        try {
          await service.query('begin')
          for (const sku of [(n + 1) % rows, n % rows]) {
            await service.query('update stocks set theirs = theirs + 1 where sku = $1', [sku])
          }
          await service.query('commit')
          done++
        } catch (error) {
          assert.equal((error as { code?: string }).code, '40P01')
          deadlocks++
          await service.query('rollback')
        }
      }
      await service.end()
      return done
    }
    const services = Promise.all([serve(0), serve(1)])
    await publishers.more(60)
    await publishers.end()
    await shop.idle()
    isOver = true
    const theirs = (await services).reduce((one, other) => one + other, 0)
    t.diagnostic(`${publishers.count} of ours, ${theirs} of theirs, ${deadlocks} deadlocks of theirs`)
    for (const [lane, count] of publishers.accepted) assert.deepEqual(await takenOf(shop, lane), upTo(count))
    const sums = 'select sum(ours)::int as ours, sum(theirs)::int as theirs from stocks'
    assert.deepEqual(await asAdmin(database.url, sums), [{ ours: 2 * publishers.count, theirs: 2 * theirs }])
    assert.deepEqual(await shop.desk.list({ states: ['held'] }), [])
    await shop.stop()
  },
)
