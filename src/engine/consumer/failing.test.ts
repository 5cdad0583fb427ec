import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { DeskEntry } from '../../model/desk.ts'
import { Refused } from '../../model/refused.ts'
import type { Job } from '../commit/writes.ts'
import { Delivery } from './delivery.ts'
import { dispositionOf, Failing, type FailingHost } from './failing.ts'
import type { RetryPolicy } from './retry.ts'

const policy: RetryPolicy = { attempts: 3, immediate: 1, firstDelayMs: 100, maxDelayMs: 1_000, factor: 2, jitter: 0 }
const error = new Error('no')

test('a failure is tried again at once, later, or held when its attempts are used up', () => {
  const of = (attempts: number) => dispositionOf({ error, attempts, policy, lingers: false })
  assert.deepEqual([of(1), of(2), of(3)], [{ do: 'again' }, { do: 'wait', delayMs: 100 }, { do: 'hold' }])
})

test('a message waits at the desk for a handler that has not ended, though its next attempt follows at once', () => {
  assert.deepEqual(dispositionOf({ error, attempts: 1, policy, lingers: true }), { do: 'wait', delayMs: 0 })
})

test('a refusal is final: its asker is told, or it is held; a failed probe uses up nothing', () => {
  const refusal = { message: 'no' } as never
  assert.deepEqual(dispositionOf({ error, refusal, attempts: 1, lingers: false }), { do: 'refuse', refusal })
  assert.deepEqual(dispositionOf({ error: new Refused('no'), attempts: 1, policy, lingers: false }), { do: 'hold' })
  assert.deepEqual(dispositionOf({ error, attempts: 9, lingers: false }), { do: 'again' })
})

function failing(spec: object = {}, known?: Partial<DeskEntry>) {
  const told: unknown[] = []
  const jobs: Job[] = []
  const host = {
    spec: { name: 'p', retry: policy, onHold: 'block', handlers: new Map(), probeAfter: 20, ...spec } as never,
    messageBytesMax: 1_000,
    counters: { failed: () => {}, refused: () => {} },
    world: {
      now: () => 10,
      elapsed: () => 0,
      random: () => 0,
      callback: (_: unknown, fn: () => unknown) => fn(),
      log() {},
    } as never,
    lanes: {
      again: () => void told.push('again'),
      wait: (_, { dueAt }) => told.push('wait', dueAt) as never,
      wake: (_, delayMs) => void told.push('wake', delayMs),
      moveToLine: (next, context) => void told.push('line', next?.message.id, context),
      advance: () => void told.push('advance'),
    },
    desk: { of: () => undefined, wait: (context) => void told.push('waits', context), forget: () => {} },
    writes: {
      keep: (_, fields, more) => {
        const entry = { id: 4, message, attempts: 1, failures: 0, ...known, ...fields } as DeskEntry
        jobs.push(more(entry))
        return entry
      },
      record: (_, action) => ({ do: 'record', audit: { action } }) as never,
      requestEnd: () => ({ do: 'end' }) as never,
    },
    finish: () => void told.push('finish'),
    outlives: () => void told.push('outlives'),
    whenGone: (_, then) => then(),
    survived: () => false,
    failed: () => [{ id: 'failed' } as Stored],
    askRule: (item) => void told.push('rule', item),
    notHandled: (item) => void told.push('not handled', item),
    held: ({ id }) => void told.push('held', id),
    pump: () => {},
    maybeIdle: () => {},
  } as Partial<FailingHost> as FailingHost
  const message = { id: 'm1', type: 'placed', context: 'a', decoded: undefined } as Stored
  const delivery = new Delivery(message, undefined)
  delivery.next = new Delivery({ ...message, id: 'm2' } as Stored, undefined)
  return { failing: new Failing(host), delivery, told, jobs }
}

test('each failed attempt is counted and remembered, and follows its disposition', () => {
  const { failing: all, delivery, told } = failing()
  all.failed(delivery, error)
  all.failed(delivery, error)
  assert.deepEqual(told, ['again', 'wait', 110, 'wake', 100])
  assert.deepEqual([delivery.attempts, delivery.tries.length], [2, 2])
})

test('a held message closes its lane, and the messages behind it join the line; the failure is told of', () => {
  const { failing: all, delivery, told, jobs } = failing()
  delivery.attempts = 2
  all.failed(delivery, error)
  assert.deepEqual(told, ['waits', 'a', 'line', 'm2', 'a'])
  assert.equal(delivery.next, undefined)
  assert.deepEqual(jobs[0]?.outgoing, [{ id: 'failed' }])
  assert.deepEqual(jobs[0]?.changes, [{ do: 'record', audit: { action: 'held' } }])
})

test('a held message is told of once that is durable, and so is the request that it belongs to', () => {
  const { failing: all, delivery, told, jobs } = failing()
  Object.assign(delivery.message, { asked: 'app' })
  all.unreadable(delivery, error)
  assert.deepEqual(jobs[0]?.requests, [{ do: 'held', id: 'm1', item: 4 }])
  assert(!told.includes('held'))
  jobs[0]!.written?.([0])
  assert.deepEqual(told.slice(-2), ['held', 4])
})

test('a lane that passes held messages advances when that is durable', () => {
  const { failing: all, delivery, told, jobs } = failing({ onHold: 'pass' })
  delivery.attempts = 2
  all.failed(delivery, error)
  assert.deepEqual(told, [])
  jobs[0]!.written?.([0])
  assert.deepEqual(told, ['held', 4, 'advance'])
})

test('a message with a rule waits for it, once that is durable', () => {
  const desk = { rules: new Map([['placed', () => {}]]) }
  const { failing: all, delivery, told, jobs } = failing({ desk })
  all.unreadable(delivery, error)
  jobs[0]!.written?.([0])
  assert.deepEqual(told.slice(-2), ['rule', 4])
  assert.deepEqual([jobs[0]?.requests, told.includes('held')], [[], false])
})

test('byError that fails is logged, and the other numbers hold', () => {
  const byError = () => {
    throw new Error('wrong')
  }
  const { failing: all, delivery, told } = failing({ retry: { ...policy, byError } })
  all.failed(delivery, error)
  assert.deepEqual(told, ['again'])
})
