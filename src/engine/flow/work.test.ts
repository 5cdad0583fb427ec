import assert from 'node:assert/strict'
import test from 'node:test'
import { Work } from './work.ts'

function noted() {
  const logged: string[] = []
  let looks = 0
  const work = new Work({ log: (_level, text) => void logged.push(text) }, () => void looks++)
  return { work, logged, looks: () => looks }
}

test('it is idle when all that is done has ended, and says so each time something ends', async () => {
  const { work, looks } = noted()
  const { promise, resolve } = Promise.withResolvers<number>()
  const done = work.during(() => promise)
  assert.deepEqual([work.isIdle, looks()], [false, 0])
  resolve(7)
  assert.equal(await done, 7)
  assert.deepEqual([work.isIdle, looks()], [true, 1])
})

test('an error is logged while the run is open, and not after its end', async () => {
  const { work, logged } = noted()
  const fails = async () => {
    throw new Error('the disk')
  }
  assert.equal(await work.during(fails), undefined)
  assert.deepEqual(logged, ['a flow cannot continue'])
  work.end()
  await work.during(fails)
  assert.equal(logged.length, 1)
  await assert.rejects(work.counted(fails), /the disk/)
})
