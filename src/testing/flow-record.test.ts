import assert from 'node:assert/strict'
import test from 'node:test'
import type { JournalEntry, StepKind } from '../model/flow.ts'
import { command, event } from '../model/message.ts'
import { FlowRecord } from './flow-record.ts'

const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const
const Take = command('take', { schema, reply: schema })
const Done = event('done', { schema })
const entry = (kind: StepKind, step: string) => ({ kind, step }) as JournalEntry

test('messages are recorded by their way out, in order', () => {
  const record = new FlowRecord()
  record.add(entry('call', 'take'), Take, 1)
  record.add(entry('send', 'take#2'), Take, 2)
  record.add(entry('publish', 'done'), Done, 3)
  assert.deepEqual([record.called, record.sent, record.published], [[[Take, 1]], [[Take, 2]], [[Done, 3]]])
  assert.deepEqual(record.steps, ['take', 'take#2', 'done'])
})

test('a value is no step', () => {
  const record = new FlowRecord()
  assert.equal(record.add(entry('value', 'now'), undefined, undefined), false)
  assert.deepEqual(record.steps, [])
})

test('an undo counts once, however many steps it has', () => {
  const record = new FlowRecord()
  for (const step of ['undo take/back', 'undo take/tell', 'undo charge/refund']) {
    record.add(entry('call', step), Take, null)
  }
  assert.deepEqual(record.undone, ['take', 'charge'])
})
