// What commit functions may not do, and that one of them can do no harm to others in its transaction.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { type App, type AppTx, app, event, processor, Refused, sqlite, type Tx, topic } from 'millrace'
import { z } from 'zod'

const Did = event('did', { schema: z.object({ n: z.number().int() }) })
const Done = event('done', { schema: z.object({ n: z.number().int() }) })
const Deeds = topic('deeds', [Did])
const Results = topic('results', [Done])

type Deed = (n: number, tx: Tx) => unknown

/** An app whose one processor does a deed in its commit function, after writing a row of its own. */
async function start(t: { after(fn: () => unknown): void }, deed: Deed, options: { attempts?: number } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-commit-'))
  const file = join(folder, 'app.db')
  const doer = processor('doer', {
    on: Deeds,
    publishes: [Done],
    concurrency: 100,
    retry: { attempts: options.attempts ?? 1, firstDelayMs: 1, maxDelayMs: 1 },
    handle: {
      did: ({ data: { n } }, { commit, publish }) =>
        commit(async (tx) => {
          await tx.query`insert into rows values (${n})`
          publish(Done, { n })
          await deed(n, tx)
        }),
    },
  })
  const made = app({
    name: 'deeds',
    broker: sqlite({ file }),
    log: () => {},
    setup: async (tx) => {
      await tx.query`create table rows (n integer primary key)`
      await tx.query`create table single (a integer unique)`
      await tx.query`insert into single values (1)`
      await tx.query`create table parents (id integer primary key)`
      await tx.query`create table children (parent integer references parents (id) deferrable initially deferred)`
      await tx.query`create table trap (a integer)`
      await tx.query`create trigger spring before insert on trap begin select raise(rollback, 'sprung'); end`
    },
    parts: [Deeds, Results, doer],
  })
  await made.start()
  t.after(async () => {
    await made.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return { app: made, file }
}

/** Publishes ten at once, of which the fifth is guilty: judged by the file. */
async function tenWithOneGuilty(t: { after(fn: () => unknown): void }, guilty: (tx: Tx) => unknown) {
  const { app, file } = await start(t, (n, tx) => (n === 5 ? guilty(tx) : undefined))
  await Promise.all(Array.from({ length: 10 }, (_, n) => app.publish(Did, { n })))
  await app.idle()
  const db = new DatabaseSync(file, { readOnly: true })
  const numbers = (sql: string) =>
    db
      .prepare(sql)
      .all()
      .map((row) => Number(row.n))
  const innocent = [0, 1, 2, 3, 4, 6, 7, 8, 9]
  assert.deepEqual(numbers('select n from rows order by n'), innocent, 'each innocent row is there once')
  const published = numbers(`select json_extract(data, '$.n') as n from millrace_log_2 order by 1`)
  assert.deepEqual(published, innocent, 'each innocent event left once, the guilty one did not')
  db.close()
  const held = await app.desk.list({ states: ['held'] })
  assert.equal(held.length, 1)
  assert.equal(JSON.parse(held[0]!.message.json).n, 5)
  return held[0]!.error!
}

const sql = (tx: Tx) =>
  tx.client as { exec(text: string): void; prepare(text: string): { run(...values: unknown[]): unknown } }

test('a deferred constraint that fails at COMMIT fails its own message, and no other of the group', async (t) => {
  const error = await tenWithOneGuilty(t, (tx) => tx.query`insert into children values (99)`)
  assert.match(error.message, /FOREIGN KEY/)
})

const waits: Record<string, (tx: Tx) => unknown> = {
  'a timer': () => new Promise((resolve) => setTimeout(resolve, 0)),
  'a file': () => stat('.'),
  'process.nextTick': () => new Promise((resolve) => process.nextTick(resolve)),
  'what never comes': () => new Promise(() => {}),
}
for (const [what, wait] of Object.entries(waits)) {
  test(`a commit function that waits for ${what} fails alone, and the transaction does not wait`, async (t) => {
    const error = await tenWithOneGuilty(t, wait)
    assert.equal(error.code, 'millrace/commit-waited')
  })
}

const denied: Record<string, (tx: Tx) => unknown> = {
  COMMIT: (tx) => tx.query`commit`,
  ROLLBACK: (tx) => tx.query`rollback`,
  BEGIN: (tx) => tx.query`begin`,
  SAVEPOINT: (tx) => tx.query`savepoint mine`,
  RELEASE: (tx) => tx.query`release millrace`,
  ATTACH: (tx) => tx.query`attach ':memory:' as other`,
  PRAGMA: (tx) => tx.query`pragma synchronous = off`,
  'a pragma function that sets': (tx) => sql(tx).exec('pragma foreign_keys = off'),
  'writing to a table of Millrace': (tx) => tx.query`update millrace_progress set low = 1000`,
  'deleting from a table of Millrace': (tx) => tx.query`delete from MILLRACE_log_1`,
  'dropping a table of Millrace': (tx) => tx.query`drop table millrace_log_1`,
  'a trigger on a table of Millrace': (tx) =>
    sql(tx).exec('create trigger t after insert on millrace_log_1 begin delete from rows; end'),
  'COMMIT among other statements': (tx) => sql(tx).exec('insert into rows values (77); commit; begin'),
}
for (const [what, statement] of Object.entries(denied)) {
  test(`SQL of users is denied ${what}`, async (t) => {
    const error = await tenWithOneGuilty(t, statement)
    assert.equal(error.code, 'millrace/denied')
  })
}

const enders: Record<string, (tx: Tx) => unknown> = {
  'OR ROLLBACK': (tx) => tx.query`insert or rollback into single values (1)`,
  'RAISE(ROLLBACK)': (tx) => tx.query`insert into trap values (1)`,
  'OR ROLLBACK through the client': (tx) => sql(tx).exec('insert or rollback into single values (1)'),
}
for (const [what, statement] of Object.entries(enders)) {
  test(`${what} ends the transaction for its own message only`, async (t) => {
    const error = await tenWithOneGuilty(t, statement)
    assert.match(error.message, /ended the whole transaction|UNIQUE|sprung/)
  })

  test(`${what} with the error caught by the function: its next action is refused and nothing of it stays`, async (t) => {
    let went = ''
    const error = await tenWithOneGuilty(t, async (tx) => {
      try {
        await statement(tx)
      } catch {}
      try {
        await tx.query`insert into rows values (55)`
        went = 'on in autocommit'
      } catch (caught) {
        went = (caught as { code: string }).code
      }
    })
    assert.equal(went, 'millrace/transaction-ended')
    assert.equal(error.code, 'millrace/transaction-ended')
  })
}

const failing: Record<string, (tx: Tx) => unknown> = {
  'that breaks a constraint': (tx) => tx.query`insert into single values (1)`,
  'that is no SQL': (tx) => tx.query`selct 1`,
  'with a value that cannot be bound': (tx) => tx.query`select ${new Date(0) as never}`,
  'that is denied': (tx) => tx.query`commit`,
  'through the client': (tx) => sql(tx).exec('insert into single values (1)'),
  'that the client prepares': (tx) => sql(tx).prepare('selct 1'),
  'that the client has prepared': (tx) => sql(tx).prepare('insert into single values (?)').run(1),
}
for (const [what, statement] of Object.entries(failing)) {
  test(`a statement ${what} fails its function though it caught the error and returned, and no other`, async (t) => {
    let first: unknown
    const error = await tenWithOneGuilty(t, async (tx) => {
      try {
        await statement(tx)
      } catch (caught) {
        first = caught
      }
    })
    assert.equal(error.code, 'millrace/statement-failed')
    assert.match(
      error.message,
      /^the commit function fails, whatever it returned, because one of its statements failed: /,
    )
    assert(error.message.endsWith((first as Error).message))
    assert.equal(error.cause?.message, (first as Error).message)
  })

  test(`after a statement ${what} the next ones are refused, each with the first error`, async (t) => {
    const refused: string[] = []
    const error = await tenWithOneGuilty(t, async (tx) => {
      let first: unknown
      const tries = [statement, () => tx.query`select 1`, () => sql(tx).exec('select 1'), () => tx.attempt(() => {})]
      for (const attempt of tries) {
        try {
          await attempt(tx)
          refused.push('it went well')
        } catch (caught) {
          first ??= caught
          if (caught !== first) refused.push((caught as { code: string }).code)
          if (caught !== first) assert.equal((caught as Error).cause, first)
        }
      }
      await tx.query`select 1`
    })
    assert.deepEqual(
      refused,
      Array.from({ length: 3 }, () => 'millrace/statement-failed'),
    )
    assert.equal(error.code, 'millrace/statement-failed')
    assert.match(error.message, /^the commit function cannot run another statement, because one has failed: /)
  })
}

test('a failed statement that was not awaited fails its function, and is told once', async (t) => {
  const late: unknown[] = []
  const listener = (error: unknown) => late.push(error)
  process.on('unhandledRejection', listener)
  t.after(() => process.off('unhandledRejection', listener))
  const error = await tenWithOneGuilty(t, (tx) => void tx.query`insert into single values (1)`)
  assert.equal(error.code, 'millrace/statement-failed')
  assert.deepEqual(late, [])
})

test('a function that throws after a failed statement fails with its own error, a refusal too', async (t) => {
  const error = await tenWithOneGuilty(t, async (tx) => {
    await tx.query`insert into single values (1)`.catch(() => {})
    throw new Refused('there is one')
  })
  assert.equal(error.code, 'refused')
  assert.equal(error.message, 'there is one')
})

test('a function that goes over many rows and catches each error fails by the first of them', async (t) => {
  const error = await tenWithOneGuilty(t, async (tx) => {
    for (let n = 1; n < 3_000; n++) await tx.query`insert into single values (${n})`.catch(() => {})
  })
  assert.equal(error.code, 'millrace/statement-failed')
  assert.match(error.message, /UNIQUE constraint failed: single\.a$/)
})

test('a commit function of 100,000 statements is allowed, one more is refused', async (t) => {
  const { app } = await start(t, async (n, tx) => {
    // The function itself has made one before.
    for (let made = 1; made < 100_000 + n; made++) await tx.query`select 1`
  })
  await app.publish(Did, { n: 0 })
  await app.publish(Did, { n: 1 })
  await app.idle()
  assert.deepEqual(await app.read`select n from rows`, [{ n: 0 }])
  const [held] = await app.desk.list()
  assert.equal(held?.error?.code, 'millrace/too-many-queries')
})

test('tx is refused once its function has ended', async (t) => {
  let kept: Tx | undefined
  const { app } = await start(t, (_, tx) => {
    kept = tx
  })
  await app.publish(Did, { n: 1 })
  await app.idle()
  await assert.rejects(async () => kept!.query`insert into rows values (2)`, { code: 'millrace/tx-closed' })
  assert.throws(() => sql(kept!).exec('insert into rows values (2)'), { code: 'millrace/tx-closed' })
})

test('values that cannot be bound are refused, each by its kind', async (t) => {
  const { app } = await start(t, () => {})
  const bad: unknown[] = [
    new Date(0),
    { a: 1 },
    undefined,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    [1],
    Symbol('s'),
    () => {},
  ]
  for (const value of bad) {
    await assert.rejects(
      app.transaction((tx) => tx.query`insert into rows values (${value as never})`),
      { code: 'millrace/bad-value' },
      String(value),
    )
  }
  const [row] = await app.transaction(
    (tx) =>
      tx.query`select ${true} as yes, ${null} as none, ${12n} as big, ${'a'} as text, ${new Uint8Array([1])} as bytes`,
  )
  assert.deepEqual(row, { yes: 1, none: null, big: 12, text: 'a', bytes: new Uint8Array([1]) })
})

async function heldCode(
  t: { after(fn: () => unknown): void },
  handle: (context: {
    commit(fn: () => void): unknown
    publish(type: typeof Done, data: { n: number }): void
  }) => unknown,
): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-commit-'))
  const doer = processor('doer', {
    on: Deeds,
    publishes: [Done],
    retry: { attempts: 1 },
    handle: { did: (_, context) => handle(context as never) as never },
  })
  const made: App = app({
    name: 'deeds',
    broker: sqlite({ file: join(folder, 'app.db') }),
    log: () => {},
    parts: [Deeds, Results, doer],
  })
  await made.start()
  t.after(async () => {
    await made.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  await made.publish(Did, { n: 1 })
  await made.idle()
  const [held] = await made.desk.list()
  return held?.error?.code
}

test('commit is called once and its return value returned; other results of a topic handler are refused', async (t) => {
  const twice = await heldCode(t, ({ commit }) => {
    commit(() => {})
    return commit(() => {})
  })
  assert.equal(twice, 'millrace/commit-twice')
  assert.equal(await heldCode(t, async ({ commit }) => void commit(() => {})), 'millrace/commit-not-returned')
  assert.equal(await heldCode(t, () => 42), 'millrace/returned-value')
})

test('an app transaction keeps rows and events together, gives its value, and takes all back when it throws', async (t) => {
  const { app } = await start(t, () => {})
  const write = (n: number) => async (tx: AppTx) => {
    await tx.query`insert into single values (${n})`
    tx.publish(Done, { n })
    if (n === 13) throw new Error('unlucky')
    return n * 2
  }
  assert.equal(await app.transaction(write(7)), 14)
  await assert.rejects(app.transaction(write(13)), /unlucky/)
  await assert.rejects(app.transaction(write(7)), /UNIQUE/)
  assert.deepEqual(await app.read`select a from single order by a`, [{ a: 1 }, { a: 7 }])
  assert.deepEqual(await app.read`select data from millrace_log_2`, [{ data: '{"n":7}' }])
})
