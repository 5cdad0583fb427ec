import assert from 'node:assert/strict'
import test from 'node:test'
import { KeyedMutex } from './keyed-mutex.ts'

/** Work that ends when the test says so. */
function work(log: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const act = () => {
    log.push(`${name} begins`)
    return promise.finally(() => log.push(`${name} ends`))
  }
  return { act, end: () => resolve(name), fail: () => reject(new Error(name)) }
}

test('work on one key runs one after the other, also after work that failed; other keys do not wait', async () => {
  const mutex = new KeyedMutex<number>()
  const log: string[] = []
  const [a, b, c] = [work(log, 'a'), work(log, 'b'), work(log, 'c')]
  const first = mutex.take(1, a.act)
  const second = mutex.take(1, b.act)
  const other = mutex.take(2, c.act)
  assert.deepEqual(log, ['a begins', 'c begins'])
  a.fail()
  await assert.rejects(first, /^Error: a$/)
  b.end()
  c.end()
  assert.deepEqual([await second, await other], ['b', 'c'])
  assert.deepEqual(
    log.filter((line) => !line.startsWith('c')),
    ['a begins', 'a ends', 'b begins', 'b ends'],
  )
})

test('the end of work on a key can be awaited; without work there is nothing to await', async () => {
  const mutex = new KeyedMutex<string>()
  assert.equal(mutex.over('x'), undefined)
  const one = work([], 'one')
  const done = mutex.take('x', one.act)
  const over = mutex.over('x')
  one.end()
  await over
  assert.equal(mutex.over('x'), undefined)
  assert.equal(await done, 'one')
})
