// Tests one type of message: data that older code has stored are read as the engine reads them today.

import { AssertionError, deepStrictEqual } from 'node:assert'
import { asJson, dataOf } from '../model/codec.ts'
import { fault } from '../model/errors.ts'
import type { DataOf, MessageType } from '../model/message.ts'
import { limit } from '../model/options.ts'
import { shownValue } from '../model/people.ts'

/** A type of event or command under test. */
export interface GivenType<T extends MessageType> {
  /**
   * Reads data as code of an older version has stored them: each upcast in turn, then the schema of today. Data of
   * today's own version pass the schema alone: use this for a field that is new and optional.
   *
   * @param version the version of the stored data, a whole number from 1 to the version of the type
   * @param old the data as they were stored: plain JSON
   * @param today the data that they must become; without it they only have to fit the schema
   * @returns the data in the shape of today, as handlers get them
   * @throws `AssertionError` with the difference to `today`, or when an upcast gives other data each time;
   *   `millrace/no-upcast` when the chain has a gap; `millrace/bad-data` when an upcast throws or its result does not
   *   fit the schema; `millrace/newer-version`, `millrace/not-json`, `millrace/bad-option`
   *
   * @example
   * ```ts
   * const OrderWeighed = event('order.weighed', {
   *   version: 2,
   *   schema: z.object({ orderId: z.string(), grams: z.number().int() }),
   *   upcast: { 1: ({ kilos, ...rest }: { orderId: string; kilos: number }) => ({ ...rest, grams: kilos * 1_000 }) },
   * })
   * given(OrderWeighed).upcasts(1, { orderId: 'o-1', kilos: 2 }, { orderId: 'o-1', grams: 2_000 })
   * ```
   */
  upcasts(version: number, old: unknown, today?: DataOf<T>): DataOf<T>
}

const bytesMax = limit('given', 'messageBytesMax', undefined)

export function givenType<T extends MessageType>(type: T): GivenType<T> {
  const what = `${type.kind} "${type.name}"`
  return {
    upcasts: (version, old, today) => {
      if (!Number.isSafeInteger(version) || version < 1) {
        const must = `a whole number from 1 to ${type.version}`
        throw fault(
          'millrace/bad-option',
          `given ${what}: upcasts: version is ${shownValue(version)}, but must be ${must}`,
        )
      }
      const json = JSON.stringify(asJson(`version ${version} of`, old, bytesMax, type))
      const data = dataOf(type, version, json)
      compare(`${what} of version ${version}: its upcast gives other data each time`, dataOf(type, version, json), data)
      if (today !== undefined) compare(`${what} of version ${version} is upcast to other data`, data, today)
      return data as DataOf<T>
    },
  }
}

function compare(what: string, actual: unknown, expected: unknown): void {
  try {
    deepStrictEqual(actual, expected)
  } catch (difference) {
    const message = `${what}\n${(difference as Error).message}`
    throw new AssertionError({ message, actual, expected, operator: 'deepStrictEqual' })
  }
}
