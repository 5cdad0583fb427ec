// Errors that come outside the promise of a handler (a forgotten promise, a callback) would end the process. The async
// context in which they happen says whose they are; those that are nobody's are left to Node.js.
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { Owner } from '../../seam/world.ts'

const owners = new AsyncLocalStorage<Owner>()
/** Errors that were made for somebody: one that is passed on by a promise has no async context of its own. */
const madeFor = new WeakMap<object, Owner>()
let listeners = 0

/**
 * Begins something in the async context in which this was loaded, mostly none: who happens to ask first for what the
 * engine does then is not its owner.
 */
export const outside = AsyncLocalStorage.snapshot()

/** With `--no-async-context-frame` what is entered within `outside` would stay there. */
const stays = (() => {
  const probe = new AsyncLocalStorage<boolean>()
  outside(() => probe.enterWith(true))
  return outside(() => probe.getStore()) === true
})()

/** `run` of Node.js makes a context on the way in and one on the way out; from outside one will do. */
export function guard<A, B, T>(owner: Owner, fn: (a: A, b: B) => T, a: A, b: B): T {
  if (stays || owners.getStore() !== undefined) return owners.run(owner, fn, a, b)
  return outside(enter, owner, fn, a, b)
}

function enter<A, B, T>(owner: Owner, fn: (a: A, b: B) => T, a: A, b: B): T {
  owners.enterWith(owner)
  return fn(a, b)
}

/** As `AsyncLocalStorage.bind`, which takes sixty times as long for what it adds to the function. */
export function bind<A extends unknown[], T>(fn: (...args: A) => T): (...args: A) => T {
  const context = new AsyncResource('millrace', { requireManualDestroy: true })
  return (...args) => context.runInAsyncScope(fn, undefined, ...args)
}

export function blame(error: object, owner: Owner): void {
  madeFor.set(error, owner)
}

/** From now on late errors are told to their owners, until the returned function is called. */
export function listen(): () => void {
  if (listeners++ === 0) {
    process.on('uncaughtException', onException)
    process.on('unhandledRejection', onRejection)
  }
  let listening = true
  return () => {
    if (!listening) return
    listening = false
    if (--listeners > 0) return
    process.off('uncaughtException', onException)
    process.off('unhandledRejection', onRejection)
  }
}

function onException(error: unknown): void {
  const owner = owners.getStore()
  if (owner !== undefined) owner.late(error)
  else if (process.listenerCount('uncaughtException') === 1) leaveToNode(error)
}

function onRejection(reason: unknown): void {
  const owner = owners.getStore() ?? (typeof reason === 'object' && reason !== null ? madeFor.get(reason) : undefined)
  if (owner !== undefined) owner.late(reason)
  else if (process.listenerCount('unhandledRejection') === 1) leaveToNode(reason)
}

/** As if we were not listening: the error is printed and the process ends. */
function leaveToNode(error: unknown): void {
  process.off('uncaughtException', onException)
  setImmediate(() => {
    throw error
  })
}

/** Whose code runs now. */
export const ownerNow = (): Owner | undefined => owners.getStore()
