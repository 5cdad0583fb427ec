import assert from 'node:assert/strict'
import test from 'node:test'
import { Idle } from './idle.ts'

/** How a promise stands now: `undefined` while it is pending. */
async function now<T>(promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([promise, Promise.resolve(undefined)])
}

test('a caller waits until nothing is left to do', async () => {
  let left = 2
  const idle = new Idle(() => left === 0)
  const waits = [idle.wait(), idle.wait()]
  left--
  idle.look()
  assert.equal(await now(waits[0]!), undefined)
  left--
  idle.look()
  assert.deepEqual(await Promise.all(waits), [true, true])
})

test('a caller that comes when nothing is left does not wait', async () => {
  assert.equal(await new Idle(() => true).wait(), true)
})

test('the end of the run tells all who wait, and all who come later, that it was not idle', async () => {
  const idle = new Idle(() => false)
  const before = idle.wait()
  idle.end()
  assert.deepEqual([await before, await idle.wait()], [false, false])
})

test('nothing is looked at while nothing waits for idle', () => {
  let looks = 0
  const idle = new Idle(() => ++looks > 0)
  idle.look()
  assert.equal(looks, 0)
})
