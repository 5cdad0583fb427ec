import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import type { DeskEntry } from '../../model/desk.ts'
import type { DeskHead } from '../../seam/desk.ts'
import { Delivery } from './delivery.ts'
import { DeskLane } from './desk-lanes.ts'
import { Recovery, type RecoveryHost } from './recovery.ts'
import type { RetryPolicy } from './retry.ts'

const head = (id: number, fields: Partial<DeskHead> = {}): DeskHead => ({
  id,
  state: 'trying',
  lane: `lane ${id}`,
  context: `lane ${id}`,
  place: id,
  dueAt: 0,
  kills: 0,
  ...fields,
})

function recovery(heads: readonly DeskHead[] = [], entries: Readonly<Record<number, Partial<DeskEntry>>> = {}) {
  const told: unknown[] = []
  const message = { id: 'm', position: 5, context: 'open' } as Stored
  const host = {
    spec: { name: 'p', retry: { maxDelayMs: 100 } as RetryPolicy },
    desk: {
      begin: (one) => new DeskLane(one.lane, one),
      found: (context) => void told.push('found', context),
    },
    lanes: {
      queue: ({ entry }) => void told.push('queue', entry?.id),
      moveToDesk: (delivery) => {
        told.push('moved', delivery.message.position)
        return new DeskLane('open', { id: 50, place: 50 })
      },
      wake: (lane, delayMs) => void told.push('wake', lane.headId, delayMs),
      isTaken: async () => false,
    },
    writes: {
      keep: (delivery, fields, more) => {
        more(delivery.entry!).written?.([0])
        return { ...delivery.entry!, ...fields }
      },
    },
    now: () => 1_000,
    after: () => {},
    isPaused: () => false,
    heads: async (take) => heads.forEach(take),
    contexts: async (take) => take('waits'),
    entry: async (id) => ({ id, message, kills: 0, tries: [], ...entries[id] }) as unknown as DeskEntry,
    messageAt: async () => message,
    isDone: (position) => position < 5,
    entered: () => void told.push('entered'),
    askRule: (item) => void told.push('rule', item),
    hold: (_, { code }) => void told.push('hold', code),
    ready: (lane) => void told.push('ready', lane.headId),
    pump: () => {},
  } as RecoveryHost
  return { recovery: new Recovery(host, { position: 5, item: 10 }), host, told }
}

test('a start takes up each message at the desk as it was: with its rule, its wait, its lane', async () => {
  const joins = head(4, { lane: null })
  const { recovery: all, told } = recovery([head(1, { state: 'deciding' }), head(2), head(3, { dueAt: 1_040 }), joins])
  await all.takeUp([])
  assert.deepEqual(told, ['rule', 1, 'ready', 2, 'wake', 3, 40, 'found', 'waits', 'queue', 4])
})

test('a wait longer than the policy of today is shortened to its longest', async () => {
  const { recovery: all, told } = recovery([head(3, { dueAt: 9_000 })])
  await all.takeUp([])
  assert.deepEqual(told.slice(0, 3), ['wake', 3, 100])
})

test('messages that ran when the process died twice run alone, one after the other', async () => {
  const { recovery: all, told } = recovery([head(2), head(3)], { 50: { id: 50, kills: 1 } })
  await all.takeUp([-2, 4, 5])
  assert.deepEqual(told, ['ready', 3, 'found', 'waits', 'entered', 'moved', 5])
  assert.equal(all.isWaiting, true)
  told.length = 0
  const done = all.run(2, 1_000)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(told, ['ready', 2])
  const alone = new Delivery({} as Stored, { id: 2, kills: 1, attempts: 0, tries: [] } as unknown as DeskEntry)
  assert.equal(all.needsMark(alone), false)
  all.survived(alone)
  assert.equal(alone.entry?.kills, 0)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(told, ['ready', 2, 'ready', 50])
  all.survived(new Delivery({} as Stored, { id: 50, attempts: 0, tries: [] } as unknown as DeskEntry))
  await done
  assert.equal(all.isWaiting, false)
})

test('a message that killed the process too often is held', async () => {
  const { recovery: all, told } = recovery([head(2, { kills: 2 })], { 2: { kills: 2, attempts: 0 } })
  await all.takeUp([])
  await all.run(2, 1_000)
  assert.deepEqual(told.slice(-2), ['hold', 'millrace/killed-the-process'])
})

test('starts up to where the last run was are marked, but for repeated attempts', () => {
  const { recovery: all } = recovery()
  const at = (position: number, attempts = 0) =>
    Object.assign(new Delivery({ position } as Stored, undefined), { attempts })
  assert.deepEqual([all.needsMark(at(5)), all.needsMark(at(6)), all.needsMark(at(5, 1))], [true, false, false])
})
