import assert from 'node:assert/strict'
import test from 'node:test'
import { coded } from '../../test/support.ts'
import type { Stored } from '../model/codec.ts'
import type { World } from '../seam/world.ts'
import { Tails } from './tails.ts'

const message = { id: 'a' } as Stored

function tailsWith(log: string[]): Tails {
  const world = {
    callback: (_owner: unknown, fn: () => unknown) => fn(),
    log: (_: string, text: string) => log.push(text),
  }
  return new Tails('shop', world as unknown as World)
}

test('each function is told of each message until it is ended', () => {
  const seen: string[] = []
  const tails = tailsWith([])
  const end = tails.add(({ id }) => seen.push(`one ${id}`))
  tails.add(({ id }) => seen.push(`two ${id}`))
  tails.tell(message)
  end()
  tails.tell(message)
  assert.deepEqual(seen, ['one a', 'two a', 'two a'])
})

test('a function that throws is logged once and takes nothing from the others', () => {
  const [log, seen]: [string[], string[]] = [[], []]
  const tails = tailsWith(log)
  tails.add(() => {
    throw new Error('broken')
  })
  tails.add(({ id }) => seen.push(id))
  tails.tell(message)
  tails.tell(message)
  assert.deepEqual(seen, ['a', 'a'])
  assert.equal(log.length, 1)
  assert.match(log[0]!, /^a function given to tail of app "shop" has failed/)
})

test('a tail without a function is refused', () => {
  assert.throws(() => tailsWith([]).add('log' as never), coded('millrace/bad-option', /tail takes a function/))
})
