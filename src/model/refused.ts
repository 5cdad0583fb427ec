import type { Command, RefusalOf } from './message.ts'
import { isPromise } from './promise.ts'

const brand = Symbol.for('millrace.refused')

/**
 * Thrown by a handler to say no for good: nothing of the attempt stays, nothing is tried again. On a topic the
 * message goes straight to the desk, where rules see `data` as `error.data`. One whose reason and data are no JSON or have
 * more than `messageBytesMax` bytes reaches nobody: the attempt fails with `millrace/not-json` or `millrace/too-large`.
 */
export class Refused<Data = unknown> extends Error {
  readonly code = 'refused'
  readonly data: Data

  constructor(reason: string, data?: Data) {
    super(reason)
    this.name = 'Refused'
    this.data = data as Data
    Object.defineProperty(this, brand, { value: true })
  }

  /** Narrows a caught error to the refusal of a command, its data as the `refusal` schema gives it. */
  static by<C extends Command>(command: C, error: unknown): error is Refused<RefusalOf<C>> {
    if (!isRefused(error)) return false
    const { refusal } = command
    if (refusal === undefined) return true
    const result = refusal['~standard'].validate(error.data)
    return !isPromise(result) && (result as { issues?: unknown }).issues === undefined
  }
}

export function isRefused(error: unknown): error is Refused {
  try {
    return typeof error === 'object' && error !== null && brand in error
  } catch {
    // Anything can be thrown, a proxy that refuses to be looked at too.
    return false
  }
}
