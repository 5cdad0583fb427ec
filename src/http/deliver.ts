// `deliver`: a processor that sends each event of a topic to another system, by HTTP.
//
//   event ──has passed that system──→ done, not sent
//     └──sent──→ answered, or not: deliver-answer.ts says what follows
//
// Invariants: the events of a context are sent one at a time and in order; each attempt at an event has the same
// `webhook-id`; an event that was sent and not acknowledged is sent again. So it arrives at least once, and once in
// effect where the receiver knows ids: another Millrace does, by source and id.
import type { ProbeLimits } from '../engine/consumer/probing.ts'
import type { RetryPolicy } from '../engine/consumer/retry.ts'
import type { Event, Topic } from '../model/message.ts'
import { isName, suggest } from '../model/names.ts'
import type { Optional } from '../model/options.ts'
import type { StartAt } from '../model/streams.ts'
import { checkOnTopic, checkPart, type RenamedFrom } from '../parts/check.ts'
import type { Processor } from '../parts/processor.ts'
import { type EventForm, eventBody, type Sent } from './deliver-event.ts'
import { bad, sender, targetOf } from './deliver-target.ts'
import type { Secrets } from './webhooks.ts'

/** Options of {@link deliver}. */
export interface DeliverOptions<T extends Event> extends Optional<ProbeLimits> {
  /** The topic whose events it sends. */
  readonly on: Topic<T>
  /** The names of the types that it sends. Default: all types of the topic. */
  readonly types?: readonly T['name'][] | undefined
  /** The address that it sends to: `https`, or `http` for a host in `allow`. */
  readonly url: string | URL
  /**
   * The secret by which requests are signed, as of Standard Webhooks: `whsec_…`, or `whsk_…` for ed25519; the new one
   * and the old one while they are rotated. Default: requests are not signed.
   */
  readonly secret?: Secrets | undefined
  /** Headers of each request, such as `authorization`. Default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /**
   * Hosts that may be reached by `http`, and at addresses that are not public: names as in the URL. Default: none, so
   * that a URL does not lead into your own network.
   */
  readonly allow?: readonly string[] | undefined
  /** The name of the Millrace app at the other end: events that have passed it are not sent back to it. */
  readonly to?: string | undefined
  /** The form of the CloudEvents: `'structured'` (default), one JSON; or `'binary'`, with attributes as headers. */
  readonly form?: EventForm | undefined
  /** Time for one request, milliseconds, 10 to 600,000, default 15,000. */
  readonly timeoutMs?: number | undefined
  /** The most requests at once, 1 to 10,000, default 16; within a context always one at a time. */
  readonly concurrency?: number | undefined
  /**
   * The policy for repeating failed attempts, as of {@link processor}. Default: 10 attempts; the first wait is 1,000 ms
   * and triples up to an hour. While the endpoint takes nothing at all, its failures use up no attempt.
   */
  readonly retry?: Optional<RetryPolicy> | undefined
  /** The behaviour of a lane when its message is held: `'block'` (default) or `'pass'`, as of {@link processor}. */
  readonly onHold?: 'block' | 'pass' | undefined
  /** The starting point of a new part: `'beginning'` (default), `'now'` or a date. */
  readonly startAt?: StartAt | undefined
  /** The earlier name of a part that was renamed, or a list of them, as of {@link processor}. */
  readonly renamedFrom?: RenamedFrom | undefined
}

const known = [
  'on',
  'types',
  'url',
  'secret',
  'headers',
  'allow',
  'to',
  'form',
  'timeoutMs',
  'concurrency',
  'retry',
  'onHold',
  'probeAfter',
  'probeFirstMs',
  'probeEveryMs',
  'probeMaxMs',
  'startAt',
  'renamedFrom',
]

/**
 * Declares a part that sends each event of a topic to another system by HTTP, as a webhook (Standard Webhooks) with a
 * CloudEvent in it. Events of one context are sent one at a time and in order; a context whose event fails holds up no
 * other.
 *
 * Each event is sent until the endpoint answers 2xx, across restarts and crashes, always with the same `webhook-id`, so
 * that the receiver can drop what comes twice. A 4xx or 3xx answer is about the event: `retry` applies, and in the end
 * the event is held at the desk. While the endpoint is away (no connection, no answer, 5xx, 408, 425, 429), nothing
 * comes to the desk: one event at a time is tried until one is taken, then all follow in order. After `probeMaxMs`,
 * default 7 days, failures use up attempts again. `Retry-After` of 429 and 503 is obeyed, at most an hour. An answer 410
 * pauses the part. Redirects are not followed. Only public addresses are dialled, by https, unless `allow` names the
 * host.
 *
 * @param name a name as of `event`, unique in the app
 * @param options the topic, the address and the secret
 * @returns a processor, a part of an app
 * @throws `millrace/bad-name`, `millrace/bad-option`, `millrace/unknown-option`
 *
 * @example
 * ```ts
 * const billing = deliver('billing', {
 *   on: Orders,
 *   url: 'https://billing.example/hooks/orders',
 *   secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
 * })
 * ```
 */
export function deliver<T extends Event>(name: string, options: DeliverOptions<T>): Processor {
  const where = checkPart('deliver', name, options, known)
  const { on, types, url, secret, headers, allow, to, form, timeoutMs, ...rest } = options
  checkOnTopic(where, on)
  const leaves = checkForm(where, form)
  const target = {
    ...targetOf(where, { url, secret, headers, allow, timeoutMs }),
    body: (leaving: Sent) => eventBody(leaving, leaves),
    to: checkTo(where, to),
  }
  return Object.freeze(sender(name, target, { ...rest, on: on as Topic, types: checkTypes(where, on, types) }))
}

function checkForm(where: string, form: EventForm = 'structured'): EventForm {
  if (form === 'structured' || form === 'binary') return form
  throw bad(where, `form is ${JSON.stringify(form)}, but must be 'structured' or 'binary'`)
}

function checkTo(where: string, to: string | undefined): string | undefined {
  if (to === undefined || isName(to)) return to
  throw bad(where, 'to must be the name of the app at the other end')
}

function checkTypes(where: string, on: Topic, types: readonly string[] | undefined): readonly string[] {
  const all = on.types.map(({ name }) => name)
  if (types === undefined) return all
  if (!Array.isArray(types) || types.length === 0)
    throw bad(where, 'types must be a list of names of types of the topic')
  const other = types.find((name) => !all.includes(name))
  if (other !== undefined) throw bad(where, `types: "${other}" is not on topic "${on.name}"${suggest(other, all)}`)
  return types
}
