import type { Command, RefusalOf } from './message.ts'
import { isPromise } from './promise.ts'

const brand = Symbol.for('millrace.refused')

/**
 * A refusal: a handler throws it to say no without another attempt. Everything the attempt did is rolled back. On a
 * channel the asker gets the refusal, typed. On a topic, and for a command that nobody waits for, the message goes to
 * the desk, where rules see `data` as `error.data`. A refusal that is not JSON or has more than `messageBytesMax` bytes
 * is not kept: the attempt fails with `millrace/not-json` or `millrace/too-large`.
 *
 * @example
 * ```ts
 * const stock = processor('stock', {
 *   on: channel('stock', [TakeStock]),
 *   handle: {
 *     'stock.take': ({ data }) => {
 *       if (data.quantity > 12) throw new Refused('too few in stock', { left: 12 })
 *       return { left: 12 - data.quantity }
 *     },
 *   },
 * })
 * ```
 */
export class Refused<Data = unknown> extends Error {
  readonly code = 'refused'
  /** The facts of the refusal, plain JSON. */
  readonly data: Data

  /**
   * @param reason the reason, for people
   * @param data the facts, as the `refusal` schema of the command says
   */
  constructor(reason: string, data?: Data) {
    super(reason)
    this.name = 'Refused'
    this.data = data as Data
    Object.defineProperty(this, brand, { value: true })
  }

  /**
   * Tells whether a caught error is a refusal whose data fit the `refusal` schema of a command, and narrows its type.
   *
   * @param command the command that was asked
   * @param error anything that was caught
   * @returns true for a refusal of that shape, also for one without a schema
   *
   * @example
   * ```ts
   * try {
   *   await shop.request(TakeStock, { orderId: 'o-9', sku: 'sieve', quantity: 5_000 })
   * } catch (error) {
   *   if (!Refused.by(TakeStock, error)) throw error
   *   console.assert(error.data.left === 1_000)
   * }
   * ```
   */
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
    // Any value can be thrown, also a proxy whose traps throw.
    return false
  }
}
