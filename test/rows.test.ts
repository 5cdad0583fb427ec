// Lists and fragments, at each place that takes a query.
import assert from 'node:assert/strict'
import test from 'node:test'
import { app, desk, discard, event, list, processor, type Query, Refused, route, sql, sqlite, topic } from 'millrace'
import { given, simulation } from 'millrace/testing'
import { z } from 'zod'
import { coded, place, started } from './support.ts'

const Asked = event('asked', { schema: z.object({ refuse: z.boolean() }) })
const Questions = topic('questions', [Asked])

const rows = sql`(values (1, 'one'), (2, 'two'), (3, 'three'), (null, 'none'))`

/** What lists and fragments find among four rows. */
async function askedBy(query: Query): Promise<unknown> {
  const named = async (where: ReturnType<typeof sql>) =>
    (await query<{ name: string }>`with t (id, name) as ${rows} select name from t where ${where} order by name`).map(
      ({ name }) => name,
    )
  return {
    in: await named(sql`id in ${list([1, 3, 7])}`),
    'not in': await named(sql`id not in ${list([1, 3, 7])}`),
    'in none': await named(sql`id in ${list([])}`),
    'not in none': await named(sql`id not in ${list([])}`),
    text: await named(sql`name in ${list(["one' or 'a' = 'a", 'two'])}`),
    'two conditions': await named(
      [sql`id > ${1}`, sql`name like ${'t%'}`].reduce((all, one) => sql`${all} and ${one}`),
    ),
  }
}

const expected = {
  in: ['one', 'three'],
  'not in': ['two'],
  'in none': [],
  'not in none': ['none', 'one', 'three', 'two'],
  text: ['two'],
  'two conditions': ['three', 'two'],
}

test('lists and fragments find the same rows from each place that runs SQL', async (t) => {
  const found: Record<string, unknown> = {}
  const clerk = processor('clerk', {
    on: Questions,
    handle: {
      asked: async ({ data: { refuse } }, { commit, read }) => {
        if (refuse) throw new Refused('no')
        found['read'] = await askedBy(read)
        return commit(async (tx) => {
          found['commit'] = await askedBy(tx.query)
          await tx.attempt(async (inner) => {
            found['attempt'] = await askedBy(inner.query)
          })
        })
      },
    },
  })
  const questionDesk = desk('question-desk', {
    on: Questions,
    decide: {
      asked: async ({ read }) => {
        found['rule'] = await askedBy(read)
        return discard('seen')
      },
    },
  })
  const way = route('way', {
    on: Questions,
    handle: {
      asked: async (_, { read }) => {
        found['route'] = await askedBy(read)
      },
    },
  })
  const bank = app({
    name: 'bank',
    broker: sqlite({ file: place(t) }),
    setup: async (tx) => {
      found['setup'] = await askedBy(tx.query)
    },
    parts: [Questions, clerk, way, questionDesk],
  })
  await started(t, bank)
  await bank.publish(Asked, { refuse: false })
  await bank.publish(Asked, { refuse: true })
  await bank.idle()
  found['app.read'] = await askedBy(bank.read)
  found['transaction'] = await bank.transaction((tx) => askedBy(tx.query))
  await using sim = simulation({ parts: [Questions] })
  await sim.untilIdle()
  found['simulation'] = await askedBy((async (text, ...values) => sim.query(text, ...values)) as Query)
  const places = ['setup', 'read', 'commit', 'attempt', 'rule', 'route', 'app.read', 'transaction', 'simulation']
  assert.deepEqual(found, Object.fromEntries(places.map((name) => [name, expected])))
})

test('the test kit answers a statement with its lists and fragments put in', async () => {
  const asked: unknown[] = []
  const clerk = processor('clerk', {
    on: Questions,
    handle: {
      asked: (_, { commit }) =>
        commit(async (tx) => {
          await tx.query`delete from t where ${sql`id in ${list([1, 2])}`} and name in ${list([])}`
        }),
    },
  })
  const query = (text: string, values: readonly unknown[]) => {
    asked.push([text, values])
    return []
  }
  await given(clerk, { query }).when(Asked, { refuse: false }).then({})
  assert.deepEqual(asked, [['delete from t where id in (?, ?) and name in ()', [1, 2]]])
})

