// The connection of a transaction, as query builders use it.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import {
  type App,
  app,
  event,
  processor,
  type SqliteClient,
  type SqliteStatement,
  sqlite,
  type Tx,
  topic,
} from 'millrace'
import { given, simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded, place, started } from './support.ts'

const Asked = event('asked', { schema: z.object({}) })
const Questions = topic('questions', [Asked])

const bankOf = (t: TestContext): Promise<App> =>
  started(
    t,
    app({
      name: 'bank',
      broker: sqlite({ file: place(t) }),
      setup: (tx) => tx.query`create table accounts (id integer primary key, owner text)`,
      parts: [Questions],
    }),
  )

test('the connection of a transaction writes and reads its rows, as one with tx.query', async (t) => {
  const bank = await bankOf(t)
  const found = await bank.transaction(async (tx) => {
    const client = sqlite.client(tx)
    assert.equal(client, tx.client)
    client.exec("insert into accounts values (1, 'ada'); insert into accounts values (2, 'bob')")
    await tx.query`insert into accounts values (3, 'eve')`
    const insert = client.prepare('insert into accounts values (?, ?)')
    assert.deepEqual(insert.run(4, 'dan'), { changes: 1, lastInsertRowid: 4 })
    assert.deepEqual(insert.run([5, 'fay']), { changes: 1, lastInsertRowid: 5 })
    client.close()
    return client.prepare('select owner from accounts where id >= ? order by id').all<{ owner: string }>(2)
  })
  assert.deepEqual(
    found.map(({ owner }) => owner),
    ['bob', 'eve', 'dan', 'fay'],
  )
  assert.equal((await bank.read`select * from accounts`).length, 5)
})

test('rows come as arrays where a query builder wants them so, and columns say what they are', async (t) => {
  const bank = await bankOf(t)
  await bank.transaction((tx) => {
    const client = sqlite.client(tx)
    client.exec("insert into accounts values (1, 'ada'), (9007199254740993, null)")
    const pairs = client.prepare('select a.id, b.id, 1 + 1 as two from accounts a join accounts b where a.id <= ?')
    assert.deepEqual(pairs.get([1]), { id: 1, two: 2 })
    pairs.setReturnArrays(true)
    assert.deepEqual(pairs.all([1]), [
      [1, 1, 2],
      [1, 9007199254740993n, 2],
    ])
    assert.deepEqual([...pairs.iterate(1)], pairs.all(1))
    assert.deepEqual(pairs.get<unknown[]>(1), [1, 1, 2])
    assert.equal(pairs.get(0), undefined)
    pairs.setReturnArrays(false)
    assert.deepEqual(pairs.get(1), { id: 1, two: 2 })
    assert.equal(pairs.reader, true)
    assert.deepEqual(pairs.columns(), [
      { column: 'id', database: 'main', name: 'id', table: 'accounts', type: 'INTEGER' },
      { column: 'id', database: 'main', name: 'id', table: 'accounts', type: 'INTEGER' },
      { column: null, database: null, name: 'two', table: null, type: null },
    ])
    const update = client.prepare("update accounts set owner = 'eve'")
    assert.equal(update.reader, false)
    assert.deepEqual(update.columns(), [])
    assert.equal(client.prepare('delete from accounts returning id').reader, true)
  })
})

test('a failed statement of the connection fails the function, even when its error is caught', async (t) => {
  const bank = await bankOf(t)
  const ways: Record<string, (client: SqliteClient) => unknown> = {
    'a constraint': (client) => client.prepare('insert into accounts values (?, ?)').all([1, 'again']),
    'a syntax error': (client) => client.prepare('selec 1'),
    'a value that is not bound': (client) => client.prepare('select ?').get({} as never),
    'a value in a list that is not bound': (client) => client.prepare('select ?').get([new Date()] as never),
    'a transaction': (client) => client.exec('begin'),
    'a pragma': (client) => client.prepare('pragma journal_mode = delete'),
    'a table of Millrace': (client) => client.prepare('delete from millrace_log_1'),
  }
  for (const [what, run] of Object.entries(ways)) {
    const caught = bank.transaction((tx) => {
      sqlite.client(tx).exec("insert into accounts values (1, 'ada')")
      assert.throws(() => run(sqlite.client(tx)), what)
      assert.throws(() => sqlite.client(tx).exec('select 1'), coded('millrace/statement-failed'), what)
    })
    await assert.rejects(caught, coded('millrace/statement-failed'), what)
    assert.deepEqual(await bank.read`select * from accounts`, [], what)
  }
})

