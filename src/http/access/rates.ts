// How much each sender may send: requests and bytes by the minute, off unless an option says a number.
//
// A sender that is known by name has a bucket of its own, whatever address it comes from; all others have one for each
// address. A bucket is full at first and holds what a minute allows, so a burst of a minute is taken at once. The bytes of
// a body are known once it is read: they are taken then, and what is too much is owed.
import { fault } from '../../model/errors.ts'
import type { EdgeNumbers } from '../../model/options.ts'
import type { Who } from '../../model/permissions.ts'
import { Buckets } from './buckets.ts'

const seconds = 60

interface Meter {
  readonly name: 'requests' | 'bytes'
  readonly perMinute: number
  readonly buckets: Buckets
}

export class Rates {
  private readonly meters: readonly Meter[]

  constructor({ requestsPerMinute, bytesPerMinute }: Limits, now: () => number) {
    const given = { requests: requestsPerMinute, bytes: bytesPerMinute }
    this.meters = (['requests', 'bytes'] as const)
      .map((name) => ({ name, perMinute: given[name] }))
      .filter(({ perMinute }) => perMinute > 0)
      .map(({ name, perMinute }) => {
        const limit = { burst: perMinute, perSecond: perMinute / seconds }
        return { name, perMinute, buckets: new Buckets(limit, now) }
      })
  }

  /**
   * Takes one request of a sender.
   *
   * @throws `millrace/too-many-requests`
   */
  take(sender: string): void {
    const waits = this.meters.map(({ name, buckets }) =>
      name === 'requests' ? buckets.take(sender) : buckets.wait(sender, 1),
    )
    const ms = Math.max(0, ...waits)
    if (ms === 0) return
    const { name, perMinute } = this.meters[waits.indexOf(ms)]!
    const wait = Math.ceil(ms / 1_000)
    const what = `more than ${perMinute} ${name} a minute came from this sender (${name}PerMinute): wait ${wait} s`
    throw fault('millrace/too-many-requests', what, {
      data: { headers: { 'retry-after': String(wait), ...this.headers(sender) } },
    })
  }

  /** Takes the bytes of a body that was read. */
  read(sender: string, bytes: number): void {
    for (const { name, buckets } of this.meters) if (name === 'bytes') buckets.owe(sender, bytes)
  }

  /** What is left, as draft-ietf-httpapi-ratelimit-headers has it. */
  headers(sender: string): Readonly<Record<string, string>> {
    const left = this.meters.map(({ name, buckets }) => {
      const { left, fullInMs } = buckets.left(sender)
      return `"${name}";r=${left};t=${Math.ceil(fullInMs / 1_000)}`
    })
    const policy = this.meters.map(({ name, perMinute }) => {
      return `"${name}";q=${perMinute};w=${seconds}${name === 'bytes' ? ';qu="content-bytes"' : ''}`
    })
    return { ratelimit: left.join(', '), 'ratelimit-policy': policy.join(', ') }
  }
}

type Limits = Pick<EdgeNumbers, 'requestsPerMinute' | 'bytesPerMinute'>

/** Undefined where nothing is limited. */
export function ratesOf(limits: Limits, now: () => number): Rates | undefined {
  return limits.requestsPerMinute === 0 && limits.bytesPerMinute === 0 ? undefined : new Rates(limits, now)
}

/** The key of a sender. */
export function senderOf(who: Who | undefined, from: string): string {
  return who === undefined ? `address ${from}` : `name ${who.name}`
}
