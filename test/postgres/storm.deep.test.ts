// What other users of a server do to us: cancels, ended connections, roles with bad defaults, rows that are hot.
import assert from 'node:assert/strict'
import test from 'node:test'
import { Client } from 'pg'
import { Chance, withSeed } from '../faults/support/seed.ts'
import { asAdmin, needsServer, testDatabase } from '../support/postgres.ts'
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
