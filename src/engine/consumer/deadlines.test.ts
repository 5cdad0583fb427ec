import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import { Deadlines } from './deadlines.ts'

function deadlines() {
  const of = (name: string, deadlineMs?: number) => [name, { type: { kind: 'command', name, deadlineMs } }] as const
  const done = new Set<number>()
  const clock = { now: 0 }
  const handlers = new Map([of('pay', 100), of('mail')]) as never
  const all = new Deadlines({ handlers }, { now: () => clock.now, isDone: (position) => done.has(position) })
  const command = (type: string, position: number) => ({ type, position, time: 0 }) as Stored
  return { all, done, clock, command }
}

test('a command is late after its deadline; a type without one is never late', () => {
  const { all, clock, command } = deadlines()
  clock.now = 100
  all.check(command('pay', 1))
  clock.now = 101
  assert.throws(() => all.check(command('pay', 1)), { code: 'millrace/deadline-passed' })
  all.check(command('mail', 2))
})

test('commands that are late and not done are counted; done ones are forgotten', () => {
  const { all, done, clock, command } = deadlines()
  for (let position = 1; position <= 3; position++) all.note(command('pay', position))
  assert.equal(all.overdue, 0)
  clock.now = 200
  done.add(1)
  assert.equal(all.overdue, 2)
  done.clear()
  assert.equal(all.overdue, 2)
})
