import assert from 'node:assert/strict'
import test from 'node:test'
import { Condition } from './condition.ts'

const limits = { walBytesMax: 100, diskFreeMinBytes: 10 }

/** The condition of a store that is well but for what a test changes. */
function well() {
  const logged: string[] = []
  const state = { misplaced: undefined as string | undefined, walBytes: 0 as number | undefined, free: 50 }
  const disk = {
    freeBytes: 50,
    measure() {
      disk.freeBytes = state.free
      return state.free
    },
  }
  const condition = new Condition('a.db', limits, (_, text) => void logged.push(text), {
    misplaced: () => state.misplaced,
    walBytes: () => state.walBytes,
    disk,
    locked: () => undefined,
  })
  return { condition, state, disk, logged }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a store that is well has no reason; files that were replaced are the only one', () => {
  const { condition, state } = well()
  assert.deepEqual(condition.health(), [])
  state.walBytes = 101
  assert.match(condition.health().join(), /^101 bytes of the -wal file are not in the database yet, more than 100$/)
  state.walBytes = undefined
  assert.equal(condition.health().length, 1, 'as last known, while it cannot be known')
  state.misplaced = 'a.db was removed or moved'
  assert.match(condition.health().join(), /^a\.db was removed or moved .*\(millrace\/files-replaced\)$/)
})

test('room is looked up again at each refusal', () => {
  const { condition, state, disk } = well()
  state.free = 9
  assert.equal(condition.room(), undefined, 'as last looked up')
  disk.freeBytes = 9
  assert.equal(condition.room()?.code, 'millrace/disk-low')
  assert.match(condition.health().join(), /the disk has 9 bytes free, less than 10/)
  state.free = 10
  assert.equal(condition.room(), undefined)
})

test('damage is unknown while it is looked for, then ten findings are named and the others counted', async () => {
  const { condition, logged } = well()
  const look = Promise.withResolvers<string[]>()
  condition.checking(look.promise, () => false)
  assert.match(condition.health().join(), /millrace\/checking/)
  look.resolve(Array.from({ length: 12 }, (_, n) => `finding ${n}`))
  await turn()
  const reasons = condition.health()
  assert.equal(reasons.length, 11)
  assert.match(reasons[10]!, /2 more findings/)
  assert.deepEqual(logged, ['the file is damaged'])
})

test('a look for damage that fails stays a reason, unless the store closes', async () => {
  const { condition } = well()
  condition.checking(Promise.reject(new Error('no')), () => false)
  await turn()
  assert.match(condition.health().join(), /could not be checked for damage/)
  const closing = well().condition
  closing.checking(Promise.reject(new Error('no')), () => true)
  await turn()
  assert.match(closing.health().join(), /is being checked/)
})

test('a store that may lack messages says so until a person accepts it', () => {
  const { condition, logged } = well()
  condition.foundIncomplete(0)
  assert.match(condition.health().join(), /millrace\/copy-without-wal/)
  assert.equal(condition.isIncomplete, true)
  assert.match(logged.join(), /a\.db /)
  condition.accepted()
  assert.deepEqual([condition.isIncomplete, condition.health().length], [false, 0])
})
