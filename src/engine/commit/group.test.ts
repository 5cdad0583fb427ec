import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import { fault } from '../../model/errors.ts'
import type { Accepted } from '../../model/publish.ts'
import type { CommitFunction, Written } from '../../seam/commit.ts'
import { Group } from './group.ts'
import type { Handled } from './handled.ts'
import { Publish, type Transaction, Writes } from './writes.ts'

const nothing = () => {}
const message = (id: string) => ({ id, type: 'a', position: 0 }) as Stored
const answer = (...appended: Written['appended']): Written => ({
  appended,
  timed: [],
  flows: { ended: [], nextDue: undefined },
  heads: [],
})

/** A processor that notes what is asked of its progress. */
function processor() {
  const asked: string[] = []
  const progress = {
    save: () => void asked.push('save'),
    restore: () => void asked.push('restore'),
    done: (position: number) => void asked.push(`done ${position}`),
    row: () => ({}) as never,
  }
  return { asked, spec: { runsAhead: false }, progress, pull: nothing }
}

const writesOf = (some: Partial<Writes>): Writes => Object.assign(new Writes(), some)

test('each publisher is told what has become of its own message, and messages get their positions', async () => {
  const told: Promise<Accepted>[] = []
  const publishes = ['new', 'same', 'other', 'next'].map((id) => {
    const { promise, resolve, reject } = Promise.withResolvers<Accepted>()
    told.push(promise)
    return new Publish(message(id), resolve, reject)
  })
  const group = new Group(writesOf({ publishes }))
  group.changes([], 'all')
  group.decided([answer(7, 'same', 'other', 8)])
  assert.deepEqual(
    group.appended.map(({ id, position }) => [id, position]),
    [
      ['new', 7],
      ['next', 8],
    ],
  )
  group.tellWritten()
  const results = await Promise.allSettled(told)
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code)),
    [{ id: 'new' }, { id: 'same', duplicate: true }, 'millrace/id-conflict', { id: 'next' }],
  )
})

test('a transaction that is rolled back gives the progress back, and the next one makes the same changes', () => {
  const one = processor()
  const jobs = [{ consumer: one, position: 3, outgoing: [message('a')] }]
  const group = new Group(writesOf({ jobs }))
  group.changes([], 'all')
  group.rolledBack()
  const { append, progress } = group.changes([], 'all')
  assert.deepEqual(one.asked, ['save', 'done 3', 'restore', 'save', 'done 3'])
  assert.deepEqual([append.length, progress.length], [1, 1])
  group.decided([answer(1)])
  assert.equal(group.appended.length, 1)
})

test('a function without an outcome is written again; only a caller is told of trouble', () => {
  const refused: unknown[] = []
  const transaction = (outcome: CommitFunction['outcome']): Transaction => {
    const told = { resolve: nothing, reject: (error: unknown) => void refused.push(error) }
    return { label: 'x', run: nothing, outgoing: [], withdrawn: [], outcome, ...told }
  }
  const attempt = { processor: processor(), outcome: undefined } as unknown as Handled
  const trouble = fault('millrace/disk-full', 'no room')
  const failed = new Error('failed')
  const functions = [transaction({ ok: false, error: failed }), transaction(undefined), attempt]
  const group = new Group(writesOf({ functions }))
  group.changes([], 'all')
  group.decided([answer()])
  assert.deepEqual(group.settle('written', trouble).back, [attempt])
  assert.deepEqual(refused, [failed, trouble])
  const again = new Group(writesOf({ functions: [transaction(undefined), attempt] }))
  again.changes([], 'all')
  again.decided([answer()])
  assert.equal(again.settle('written', undefined).back.length, 2)
})

test('ids that functions give are claimed by their place among the messages', () => {
  const outgoing = [message('a'), { ...message('b'), ownId: true }]
  const fn = { outcome: { ok: true, value: 1 }, outgoing, withdrawn: [] } as unknown as Transaction
  const group = new Group(writesOf({ jobs: [{ outgoing: [message('first')] }], functions: [fn] }))
  const { append, claims } = group.changes([fn], 'all')
  assert.deepEqual(
    append.map(({ id }) => id),
    ['first', 'a', 'b'],
  )
  assert.deepEqual(claims, [2])
})

test('each job is told which messages its own changes made heads of lanes', () => {
  const told: (readonly number[])[] = []
  const job = (changes: number) => ({
    changes: Array.from({ length: changes }, (_, item) => ({ do: 'granted', item }) as const),
    written: (heads: readonly number[]) => void told.push(heads),
  })
  const group = new Group(writesOf({ jobs: [job(2), job(0), job(1)] }))
  group.changes([], 'all')
  group.decided([{ ...answer(), heads: [0, 4, 5] }])
  group.tellWritten()
  assert.deepEqual(told, [[0, 4], [], [5]])
})