test('a statement is written with fragments, and each row once', async (t) => {
  const bank = await started(t, app({ name: 'bank', broker: sqlite({ file: place(t) }), parts: [Questions] }))
  const people = [
    { id: 1, name: "O'Hara" },
    { id: 2, name: '?' },
    { id: 3, name: 'drop table people' },
  ]
  await bank.transaction(async (tx) => {
    await tx.query`create table people (id integer primary key, name text)`
    const values = people.map(({ id, name }) => sql`(${id}, ${name})`).reduce((all, one) => sql`${all}, ${one}`)
    await tx.query`insert into people values ${values}`
  })
  assert.deepEqual(await bank.read`select * from people order by ${sql`id`}`, people)
})

test('a list that is longer than a statement may be is refused, and says so', async (t) => {
  const bank = await started(t, app({ name: 'bank', broker: sqlite({ file: place(t) }), parts: [Questions] }))
  const ids = (count: number) => list(Array.from({ length: count }, (_, id) => id))
  const [most] = await bank.read<{ n: number }>`select 32764 in ${ids(32_765)} as n where ${1}`
  assert.equal(most!.n, 1)
  const refused = coded('millrace/bad-value', /has 32767 values, more than 32766: run it for a part of its list/)
  await assert.rejects(bank.read`select 1 in ${ids(32_766)} where ${1}`, refused)
  await assert.rejects(
    bank.transaction((tx) => tx.query`select 1 in ${ids(32_767)}`),
    refused,
  )
})

test('many different lists, one after the other, and each is answered rightly', async (t) => {
  const bank = await started(t, app({ name: 'bank', broker: sqlite({ file: place(t) }), parts: [Questions] }))
  for (const round of [0, 1]) {
    for (let length = 0; length < 300; length++) {
      const ids = list(Array.from({ length }, (_, id) => id + round))
      const [row] = await bank.read`select ${length} in ${ids} as last, ${round} in ${ids} as first`
      assert.deepEqual(row, { last: round === 1 && length > 0 ? 1 : 0, first: length > 0 ? 1 : 0 })
    }
  }
})

test('tables that begin with millrace_ are denied in fragments too', async (t) => {
  const bank = await started(t, app({ name: 'bank', broker: sqlite({ file: place(t) }), parts: [Questions] }))
  const where = sql`where position in ${list([1])}`
  await assert.rejects(
    bank.transaction((tx) => tx.query`delete from millrace_log_1 ${where}`),
    coded('millrace/denied'),
  )
})

test('a query of two statements is refused, and nothing of it runs; a comment or a semicolon is no statement', async (t) => {
  const setup = (query: Query) => query`create table a (x integer); create table b (y integer)`
  const two = app({ name: 'two', broker: sqlite({ file: place(t) }), setup: ({ query }) => setup(query), parts: [] })
  await assert.rejects(two.start(), coded('millrace/two-statements', /another follows: create table b \(y integer\)/))
  const one = await started(t, app({ name: 'one', broker: sqlite({ file: place(t) }), parts: [] }))
  await assert.rejects(
    one.transaction((tx) => tx.query`create table a (x integer); ${sql`drop table a`}`),
    coded('millrace/two-statements'),
  )
  await one.transaction(
    (tx) => tx.query`create table a (x integer); -- the only one
    /* and no
    other */ ;`,
  )
  await assert.rejects(one.read`select 1; select 2`, coded('millrace/two-statements', /another follows: select 2/))
  assert.deepEqual(await one.read`select name from sqlite_schema where name in ('a', 'b')`, [{ name: 'a' }])
})

test('a file in memory is refused, since messages have to outlive the process', () => {
  assert.throws(() => sqlite({ file: ':memory:' }), coded('millrace/bad-option', /simulation/))
})