test('in an attempt the connection is that of its own tx, and the one outside waits', async (t) => {
  const bank = await bankOf(t)
  await bank.transaction(async (tx) => {
    const outer = sqlite.client(tx)
    const inserted = tx.attempt((inner) => {
      const insert = sqlite.client(inner).prepare('insert into accounts values (?, ?)')
      insert.run(1, 'ada')
      insert.run(1, 'again')
    })
    await assert.rejects(inserted, /UNIQUE/)
    outer.prepare('insert into accounts values (?, ?)').run(2, 'bob')
  })
  assert.deepEqual(await bank.read`select id from accounts`, [{ id: 2 }])
  const outside = bank.transaction((tx) =>
    tx.attempt(() => sqlite.client(tx).exec("insert into accounts values (3, 'eve')")),
  )
  await assert.rejects(outside, coded('millrace/attempt-open'))
})

test('after the end of the function its connection and its statements are refused', async (t) => {
  const bank = await bankOf(t)
  const kept: { tx?: Tx; client?: SqliteClient; statement?: SqliteStatement } = {}
  await bank.transaction((tx) => {
    kept.tx = tx
    kept.client = sqlite.client(tx)
    kept.statement = kept.client.prepare('insert into accounts values (1, ?)')
  })
  const closed = coded('millrace/tx-closed')
  assert.throws(() => sqlite.client(kept.tx!), closed)
  assert.throws(() => kept.client!.exec('select 1'), closed)
  assert.throws(() => kept.client!.prepare('select 1'), closed)
  assert.throws(() => kept.statement!.run('ada'), closed)
  assert.deepEqual(await bank.read`select * from accounts`, [])
})

test('the tx of another broker, and a value that is no tx, are refused with a clear error', async () => {
  const query = async () => []
  for (const client of [undefined, null, 'no', {}, { prepare() {}, exec() {} }]) {
    const tx = { query, client, attempt: async () => {} } as never
    assert.throws(() => sqlite.client(tx), coded('millrace/other-broker', /tx of a broker that is not sqlite/))
  }
  for (const nothing of [undefined, null, 5, 'tx', {}, () => {}]) {
    assert.throws(() => sqlite.client(nothing as never), coded('millrace/bad-option', /sqlite\.client takes the tx of/))
  }
  const clerk = processor('clerk', {
    on: Questions,
    handle: { asked: (_, { commit }) => commit((tx) => void sqlite.client(tx)) },
  })
  await given(clerk)
    .when(Asked, {})
    .then({ fails: /^given has no tx\.client/ })
})

test('in a simulation the connection is there too', async () => {
  const clerk = processor('clerk', {
    on: Questions,
    handle: {
      asked: (_, { commit }) =>
        commit((tx) => {
          const statement = sqlite.client(tx).prepare('insert into accounts values (?, ?) returning id, owner')
          assert.equal(statement.reader, true)
          statement.setReturnArrays(true)
          assert.deepEqual(statement.get([1, 'ada']), [1, 'ada'])
        }),
    },
  })
  const setup = (tx: Tx) => tx.query`create table if not exists accounts (id integer primary key, owner text)`
  await using sim = simulation({ parts: [clerk], setup })
  await sim.publish(Asked, {})
  await sim.untilIdle()
  assert.deepEqual(sim.rows('accounts'), [{ id: 1, owner: 'ada' }])
})
