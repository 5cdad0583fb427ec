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

export function callback<T>(owner: Owner, fn: () => T): T {
  return guard(owner, fn, undefined, undefined)
}

/** As `AsyncLocalStorage.bind`, which takes sixty times as long for what it adds to the function. */
export function bind<A extends unknown[], T>(fn: (...args: A) => T): (...args: A) => T {
  const context = new AsyncResource('millrace', { requireManualDestroy: true })
  return (...args) => context.runInAsyncScope(fn, undefined, ...args)
}

export function blame(error: object, owner: Owner): void {
  madeFor.set(error, owner)
}

/**
 * From now on late errors are told to their owners, until the returned function is called.
 *
 * A listener would not do: that there is one changes what Node.js does with errors that are nobody's. So `emit` of the
 * process is asked first: errors that have an owner end here, all others go on as if Millrace were not there, to the
 * listeners of the app, to `--unhandled-rejections`, or to the end of the process.
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

/** The `emit` that the process had before, an own one or that of its class. */
let before: { readonly emit: Emit; readonly own: boolean } | undefined

function takeEmit(): void {
  // Somebody has replaced ours by one that calls it: it is still there.
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

/** Tells an error that has an owner to it; gives whether it has one. */
function isOwned([event, error, origin]: readonly unknown[]): boolean {
  switch (event) {
    case 'unhandledRejection':
      return tell(ownerOf(error), error)
    case 'uncaughtException':
      // A rejection is told as one; here it comes once more with `--unhandled-rejections=strict`.
      return tell(ownerOf(error), error, origin === 'unhandledRejection')
    case 'uncaughtExceptionMonitor':
      return ownerOf(error) !== undefined
    default:
      return false
  }
}

function ownerOf(error: unknown): Owner | undefined {
  return owners.getStore() ?? (typeof error === 'object' && error !== null ? madeFor.get(error) : undefined)
}

function tell(owner: Owner | undefined, error: unknown, told = false): boolean {
  if (owner === undefined) return false
  if (!told) owner.late(error)
  return true
}

/** Whose code runs now. */
export const ownerNow = (): Owner | undefined => owners.getStore()
