import assert from 'node:assert/strict'
import test from 'node:test'
import { Claims } from './claims.ts'

/** Claims of values that no flow has, but for those given; a wait ends when the test says so. */
function claims(...had: string[]) {
  const waits: (() => void)[] = []
  const world = {
    after: (_ms: number, then: () => void) => {
      waits.push(then)
      return { cancel: () => {} }
    },
  }
  const all = new Claims(world, { hasOnce: async (_mediator, once) => had.includes(once) })
  return { all, had, waits }
}

const turn = () => new Promise(setImmediate)

test('a value that a flow has is not claimed', async () => {
  const { all } = claims('o-1')
  assert.equal(await all.take('sale', 'o-1', { state: 'running' }), undefined)
  assert.notEqual(await all.take('sale', 'o-2', { state: 'running' }), undefined)
})

test('a second attempt waits for the first, and gets the value only where that came to nothing', async () => {
  for (const started of [true, false]) {
    const { all, had } = claims()
    const release = await all.take('sale', 'o-1', { state: 'running' })
    const second = all.take('sale', 'o-1', { state: 'running' })
    await turn()
    if (started) had.push('o-1')
    release!()
    assert.equal((await second) === undefined, started)
  }
})

test('an attempt that starts two flows of one value starts one', async () => {
  const { all } = claims()
  const attempt = { state: 'running' }
  assert.notEqual(await all.take('sale', 'o-1', attempt), undefined)
  assert.equal(await all.take('sale', 'o-1', attempt), undefined)
})

test('a value of an attempt that has expired is free', async () => {
  const { all } = claims()
  await all.take('sale', 'o-1', { state: 'expired' })
  assert.notEqual(await all.take('sale', 'o-1', { state: 'running' }), undefined)
})
