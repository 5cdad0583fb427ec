// What goes into a statement, and what comes out of it: docs/values.md, at each place that runs SQL of users.
import assert from 'node:assert/strict'
import test from 'node:test'
import vm from 'node:vm'
import { app, event, processor, type Query, sqlite, topic, type Value } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded, place, started } from './support.ts'

const Asked = event('asked', { schema: z.object({}) })
const Questions = topic('questions', [Asked])

/** Each value with the type and the text that SQL sees, and what comes back. */
const kinds: readonly (readonly [given: Value, type: string, text: string | null, read: unknown])[] = [
  [5, 'integer', '5', 5],
  [-0, 'integer', '0', 0],
  [Number.MAX_SAFE_INTEGER, 'integer', '9007199254740991', Number.MAX_SAFE_INTEGER],
  [-Number.MAX_SAFE_INTEGER, 'integer', '-9007199254740991', -Number.MAX_SAFE_INTEGER],
  [2 ** 53, 'real', '9007199254740992.0', 2 ** 53],
  [0.5, 'real', '0.5', 0.5],
  [1e300, 'real', '1.0e+300', 1e300],
  [7n, 'integer', '7', 7],
  [2n ** 53n + 1n, 'integer', '9007199254740993', 2n ** 53n + 1n],
  [2n ** 63n - 1n, 'integer', '9223372036854775807', 2n ** 63n - 1n],
  [-(2n ** 63n), 'integer', '-9223372036854775808', -(2n ** 63n)],
  [true, 'integer', '1', 1],
  [false, 'integer', '0', 0],
  ['5', 'text', '5', '5'],
  ['', 'text', '', ''],
  ['ü\u{1f600}', 'text', 'ü\u{1f600}', 'ü\u{1f600}'],
  [null, 'null', null, null],
  [new Uint8Array([1, 200]), 'blob', null, new Uint8Array([1, 200])],
  [Buffer.from([1, 200]), 'blob', null, new Uint8Array([1, 200])],
  [new Uint8Array(), 'blob', null, new Uint8Array()],
  [vm.runInNewContext('new Uint8Array([7])'), 'blob', null, new Uint8Array([7])],
]
const expected = kinds.map(([, type, text, read]) => ({ type, text, read }))

async function askedBy(query: Query) {
  const found: unknown[] = []
  for (const [value] of kinds) {
    const [row] = await query`select typeof(${value}) as type,
      case typeof(${value}) when 'blob' then null else ${value} || '' end as text, ${value} as read`
    found.push(row)
  }
  return found
}

test('every kind of value comes back as the page on values says, from each place that runs SQL', async (t) => {
  const found: Record<string, unknown[]> = {}
  const clerk = processor('clerk', {
    on: Questions,
    handle: {
      asked: async (_, { commit, read }) => {
        found['read'] = await askedBy(read)
        return commit(async (tx) => {
          found['commit'] = await askedBy(tx.query)
        })
      },
    },
  })
  const bank = app({
    name: 'bank',
    broker: sqlite({ file: place(t) }),
    setup: async (tx) => {
      found['setup'] = await askedBy(tx.query)
    },
    parts: [Questions, clerk],
  })
  await started(t, bank)
  await bank.publish(Asked, {})
  await bank.idle()
  found['app.read'] = await askedBy(bank.read)
  found['transaction'] = await bank.transaction(async (tx) => askedBy(tx.query))
  await using sim = simulation({ parts: [Questions] })
  await sim.untilIdle()
  found['simulation'] = await askedBy((async (text, ...values) => sim.query(text, ...values)) as Query)
  const places = ['setup', 'read', 'commit', 'app.read', 'transaction', 'simulation']
  assert.deepEqual(found, Object.fromEntries(places.map((name) => [name, expected])))
})

test('a query builder binds and reads as tx.query does', async (t) => {
  const bank = await started(t, app({ name: 'bank', broker: sqlite({ file: place(t) }), parts: [Questions] }))
  const built = bank.transaction((tx) => {
    const client = sqlite.client(tx)
    const statement = client.prepare('select typeof(?1) as type, ?1 as read')
    for (const [value, type, , read] of kinds) {
      assert.deepEqual(statement.get(value), { type, read })
      assert.deepEqual(statement.all(value), [{ type, read }])
      assert.deepEqual([...statement.iterate(value)], [{ type, read }])
    }
    client.prepare('create table coins (id integer primary key, satoshi)').run()
    const insert = client.prepare('insert into coins values (?, ?)')
    assert.deepEqual(insert.run(1, 2), { changes: 1, lastInsertRowid: 1 })
    assert.deepEqual(insert.run(2n ** 60n, 2), { changes: 1, lastInsertRowid: 2n ** 60n })
    assert.equal(client.prepare('select 1 where false').get(), undefined)
    // Last: a statement that failed ends what its function may do.
    assert.throws(() => statement.get(2n ** 63n), coded('millrace/bad-value', /more than 64 bits/))
    throw new Error('enough')
  })
  await assert.rejects(built, /^Error: enough$/)
})

test('whole numbers stay whole in text, JSON, division and keys', async (t) => {
  const bank = await started(t, app({ name: 'bank', broker: sqlite({ file: place(t) }), parts: [Questions] }))
  const rows = await bank.transaction(async (tx) => {
    await tx.query`create table keys (key text primary key, share real)`
    await tx.query`insert into keys values (${5}, ${5})`
    return tx.query`select 'order-' || ${5} as id, json_object('n', ${5}, 'yes', ${true}) as json, ${7} / ${2} as half,
      key, typeof(share) as share from keys`
  })
  assert.deepEqual(rows, [{ id: 'order-5', json: '{"n":5,"yes":1}', half: 3, key: '5', share: 'real' }])
})

test('a value that cannot be bound, or would come back changed, is refused and nothing is written', async (t) => {
  const bank = await started(t, app({ name: 'bank', broker: sqlite({ file: place(t) }), parts: [Questions] }))
  const values = [2n ** 63n, -(2n ** 63n) - 1n, Number.NaN, Number.POSITIVE_INFINITY, undefined, 'half \ud83d', {}]
  for (const value of values) {
    await assert.rejects(bank.read`select ${value as never}`, coded('millrace/bad-value'))
    const written = bank.transaction((tx) => tx.query`select ${value as never}`)
    await assert.rejects(written, coded('millrace/bad-value'))
  }
})

test('a statement that writes and gives back large integers writes once', async (t) => {
  const bank = await started(t, app({ name: 'bank', broker: sqlite({ file: place(t) }), parts: [Questions] }))
  const amount = 2n ** 60n
  const given = await bank.transaction(async (tx) => {
    await tx.query`create table coins (id integer primary key, satoshi integer)`
    return tx.query`insert into coins (satoshi) values (${amount}), (${3}) returning id, satoshi`
  })
  assert.deepEqual(given, [
    { id: 1, satoshi: amount },
    { id: 2, satoshi: 3 },
  ])
  assert.deepEqual(await bank.read`select count(*) as n, sum(satoshi) as sum from coins`, [{ n: 2, sum: amount + 3n }])
})
