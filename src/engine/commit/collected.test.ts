import assert from 'node:assert/strict'
import test from 'node:test'
import type { Stored } from '../../model/codec.ts'
import { Collected } from './collected.ts'

const message = (id: string, ownId = true) => ({ type: 'a', id, ownId, attributes: null }) as Stored
const idsOf = (messages: readonly Stored[]) => messages.map(({ id }) => id)

test('a cancel drops what was collected before it, and not what comes after it', () => {
  const collected = new Collected()
  collected.add(message('x'))
  collected.add(message('y'))
  collected.cancel({ type: 'a', id: 'x' })
  collected.add(message('x'))
  assert.deepEqual(idsOf(collected.messages), ['y', 'x'])
})

test('all that was collected since a savepoint can be dropped', () => {
  const collected = new Collected()
  collected.add(message('x', false))
  const drop = collected.savepoint()
  collected.add(message('y'))
  collected.cancel({ type: 'a', id: 'z' })
  assert(collected.claims)
  drop()
  assert.deepEqual([idsOf(collected.messages), collected.cancels.length, collected.claims], [['x'], 0, false])
})

test('the requests among what is taken back are returned', async () => {
  const collected = new Collected()
  for (const id of ['delayed', 'request', 'gone']) collected.cancel({ type: 'a', id })
  const takeBack = async (_: string, id: string) => (id === 'gone' ? undefined : (id as 'delayed' | 'request'))
  assert.deepEqual(await collected.takeBack({ takeBack } as never), [{ type: 'a', id: 'request' }])
})
