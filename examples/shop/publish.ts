import { setTimeout } from 'node:timers/promises'
import type { Invoice } from './messages.ts'

/** Enough to fill the groups in which the store commits; few enough to take no memory to speak of. */
const inFlightMax = 256

/** Where the time of a rate comes from; a test gives its own. */
export type Clock = { nowMs: () => number; sleep: (ms: number, signal?: AbortSignal) => Promise<unknown> }

const realClock: Clock = {
  nowMs: () => performance.now(),
  sleep: (ms, signal) => setTimeout(ms, undefined, { signal }),
}

export type PublishOptions = {
  publish: (invoice: Invoice) => Promise<unknown>
  /** Invoices per second; undefined is as fast as it goes. */
  rate?: number | undefined
  /** Take so many invoices and leave the rest; undefined takes all. */
  pauseAt?: number | undefined
  /** Stops reading; what is in flight is still waited for. */
  signal?: AbortSignal
  clock?: Clock
}

/**
 * Publishes invoices in their order, up to 256 at a time without waiting for each to be durable. Returns when all that
 * were begun are durable. Throws the first error, of reading or of publishing, also only when the others are through.
 */
export async function publishAll(invoices: AsyncIterable<Invoice>, options: PublishOptions): Promise<void> {
  const { publish, rate, pauseAt = Number.POSITIVE_INFINITY, signal, clock = realClock } = options
  const inFlight = new Set<Promise<void>>()
  const startMs = clock.nowMs()
  let begun = 0
  let failure: { error: unknown } | undefined
  const fail = (error: unknown) => {
    failure ??= { error }
  }

  try {
    if (pauseAt === 0) return
    for await (const invoice of invoices) {
      const dueMs = rate ? startMs + (begun / rate) * 1000 : startMs
      for (let ms = dueMs - clock.nowMs(); ms > 0; ms = dueMs - clock.nowMs()) await clock.sleep(Math.ceil(ms), signal)
      if (inFlight.size >= inFlightMax) await Promise.race(inFlight)
      if (failure || signal?.aborted) break
      const one: Promise<void> = publish(invoice)
        .then(() => {}, fail)
        .finally(() => inFlight.delete(one))
      inFlight.add(one)
      begun += 1
      if (begun >= pauseAt) break
    }
  } catch (error) {
    if (!signal?.aborted) fail(error)
  } finally {
    await Promise.all(inFlight)
  }
  if (failure) throw failure.error
}
