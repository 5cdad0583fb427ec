// An error outside the promise of a handler (a forgotten promise, a callback) would end the process. Its async context
// tells which attempt owns it. Errors without an owner are left to Node.js.
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { Owner } from '../../seam/world.ts'

const owners = new AsyncLocalStorage<Owner>()
/** The owners of errors by identity. An error that a promise passes on has no async context of its own. */
const madeFor = new WeakMap<object, Owner>()
let listeners = 0

/**
 * Runs a function in the async context in which this module was loaded, usually none. Otherwise the first caller would
 * own whatever the engine does then.
 */
export const outside = AsyncLocalStorage.snapshot()

/** True where `--no-async-context-frame` makes a context entered within `outside` stay there. */
const stays = (() => {
  const probe = new AsyncLocalStorage<boolean>()
  outside(() => probe.enterWith(true))
  return outside(() => probe.getStore()) === true
})()

/**
 * Runs a function in the context of an owner. `run` of Node.js makes a context on entry and one on exit; from outside
 * one is enough.
 */
export function guard<A, B, T>(owner: Owner, fn: (a: A, b: B) => T, a: A, b: B): T {
  if (stays || owners.getStore() !== undefined) return owners.run(owner, fn, a, b)
  return outside(enter, owner, fn, a, b)
}

function enter<A, B, T>(owner: Owner, fn: (a: A, b: B) => T, a: A, b: B): T {
  owners.enterWith(owner)
  return fn(a, b)
}

export function callback<T>(owner: Owner, fn: () => T): T {
  return guard(owner, fn, undefined, undefined)
}

/**
 * Binds like `AsyncLocalStorage.bind`, which takes sixty times as long because of the properties it adds to the
 * function.
 */
export function bind<A extends unknown[], T>(fn: (...args: A) => T): (...args: A) => T {
  const context = new AsyncResource('millrace', { requireManualDestroy: true })
  return (...args) => context.runInAsyncScope(fn, undefined, ...args)
}

export function blame(error: object, owner: Owner): void {
  madeFor.set(error, owner)
}

/**
 * Reports late errors to their owners until the returned function is called.
 *
 * A listener would not do, since its presence changes how Node.js treats errors without an owner. So the `emit` of the
 * process is wrapped. Errors that have an owner end here. All others continue as without Millrace: to the listeners of
 * the app, to `--unhandled-rejections`, or to the end of the process.
 */
export function listen(): () => void {
  if (listeners++ === 0) takeEmit()
  let listening = true
  return () => {
    if (!listening) return
    listening = false
    if (--listeners === 0) giveBackEmit()
  }
}

type Emit = (this: NodeJS.Process, event: string | symbol, ...given: unknown[]) => boolean

/** The earlier `emit` of the process: its own or that of its class. */
let before: { readonly emit: Emit; readonly own: boolean } | undefined

function takeEmit(): void {
  // Other code has replaced ours with an `emit` that calls it, so ours is still in place.
  if (before !== undefined) return
  before = { emit: process.emit as Emit, own: Object.hasOwn(process, 'emit') }
  process.emit = emit as typeof process.emit
}

function giveBackEmit(): void {
  if (before === undefined || process.emit !== (emit as unknown)) return
  if (before.own) process.emit = before.emit as typeof process.emit
  else Reflect.deleteProperty(process, 'emit')
  before = undefined
}

function emit(this: NodeJS.Process, ...event: [string | symbol, ...unknown[]]): boolean {
  return (listeners > 0 && isOwned(event)) || before!.emit.apply(this, event)
}

/** Reports an error to its owner; returns false where it has none. */
function isOwned([event, error, origin]: readonly unknown[]): boolean {
  switch (event) {
    case 'unhandledRejection':
      return tell(ownerOf(error), error)
    case 'uncaughtException':
      // A rejection is reported as a rejection; with `--unhandled-rejections=strict` it comes here a second time.
      return origin === 'unhandledRejection' ? ownerOf(error) !== undefined : tell(ownerOf(error), error)
    case 'uncaughtExceptionMonitor':
      return ownerOf(error) !== undefined
    default:
      return false
  }
}

function ownerOf(error: unknown): Owner | undefined {
  return owners.getStore() ?? (typeof error === 'object' && error !== null ? madeFor.get(error) : undefined)
}

function tell(owner: Owner | undefined, error: unknown): boolean {
  owner?.late(error)
  return owner !== undefined
}

/** The owner of the running code. */
export const ownerNow = (): Owner | undefined => owners.getStore()
