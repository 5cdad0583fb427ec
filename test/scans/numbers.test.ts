// Numbers of journal entries and of mail rise as long as the file lives.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { app, event, mediator, sqlite, topic } from 'millrace'
import { simulation } from 'millrace/testing'
import { z } from 'zod'
import { Numbers } from '../../src/adapters/sqlite/numbers.ts'
import { migrate } from '../../src/adapters/sqlite/schema.ts'

const named = z.object({ id: z.string() })
const Began = event('began', { schema: named, context: ({ id }) => id })
const Signal = event('signal', { schema: named, context: ({ id }) => id })
const Things = topic('things', [Began, Signal])

test('mail that comes after its box was emptied, and after a restart, is had', async () => {
  const had: string[] = []
  const make = () => {
    const m = mediator('m', {
      on: Things,
      startedBy: Began,
      waits: [Signal],
      run: async (_, flow) => {
        for (const name of ['first', 'second']) {
          await flow.wait(name, Signal)
          had.push(name)
        }
      },
    })
    return app({ name: 'numbers', broker: sqlite({ file: 'numbers.db' }), parts: [Things, m], mailboxMs: 1_000 })
  }
  await using simulated = simulation({ app: make })
  await simulated.publish(Began, { id: 'x' })
  for (let n = 0; n < 3; n++) await simulated.publish(Signal, { id: n === 0 ? 'x' : 'other' })
  await simulated.untilIdle()
  const left = () => simulated.query<{ n: number }>`select n from millrace_mail`
  while ((await left()).length > 0) await simulated.advance(60_000)
  await simulated.restart()
  await simulated.publish(Signal, { id: 'x' })
  await simulated.untilIdle()
  assert.equal(had.at(-1), 'second')
})

test('numbers continue after a restart, and after a transaction that was rolled back', () => {
  const db = new DatabaseSync(':memory:')
  migrate(db, 'memory')
  const numbers = new Numbers(db, 'entries')
  db.exec('begin')
  numbers.use(1)
  db.exec('rollback')
  numbers.rollback()
  assert.equal(numbers.highest, 0)
  numbers.use(2)
  assert(numbers.highest >= 2)
  assert.equal(new Numbers(db, 'entries').highest, numbers.highest)
})

test('a file of an earlier format continues after the highest numbers that it shows', () => {
  const db = new DatabaseSync(':memory:')
  migrate(db, 'memory', 9)
  db.exec(`insert into millrace_journal values (1, 7, null, 'wait', 'a', 'signal', null, 0);
    insert into millrace_journal values (1, 8, 7, 'wait', 'a', 'signal', '{"ok":true,"value":{"mail":40}}', 0);
    insert into millrace_mail values (5, 'm', 'x', 'signal', '{}', 0)`)
  migrate(db, 'memory')
  assert(new Numbers(db, 'entries').highest >= 8)
  assert(new Numbers(db, 'mails').highest >= 40)
})
