import assert from 'node:assert/strict'
import test from 'node:test'
import { Counters, SettledAt } from '../engine/consumer/counters.ts'
import { rowsOf } from './processors-surface.ts'

const counts = new Counters(new SettledAt()).values
const live = [
  { name: 'ledger', destination: 'orders', state: 'live', position: 7, lag: 0, running: 2, concurrency: 16, counts },
  {
    name: 'delivery',
    destination: 'payments',
    state: 'behind',
    position: 3,
    lag: 9,
    running: 0,
    concurrency: 2,
    counts,
  },
] as const
const wired = [
  { name: 'ledger', on: { name: 'orders' }, owner: 'team ledger' },
  { name: 'delivery', on: { name: 'payments' } },
  { name: 'labels', on: { name: 'orders' } },
]
const known = [
  { processor: 'labels', destination: 'orders', low: 4, lag: 3 },
  { processor: 'ledger', destination: 'orders', low: 7, lag: 0 },
  { processor: 'ledger', destination: 'old-orders', low: 2, lag: 1 },
]
const paused = { processor: 'ledger', by: 'ada', at: 5, reason: null } as never
const held = [
  { processor: 'ledger', destination: 'old-orders', held: 2 },
  { processor: 'delivery', destination: 'orders', held: 5 },
]
const concurrencies = [{ processor: 'ledger', most: 4 }]
const all = rowsOf({ held, paused: new Map([['ledger', paused]]), concurrencies, live, wired, known })

test('a processor that runs is listed once, as it runs', () => {
  const ledger = { name: 'ledger', on: 'orders', state: 'live', position: 7, lag: 0, running: 2, held: 0, paused }
  const delivery = { name: 'delivery', on: 'payments', state: 'behind', position: 3, lag: 9, running: 0, held: 0 }
  assert.deepEqual(all.slice(0, 2), [
    { ...ledger, concurrency: 16, concurrencySet: 4, owner: 'team ledger', counts },
    { ...delivery, paused: null, concurrency: 2, concurrencySet: null, owner: null, counts },
  ])
})

test('one that only the store knows is off where the app has it on that topic, and gone where it has not', () => {
  const labels = { name: 'labels', on: 'orders', state: 'off', position: 4, lag: 3, running: 0, held: 0, paused: null }
  const ledger = { name: 'ledger', on: 'old-orders', state: 'gone', position: 2, lag: 1, running: 0, held: 2, paused }
  assert.deepEqual(all.slice(2), [
    { ...labels, concurrency: null, concurrencySet: null, owner: null, counts: null },
    { ...ledger, concurrency: null, concurrencySet: 4, owner: 'team ledger', counts: null },
  ])
})
