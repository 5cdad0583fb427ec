import assert from 'node:assert/strict'
import test from 'node:test'
import { fault } from '../model/errors.ts'
import { healthOf } from './health.ts'

const well = { store: [], services: [{}, { health: () => [] }], trouble: undefined, status: 'running', isRunning: true }

test('a run is green while there is no reason against it', () => {
  assert.deepEqual(healthOf(well), { status: 'green', reasons: [] })
})

test('each reason of the store, of a service, of the last commit and of the status makes it red', () => {
  const services = [{ health: () => ['a schedule waits'] }, {}]
  const trouble = fault('millrace/disk-full', 'no room')
  assert.deepEqual(healthOf({ store: ['the -wal grows'], services, trouble, status: 'stopping', isRunning: false }), {
    status: 'red',
    reasons: ['the -wal grows', 'a schedule waits', 'no room', 'the app is stopping'],
  })
})

test('a lock is told by the store alone', () => {
  assert.equal(healthOf({ ...well, trouble: fault('millrace/locked', 'somebody writes') }).status, 'green')
})
