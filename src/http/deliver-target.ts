// The other end of a part that sends by HTTP, and how one message is sent to it: for `deliver` and `alerts`.
import type { Attempt } from '../engine/consumer/attempt.ts'
import type { Exchanges } from '../engine/consumer/exchanges.ts'
import { withAttempt } from '../engine/consumer/handler-context.ts'
import { fault } from '../model/errors.ts'
import type { Message, Topic } from '../model/message.ts'
import { limit } from '../model/options.ts'
import { passedIn, passedMax } from '../model/passed.ts'
import { Refused } from '../model/refused.ts'
import { carriedBy, traceFields } from '../model/trace.ts'
import type { RenamedFrom } from '../parts/check.ts'
import { type Processor, processor } from '../parts/processor.ts'
import { failureOf, isGone } from './deliver-answer.ts'
import type { EventBody, Sent } from './deliver-event.ts'
import { type Secrets, type Signer, signerOf } from './webhooks.ts'

/** The options of the other end. */
export interface TargetOptions {
  readonly url: string | URL
  readonly secret?: Secrets | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly allow?: readonly string[] | undefined
  readonly timeoutMs?: number | undefined
}

const patience = { attempts: 10, firstDelayMs: 1_000, factor: 3, maxDelayMs: 3_600_000 }
const probes = { probeEveryMs: 60_000, probeMaxMs: 7 * 24 * 3_600_000 }
/** From the end of a request to that of its attempt, milliseconds. */
const settleMs = 5_000

/** What a part sends, beside where: the options of a processor that it leaves open. */
export interface Sends {
  readonly on: Topic
  /** The names of the types that it sends. */
  readonly types: readonly string[]
  readonly retry?: object | undefined
  readonly renamedFrom?: RenamedFrom | undefined
}

/** A processor that sends the events of a topic to a target. */
export function sender(name: string, end: Omit<Target, 'versions'>, { types, retry, ...options }: Sends): Processor {
  const target = { ...end, versions: new Map(options.on.types.map((type) => [type.name, type.version])) }
  const handle = withAttempt((message, attempt) => sendOne(target, message, attempt))
  return {
    ...processor(name, {
      ...probes,
      ...options,
      timeoutMs: target.timeoutMs + settleMs,
      retry: { ...patience, ...retry },
      handle: Object.fromEntries(types.map((type) => [type, handle])) as never,
    }),
    delivers: { to: target.url.origin, test: (exchanges: Exchanges) => testOne(target, exchanges) },
  }
}

export interface Target {
  readonly url: URL
  readonly allow: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly sign: Signer | undefined
  readonly body: (leaving: Sent) => EventBody
  /** The name of the app at the other end: what has passed it is not sent. */
  readonly to: string | undefined
  /** Which messages it sends; undefined: all. */
  readonly wants?: ((message: Message) => boolean) | undefined
  readonly timeoutMs: number
  /** By type: the version whose shape the data have when they are sent. */
  readonly versions: ReadonlyMap<string, number>
}

async function sendOne(target: Target, message: Message, attempt: Attempt): Promise<void> {
  const { exchanges, now } = attempt.processor
  const passed = passedIn(message.attributes)
  if (target.wants?.(message) === false) return
  if (target.to !== undefined && passed.includes(target.to)) return
  if (passed.length >= passedMax) {
    throw new Refused(`it has passed ${passed.length} systems, the most that a message passes: ${passed.join(', ')}`)
  }
  const { span, message: stored } = attempt.delivery
  const { trace } = stored
  const current = { ...message, version: target.versions.get(message.type) ?? message.version }
  const event = target.body({ message: current, trace, app: exchanges.app })
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
  const event = target.body({ message, trace: null, app: exchanges.app })
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

/** Checks where a part sends to. Errors: `millrace/bad-option`. */
export function targetOf(where: string, given: TargetOptions): Omit<Target, 'body' | 'to' | 'versions'> {
  const { secret, headers, timeoutMs } = given
  return {
    ...addressOf(where, given),
    headers: checkHeaders(where, headers),
    sign: secret === undefined ? undefined : signerOf(where, secret),
    timeoutMs: limit(where, 'answerMs', timeoutMs, 'timeoutMs'),
  }
}

function addressOf(where: string, { url: given, allow = [] }: TargetOptions) {
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

export const bad = (where: string, why: string) => fault('millrace/bad-option', `${where}: ${why}`)
