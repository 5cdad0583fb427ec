import assert from 'node:assert/strict'
import test from 'node:test'
import type { StoreFacts } from '../../index.ts'
import { judge, type See } from './doctor.ts'

const well: StoreFacts = {
  format: 1,
  formatKnown: 1,
  clean: true,
  incomplete: undefined,
  damage: [],
  measures: [],
  streams: [{ id: 1, kind: 'topic', name: 'orders', head: 20, first: 5 }],
  progress: [{ processor: 'stock', stream: 1, epoch: 1, low: 10, done: new Uint8Array([0b10]) }],
  held: 0,
  waiting: 0,
  flows: [],
  questions: 0,
  delayed: 0,
  flowTimes: 0,
}

const see: See = (name, more = '') => `${name} ${more}`.trim()

/** What is not ok of facts that differ. */
function found(facts: Partial<StoreFacts>, state: 'running' | 'stopped' = 'stopped'): string[] {
  const findings = judge('a.db', { ...well, ...facts }, { state }, see)
  return findings
    .filter(({ result }) => result !== 'ok')
    .map(({ check, result, text }) => `${result} ${check}: ${text}`)
}

const progress = (low: number, done: number[] | null = null, stream = 1) => ({
  progress: [{ processor: 'stock', stream, epoch: 1, low, done: done && new Uint8Array(done) }],
})

test('a sound file is ok', () => {
  assert.deepEqual(found({}), [])
  assert.deepEqual(found({ clean: false }, 'running'), [])
  assert.deepEqual(found(progress(20)), [])
  assert.deepEqual(found(progress(4)), [])
  assert.deepEqual(found({ streams: [{ id: 1, kind: 'topic', name: 'o', head: 0, first: 1 }], ...progress(0) }), [])
})

test('each thing that is not has its finding', () => {
  assert.match(found({ clean: false })[0]!, /^warn last stop: /)
  assert.deepEqual(found({ damage: ['t: broken'] }), ['fail integrity: t: broken'])
  assert.match(found({ held: 2, waiting: 5 })[0]!, /^warn desk: 2 messages held, 5 waiting behind/)
  const far = [{ id: 1, kind: 'topic' as const, name: 'orders', head: 100_000, first: 5 }]
  assert.deepEqual(found({ streams: far }), ['warn lag: stock is at 10 of 100000 of orders, 99990 behind'])
})

test('a measure has its bound: below the least or above the most it fails, near it it is a warning', () => {
  const disk = { name: 'disk', unit: 'bytes', noun: 'free', min: 100 } as const
  const of = (...values: number[]) => values.flatMap((value) => found({ measures: [{ ...disk, value }] }))
  assert.deepEqual(of(99, 199, 200), [
    'fail disk: 99 bytes free, at least 100 bytes',
    'warn disk: 199 bytes free, at least 100 bytes',
  ])
  const links = { name: 'connections', unit: 'count', noun: 'connections', max: 20 } as const
  const many = (...values: number[]) => values.flatMap((value) => found({ measures: [{ ...links, value }] }))
  assert.deepEqual(many(10, 11, 21), [
    'warn connections: 11 connections, at most 20',
    'fail connections: 21 connections, at most 20',
  ])
})

test('flows are counted, those that need a person are a warning; nothing is said where there is nothing', () => {
  const said = (facts: Partial<StoreFacts>) =>
    judge('a.db', { ...well, ...facts }, { state: 'running' }, see)
      .slice(judge('a.db', well, { state: 'running' }, see).length)
      .map(({ check, result, text }) => `${result} ${check}: ${text}`)
  const flows = [
    { mediator: 'returns', state: 'running', flows: 3 },
    { mediator: 'returns', state: 'stuck', flows: 1 },
    { mediator: 'travel', state: 'completed', flows: 7 },
  ] as const
  assert.deepEqual(said({ flows }), [
    'warn flows: returns: 3 running, 1 stuck; see flows list --state stuck',
    'ok flows: travel: 7 completed',
  ])
  assert.deepEqual(said({ questions: 2, delayed: 1, flowTimes: 4 }), [
    'ok questions: 2 open; see flows questions',
    'ok times: 1 delayed message and 4 times of flows to come',
  ])
})

test('progress fits the log, or not', () => {
  assert.deepEqual(found(progress(21)), ['fail progress: stock has done 21 of orders, which ends at 20'])
  assert.deepEqual(found(progress(18, [0b100])), ['fail progress: stock has done 21 of orders, which ends at 20'])
  assert.deepEqual(found(progress(3)), ['fail progress: stock needs orders from 4 on, which begins at 5'])
  assert.deepEqual(found(progress(3, null, 9)), ['fail progress: stock is on stream 9, which does not exist'])
})
