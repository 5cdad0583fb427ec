import assert from 'node:assert/strict'
import test from 'node:test'
import { type Kept, Memory } from './memory.ts'

interface Run extends Kept {
  isFree: boolean
}

const run = (id: number, ended = false): Run => ({ id, status: { hasEnded: ended }, isFree: true })

/** Memory whose flows are made when the test says so. */
function memory(hotMax = 10) {
  const asked: number[] = []
  const waiting: ((made: Run | undefined) => void)[] = []
  const host = {
    isOpen: () => true,
    make: (id: number, _repeat: number | undefined, known: (made: Run) => void) => {
      asked.push(id)
      return new Promise<Run | undefined>((resolve) => {
        waiting.push((made) => {
          if (made !== undefined) {
            known(made)
            all.keep(made)
          }
          resolve(made)
        })
      })
    },
  }
  const all: Memory<Run> = new Memory(host, hotMax)
  const made = async (one: Run | undefined) => {
    waiting.shift()!(one)
    await new Promise(setImmediate)
  }
  return { all, asked, made }
}

test('a flow is made once, however many ask for it', async () => {
  const { all, asked, made } = memory()
  const both = Promise.all([all.load(1), all.load(1)])
  await made(run(1))
  assert.deepEqual([(await both).map((one) => one?.id), asked], [[1, 1], [1]])
  assert.equal((await all.load(1))?.id, 1)
  assert.deepEqual(asked, [1])
})

test('a flow that is not found is looked for once more after a request in between', async () => {
  const { all, asked, made } = memory()
  const first = all.load(1)
  const second = all.load(1)
  await made(undefined)
  await made(run(1))
  assert.deepEqual([(await first)?.id, (await second)?.id, asked], [1, 1, [1, 1]])
})

test('beyond the bound the oldest free flow leaves, and none that somebody is about to use', async () => {
  const { all, made } = memory(1)
  const first = run(1)
  all.keep(first)
  const use = all.use(2, ({ id }) => id)
  first.isFree = false
  await made(run(2))
  assert.equal(await use, 2)
  assert.deepEqual([all.has(1), all.has(2)], [true, true])
  first.isFree = true
  assert.equal(all.mayLeave(first), true)
  assert.deepEqual([all.has(1), all.has(2)], [false, true])
})

test('a flow is made when the change of its state has ended', async () => {
  const { all, asked, made } = memory()
  const { promise, resolve } = Promise.withResolvers<void>()
  const change = all.change(1, () => promise)
  const load = all.load(1)
  await new Promise(setImmediate)
  assert.deepEqual(asked, [])
  resolve()
  await change
  await new Promise(setImmediate)
  await made(run(1))
  assert.equal((await load)?.id, 1)
})

test('a flow that has ended is not kept, and a later use gets nothing', async () => {
  const { all, made } = memory()
  const use = all.use(1, () => 'used')
  await made(run(1, true))
  assert.equal(await use, undefined)
  assert.equal(all.has(1), false)
})
