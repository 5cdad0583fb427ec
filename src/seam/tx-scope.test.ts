import assert from 'node:assert/strict'
import test from 'node:test'
import { coded } from '../../test/support.ts'
import { TxScope } from './tx-scope.ts'

const scope = (queriesMax = 100) => new TxScope({ label: 'the function', queriesMax })

/** A store that says what is done with savepoints; the `tx` of an attempt is its scope. */
function host(done: string[], rollBack: () => unknown = () => {}) {
  let savepoints = 0
  return {
    savepoint() {
      const n = ++savepoints
      done.push(`begin ${n}`)
      return {
        release: () => void done.push(`release ${n}`),
        rollBack: () => {
          done.push(`roll back ${n}`)
          return rollBack()
        },
      }
    },
    txOf: (inner: TxScope) => inner,
  }
}

test('a scope lets statements through until one fails; its end tells of the first that did', () => {
  const fine = scope()
  fine.enter()
  fine.enter()
  assert.equal(fine.returned(), undefined)
  assert.equal(fine.calls, 2)
  assert(fine.ended)

  const failed = scope()
  failed.enter()
  const first = failed.fail(new Error('the first'))
  failed.fail(new Error('the second'))
  const names = (error: unknown) =>
    coded('millrace/statement-failed', /the first$/)(error) && (error as Error).cause === first
  assert.throws(() => failed.enter(), names)
  assert.throws(() => failed.returned(), names)
  assert(!failed.ended)
  failed.close()
  assert.throws(() => failed.enter(), coded('millrace/tx-closed', /^tx was used after the function had ended$/))
})

test('one statement more than allowed fails the scope, and refused ones do not count beyond', () => {
  const two = scope(2)
  two.enter()
  two.enter()
  assert.throws(() => two.enter(), coded('millrace/too-many-queries', /^the function made more than 2 statements$/))
  assert.throws(() => two.enter(), coded('millrace/statement-failed'))
  assert.equal(two.calls, 2)
})

test('an attempt that fails is rolled back, one that goes well is released, each in its own savepoint', async () => {
  const done: string[] = []
  const outer = scope()
  const at = host(done)
  assert.equal(await outer.attempt(() => 'the value', at), 'the value')
  await assert.rejects(
    outer.attempt(async (inner) => {
      await inner.attempt(() => {}, at)
      throw new Error('no')
    }, at),
    /no/,
  )
  outer.enter()
  outer.returned()
  assert.deepEqual(done, ['begin 1', 'release 1', 'begin 2', 'begin 3', 'release 3', 'roll back 2'])
  assert.equal(outer.calls, 4)
})

test('an attempt whose function has ended without it touches no savepoint', async () => {
  const done: string[] = []
  const outer = scope()
  const open = Promise.withResolvers<void>()
  const late = outer.attempt(() => open.promise, host(done))
  assert.throws(() => outer.returned(), coded('millrace/attempt-open', /^the function ended while an attempt/))
  outer.close()
  open.resolve()
  await assert.rejects(late, coded('millrace/tx-closed', /^tx was used after an attempt of the function had ended$/))
  assert.deepEqual(done, ['begin 1'])
})

test('an attempt that cannot be rolled back fails the function around it', async () => {
  const outer = scope()
  const broken = host([], () => Promise.reject(new Error('the connection is gone')))
  await assert.rejects(
    outer.attempt(() => {
      throw new Error('no')
    }, broken),
    /the connection is gone/,
  )
  assert.throws(() => outer.returned(), coded('millrace/statement-failed', /the connection is gone$/))
})

test('the end waits for answers that are still to come', async () => {
  const outer = scope()
  const [one, two] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()]
  const first = outer.later(() => one.promise)
  void outer.later(() => two.promise)
  const returned = outer.returned()
  one.resolve(1)
  assert.equal(await first, 1)
  two.reject(new Error('the second answer'))
  await assert.rejects(returned!, coded('millrace/statement-failed', /the second answer$/))
})
