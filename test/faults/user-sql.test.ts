// What SQL of users is denied, by every way in which it can come, with and without the error caught.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { sqlite, type Tx } from 'millrace'
import { assertSound, logOf, look, number } from './support/judge.ts'
import { place } from './support/place.ts'
import { type Doing, Task, tasks } from './support/tasks.ts'

const setup = (tx: Tx) => tx.query`create table if not exists mine (id integer, text text)`

const denied = [
  'commit',
  'end',
  'rollback',
  'begin',
  'begin immediate',
  'savepoint evil',
  'savepoint millrace',
  'release millrace',
  'rollback to millrace',
  "attach ':memory:' as evil",
  'detach main',
  'pragma user_version = 13',
  'pragma synchronous = off',
  'pragma journal_mode = delete',
  'pragma foreign_keys = off',
  'pragma writable_schema = on',
  "insert into millrace_meta values ('evil', 1)",
  'update millrace_progress set low = 0',
  'delete from millrace_log_1',
  'delete from Millrace_Log_1',
  'delete from main."millrace_log_1"',
  'drop table millrace_desk',
  'alter table millrace_desk rename to evil',
  'alter table millrace_desk add column evil',
  'alter table mine rename to millrace_evil',
  'create table millrace_evil (id)',
  'create view millrace_evil as select 1',
  'create index evil on millrace_desk (id)',
  'create trigger evil after insert on millrace_desk begin delete from mine; end',
  'create trigger evil before update on millrace_progress begin select raise(ignore); end',
  'create temp trigger evil after insert on main.millrace_log_1 begin delete from main.mine; end',
  'create temp table millrace_evil (id)',
  'reindex millrace_desk_lanes',
  'drop index millrace_desk_lanes',
]
const ways: Record<string, (tx: Tx, sql: string) => unknown> = {
  query: (tx, sql) => tx.query(Object.assign([sql], { raw: [sql] })),
  exec: (tx, sql) => sqlite.client(tx).exec(sql),
  'exec among others': (tx, sql) =>
    sqlite.client(tx).exec(`insert into mine values (7, 'guilty'); ${sql}; insert into mine values (8, 'guilty')`),
  prepare: (tx, sql) => sqlite.client(tx).prepare(sql).run(),
}

for (const [way, run] of Object.entries(ways)) {
  test(`user code is denied transactions, attaching, pragmas and the tables of Millrace through ${way}`, async (t) => {
    const file = join(place(t), 'commit.db')
    const doing: Record<string, Doing> = {}
    denied.forEach((sql, index) => {
      const denied = { code: 'millrace/denied' }
      const attempt =
        (then: (tx: Tx) => unknown): Doing =>
        (_task, { commit }) =>
          commit(async (tx) => {
            await tx.query`insert into mine values (${index}, 'guilty')`
            await then(tx)
          })
      doing[`${index} uncaught`] = attempt((tx) => run(tx, sql))
      doing[`${index} caught`] = attempt((tx) => assert.rejects(async () => run(tx, sql), denied, sql))
      doing[`${index} in an attempt`] = (_task, { commit }) =>
        commit(async (tx) => {
          await tx.query`insert into mine values (${index}, 'attempted')`
          await assert.rejects(
            tx.attempt((inner) => run(inner, sql)),
            denied,
            sql,
          )
          await tx.query`insert into mine values (${index}, 'attempted')`
        })
    })
    const shop = tasks({ broker: sqlite({ file }), doing, setup })
    await shop.start({ control: false })
    t.after(() => shop.stop({ graceMs: 0 }))
    const whats = [...Object.keys(doing), ...denied.map((_, index) => `innocent-${index}`)]
    await Promise.all(whats.map((what) => shop.publish(Task, { lane: what, what })))
    await shop.idle()
    const held = await shop.desk.list({ limit: 1_000 })
    const codeOf = (what: string) => (what.endsWith('uncaught') ? 'millrace/denied' : 'millrace/statement-failed')
    const wrong = held.filter(({ message, error }) => error?.code !== codeOf(message.context!))
    assert.deepEqual(
      wrong.map(({ message, error }) => [
        denied[Number.parseInt(message.context!, 10)],
        message.context,
        error?.message,
      ]),
      [],
    )
    assert.equal(held.length, denied.length * 2, 'who makes it outside of an attempt is held, caught or not')
    await shop.stop()
    look(file, (db) => {
      assertSound(db)
      assert.notEqual(number(db, 'pragma user_version'), 13)
      assert.equal(number(db, "select count(*) from sqlite_schema where name like '%evil%'"), 0)
      assert.equal(number(db, "select count(*) from mine where text = 'guilty'"), 0)
      const kept = number(db, "select count(*) from mine where text = 'attempted'")
      assert.equal(kept, denied.length * 2, 'what is before and after an attempt that failed stays')
      assert.equal(number(db, 'select count(*) from done'), denied.length, 'each innocent row once')
      assert.equal(logOf(db, 'tasks').length, whats.length)
    })
  })
}
