import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import { Arrivals } from './arrivals.ts'

const message = (id: string) => ({ id }) as Stored

test('the listener is told once of all that was committed, in order, and of nothing that was rolled back', () => {
  const arrivals = new Arrivals()
  const told: (readonly number[])[] = []
  arrivals.listen((_, positions) => void told.push(positions))
  arrivals.add(message('a'), 1)
  arrivals.add(message('b'), 2)
  arrivals.commit()
  arrivals.add(message('never'), 3)
  arrivals.rollback()
  arrivals.add(message('c'), 3)
  arrivals.commit()
  const tell = arrivals.take()
  assert.deepEqual(told, [])
  tell()
  arrivals.take()()
  assert.deepEqual(told, [[1, 2, 3]])
})

test('a message committed after it was taken is for the next time', () => {
  const arrivals = new Arrivals()
  const told: (readonly number[])[] = []
  arrivals.listen((_, positions) => void told.push(positions))
  arrivals.add(message('a'), 1)
  arrivals.commit()
  const first = arrivals.take()
  arrivals.add(message('b'), 2)
  arrivals.commit()
  first()
  arrivals.take()()
  assert.deepEqual(told, [[1], [2]])
})
