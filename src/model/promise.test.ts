import assert from 'node:assert/strict'
import test from 'node:test'
import { isPromise, promiseOf } from './promise.ts'

const fail = (): never => {
  throw new Error('unlucky')
}
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const thenable = (then: unknown, on: object = {}) => Object.defineProperty(on, 'then', { value: then })

test('a promise is itself, and any other value is none', () => {
  const promise = Promise.resolve(1)
  assert.equal(promiseOf(promise), promise)
  for (const value of [undefined, null, 0, '', 'text', Symbol('s'), {}, thenable(1), () => {}, Object.create(null)]) {
    assert.equal(promiseOf(value), undefined)
    assert(!isPromise(value))
  }
})

test('a promise-like value settles once, even when its `then` does more', async () => {
  const twice = (resolve: (value: number) => void) => {
    resolve(1)
    resolve(2)
    fail()
  }
  assert.equal(await promiseOf(thenable(twice)), 1)
  await assert.rejects(promiseOf(thenable(fail))!, /unlucky/)
  await assert.rejects(promiseOf(Object.defineProperty({}, 'then', { get: fail }))!, /unlucky/)
  await assert.rejects(promiseOf(revoked())!, TypeError)
  await assert.rejects(promiseOf(thenable(fail, Promise.resolve()))!, /unlucky/)
  await assert.rejects(promiseOf(Object.defineProperty(Promise.resolve(), 'constructor', { get: fail }))!, /unlucky/)
  class Odd extends Promise<number> {}
  assert.equal(await promiseOf(Odd.resolve(3)), 3)
})

test('a promise where none is allowed is found, and its rejection is handled', () => {
  assert(isPromise(Promise.reject(new Error('nobody asked'))))
  assert(isPromise(Object.defineProperty({}, 'then', { get: fail })))
})
