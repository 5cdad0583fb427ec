// What the engine may know of the world outside: time, chance, ids, turns. Nothing below `app` reads the globals, so
// that the same engine runs in a simulation.
import type { Sending, Sent } from '../model/sending.ts'
import type { Telemetry } from './telemetry.ts'

export interface Timer {
  cancel(): void
}

/** Code of a user that runs. It is told of errors that it throws and that nothing awaits. */
export interface Owner {
  late(error: unknown): void
}

export interface World {
  /** Wall clock, milliseconds since 1970; may jump. */
  now(): number
  /** Milliseconds that only go forward; for durations. */
  elapsed(): number
  /** Calls `fn` once, after at least so many milliseconds. Keeps the process alive until then only with `awake`. */
  after(ms: number, fn: () => void, how?: { readonly awake: boolean }): Timer
  /** Calls `fn` in a later turn of the event loop, when what is ready now has had its turn. */
  soon(fn: () => void): void
  /** From 0 up to 1. */
  random(): number
  /** A new time-ordered id (UUIDv7); later ids of one process sort after earlier ones. `ms`: what the clock was just read as. */
  newId(ms?: number): string
  /**
   * Calls `fn`. What is thrown later by what it began (a forgotten promise, a callback) is told to `owner` instead of
   * ending the process.
   */
  guard<A, B, T>(owner: Owner, fn: (a: A, b: B) => T, a: A, b: B): T
  /**
   * The same for what is no work of its own: a function that only answers, or only looks on. A simulation lets handlers
   * and rules fail; it leaves these alone.
   */
  callback<T>(owner: Owner, fn: () => T): T
  /** A function that runs in the context in which this is called, whoever calls it: with its owner, and all of the user's. */
  bind<A extends unknown[], T>(fn: (...args: A) => T): (...args: A) => T
  /** An error that is given to the code of an owner: where nobody catches it, the owner is told. */
  blame(error: object, owner: Owner): void
  /** The owner that was given to the `guard` whose function, or what it began, runs now. */
  owner(): object | undefined
  /** From now on what is thrown late is told to its owner, until the function is called that this gives. */
  listen(): () => void
  /** Sends a request to another system. Resolves with what became of it, at the latest after its `timeoutMs`. */
  send(request: Sending): Promise<Sent>
  /** The telemetry of a run that begins; undefined where nobody listens. A world without it has none. */
  telemetry?(): Promise<Telemetry | undefined>
  /** One line for operators; fields are plain JSON. */
  log(level: 'info' | 'warn' | 'error', text: string, fields?: Readonly<Record<string, unknown>>): void
}
