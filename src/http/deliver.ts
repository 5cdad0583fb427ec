// `deliver`: a processor that sends each event of a topic to another system, by HTTP.
//
//   event ──has passed that system──→ done, not sent
//     └──sent──→ answered, or not: deliver-answer.ts says what follows
//
// Invariants: the events of a context are sent one at a time and in order; each attempt at an event has the same
// `webhook-id`; an event that was sent and not acknowledged is sent again. So it arrives at least once, and once in
// effect where the receiver knows ids: another Millrace does, by source and id.
import type { Attempt } from '../engine/consumer/attempt.ts'
import type { Exchanges } from '../engine/consumer/exchanges.ts'
import { withAttempt } from '../engine/consumer/handler-context.ts'
import type { ProbeLimits } from '../engine/consumer/probing.ts'
import type { RetryPolicy } from '../engine/consumer/retry.ts'
import { fault } from '../model/errors.ts'
import type { Event, Message, Topic } from '../model/message.ts'
import { isName, suggest } from '../model/names.ts'
import { limit, type Optional } from '../model/options.ts'
import { passedIn, passedMax } from '../model/passed.ts'
import { Refused } from '../model/refused.ts'
import type { StartAt } from '../model/streams.ts'
import { carriedBy, traceFields } from '../model/trace.ts'
import { checkOnTopic, checkPart, type RenamedFrom } from '../parts/check.ts'
import { type Processor, processor } from '../parts/processor.ts'
import { failureOf, isGone } from './deliver-answer.ts'
import { type EventBody, type EventForm, eventBody } from './deliver-event.ts'
import { type Secrets, type Signer, signerOf } from './webhooks.ts'

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

const patience = { attempts: 10, firstDelayMs: 1_000, factor: 3, maxDelayMs: 3_600_000 }
const probes = { probeEveryMs: 60_000, probeMaxMs: 7 * 24 * 3_600_000 }
/** From the end of a request to that of its attempt, milliseconds. */
const settleMs = 5_000

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
  const { on, types, url, secret, headers, allow, to, form, timeoutMs, retry = {}, ...rest } = options
  checkOnTopic(where, on)
  const target: Target = {
    ...targetOf(where, { url, allow }),
    headers: checkHeaders(where, headers),
    sign: secret === undefined ? undefined : signerOf(where, secret),
    form: checkForm(where, form),
    to: checkTo(where, to),
    timeoutMs: limit(where, 'answerMs', timeoutMs, 'timeoutMs'),
    versions: new Map(on.types.map((type) => [type.name, type.version])),
  }
  const handle = withAttempt((message, attempt) => sendOne(target, message, attempt))
  const names = checkTypes(where, on, types)
  return Object.freeze({
    ...processor(name, {
      ...probes,
      ...(rest as object),
      on: on as Topic,
      timeoutMs: target.timeoutMs + settleMs,
      retry: { ...patience, ...retry },
      handle: Object.fromEntries(names.map((type) => [type, handle])) as never,
    }),
    test: (exchanges: Exchanges) => testOne(target, exchanges),
  })
}

interface Target {
  readonly url: URL
  readonly allow: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly sign: Signer | undefined
  readonly form: EventForm
  readonly to: string | undefined
  readonly timeoutMs: number
  /** By type: the version whose shape the data have when they are sent. */
  readonly versions: ReadonlyMap<string, number>
}

async function sendOne(target: Target, message: Message, attempt: Attempt): Promise<void> {
  const { exchanges, now } = attempt.processor
  const passed = passedIn(message.attributes)
  if (target.to !== undefined && passed.includes(target.to)) return
  if (passed.length >= passedMax) {
    throw new Refused(`it has passed ${passed.length} systems, the most that a message passes: ${passed.join(', ')}`)
  }
  const { span, message: stored } = attempt.delivery
  const { trace } = stored
  const current = { ...message, version: target.versions.get(message.type) ?? message.version }
  const event = eventBody({ message: current, trace, app: exchanges.app }, target.form)
  const { id, type } = message
  const request = requestOf(target, { id, now: now() }, event)
  // The event keeps the place in a trace that it has; the request has that of its attempt.
  const headers = { ...traceFields(span?.trace ?? carriedBy(stored)), ...request.headers }
  const about = { type, id, attempt: attempt.delivery.attempts + 1 }
  const { signal } = attempt
  const within = span === undefined ? undefined : <T>(fn: () => T) => span.within(fn)
  const sent = await exchanges.send({ ...request, headers, signal, within }, about)
  if (isGone(sent)) exchanges.pause(`${target.url.host} answered 410: it wants nothing more`)
  const failure = failureOf(target.url.host, sent, now())
  if (failure !== undefined) throw failure
}

/** Sends an event that says that it is a test. It is in no log, and nothing repeats it. */
async function testOne(target: Target, exchanges: Exchanges): Promise<void> {
  const { id, now } = exchanges.stamp()
  const message: Message = {
    id,
    type: 'millrace.test',
    source: `/${exchanges.app}`,
    time: now,
    context: undefined,
    correlationId: id,
    causationId: undefined,
    version: 1,
    data: { test: true },
  }
  const event = eventBody({ message, trace: null, app: exchanges.app }, target.form)
  await exchanges.send(requestOf(target, { id, now }, event), { type: message.type, id, attempt: 0 })
}

interface Stamp {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly now: number
}

function requestOf({ url, allow, headers, sign, timeoutMs }: Target, { id, now }: Stamp, event: EventBody) {
  const { body } = event
  const signed = sign?.({ id, now, body }) ?? { 'webhook-id': id }
  return { url, allow, timeoutMs, body, headers: { ...headers, ...event.headers, ...signed } }
}

// ── what is declared ─────────────────────────────────────────────────────────────────────────────────────────────────

function targetOf(where: string, { url: given, allow = [] }: Pick<DeliverOptions<Event>, 'url' | 'allow'>) {
  if (!Array.isArray(allow) || !allow.every((host) => typeof host === 'string' && host !== '')) {
    throw bad(where, "allow must be a list of hosts, such as ['127.0.0.1']")
  }
  if (!URL.canParse(String(given))) throw bad(where, `url is ${JSON.stringify(given)}, but must be an address`)
  const url = new URL(given)
  url.hash = ''
  const { protocol, username, password, hostname } = url
  const host = hostname.replace(/^\[|\]$/g, '')
  if (username !== '' || password !== '') throw bad(where, 'url has a user or password: give headers.authorization')
  if (protocol !== 'https:' && !(protocol === 'http:' && allow.includes(host))) {
    throw bad(where, `url is ${protocol}//${url.host}, but must be https; where http is meant, say allow: ['${host}']`)
  }
  return { url, allow }
}

const headerPattern = /^[a-z0-9!#$%&'*+.^_`|~-]+$/
const ownHeaders = ['host', 'connection', 'content-length', 'content-type', 'transfer-encoding']

function checkHeaders(where: string, given: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const all = Object.entries(given).map(([name, value]) => [name.toLowerCase(), value] as const)
  for (const [name, value] of all) {
    if (!headerPattern.test(name) || ownHeaders.includes(name) || /^(webhook|ce)-/.test(name)) {
      throw bad(where, `headers: "${name}" is no header that you may set`)
    }
    // The value itself is not shown: it may be a secret.
    if (typeof value !== 'string' || !/^[\x20-\x7e]*$/.test(value)) {
      throw bad(where, `headers: the value of "${name}" must be printable ASCII`)
    }
  }
  return Object.freeze(Object.fromEntries(all))
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

const bad = (where: string, why: string) => fault('millrace/bad-option', `${where}: ${why}`)
