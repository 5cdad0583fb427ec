import assert from 'node:assert/strict'
import test from 'node:test'
import { Checkpoints } from './checkpoints.ts'

/** Checkpoints whose passes end when the test says so. */
function controlled(bytesMax: number) {
  const passes: PromiseWithResolvers<unknown>[] = []
  const told: string[] = []
  const checkpoints = new Checkpoints(bytesMax, {
    checkpoint: () => {
      const pass = Promise.withResolvers<unknown>()
      passes.push(pass)
      return pass.promise
    },
    begins: () => {
      told.push('begins')
      return () => void told.push('ended')
    },
    failed: (error) => void told.push(`failed: ${(error as Error).message}`),
  })
  return { checkpoints, passes, told }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a checkpoint begins when enough was written, and commits wait for its second pass only', async () => {
  const { checkpoints, passes, told } = controlled(100)
  checkpoints.wrote(99)
  checkpoints.beginWhenDue()
  assert.deepEqual([passes.length, told], [0, []])
  checkpoints.wrote(1)
  checkpoints.beginWhenDue()
  checkpoints.wrote(500)
  checkpoints.beginWhenDue()
  assert.deepEqual([passes.length, checkpoints.gate, told], [1, undefined, ['begins']])
  passes[0]!.resolve(false)
  await turn()
  assert.equal(passes.length, 2)
  assert.notEqual(checkpoints.gate, undefined)
  passes[1]!.resolve(true)
  await checkpoints.ended
  assert.deepEqual([checkpoints.gate, told], [undefined, ['begins', 'ended']])
  checkpoints.beginWhenDue()
  assert.equal(told.length, 3, 'what was written beside it counts for the next')
})

test('a checkpoint that fails is told, and holds up no commit', async () => {
  const { checkpoints, passes, told } = controlled(1)
  checkpoints.wrote(1)
  checkpoints.beginWhenDue()
  passes[0]!.resolve(false)
  await turn()
  const { gate } = checkpoints
  passes[1]!.reject(new Error('the disk is gone'))
  await gate
  await checkpoints.ended
  assert.deepEqual(told, ['begins', 'failed: the disk is gone', 'ended'])
  assert.equal(checkpoints.gate, undefined)
})
