// What the engine tells, as spans and metrics of OpenTelemetry, by its semantic conventions for messaging (1.44).
//
//   publish D       producer   one message, from its call until it is durable; the message carries this context
//   create D        producer   one message of a batch, which carries this context; one `publish D` sends them all
//   process D       consumer   one attempt: a child of the context of its message, and linked to it
//   acknowledge D   client     from the end of the handler until the commit is durable, a child of the attempt
//
// A message that came with a context keeps it: then `publish D` is of a client, and linked to it. A message that never
// becomes durable is not sent: what its handler has begun is not ended, so that no exporter hears of it.
import type { Attributes, Context, Link, Span, SpanContext } from '@opentelemetry/api'
import type { Stored } from '../../model/codec.ts'
import { type ErrorRecord, recordError } from '../../model/error-record.ts'
import type { Destination, MessageType } from '../../model/message.ts'
import { isRefused } from '../../model/refused.ts'
import { secretsOf, textWithout } from '../../model/secrets.ts'
import { carriedBy } from '../../model/trace.ts'
import type { AttemptTrace, Prompted, Received, Settlement, Telemetry } from '../../seam/telemetry.ts'
import { type About, now, type Operation, type Sdk } from './telemetry-sdk.ts'

interface Sending {
  readonly about: About
  /** None for a message of a batch. */
  readonly span: Span | undefined
  readonly began: number
}

/** The telemetry of one run. */
export class OpenTelemetry implements Telemetry {
  private readonly sdk: Sdk
  private readonly sending = new WeakMap<Stored, Sending>()

  constructor(sdk: Sdk) {
    this.sdk = sdk
  }

  made(message: Stored, to: To, prompted: Prompted): string | null {
    const { sdk } = this
    const { SpanKind } = sdk.api
    const given = sdk.spanAt(carriedBy(message))
    const own = given === undefined ? undefined : sdk.contextOf(given)
    const active = prompted === 'cause' && own !== undefined ? undefined : sdk.active()
    // A context that came with a message of another system is not changed.
    const keeps = message.attributes !== null && given !== undefined
    const isOfMany = prompted === 'batch'
    const began = now()
    const about = { operation: sendingTo(to), destination: to.name }
    const first = isOfMany ? { ...about, operation: creating } : about
    const options = keeps ? { kind: SpanKind.CLIENT, links: [{ context: given }] } : { kind: SpanKind.PRODUCER }
    const span = isOfMany && keeps ? undefined : sdk.begin(first, facts(message), options, active ?? own ?? sdk.root)
    const trace = keeps ? message.trace : (sdk.traceOf(span) ?? message.trace)
    if (isOfMany) sdk.end(span)
    this.sending.set(message, { about, span: isOfMany ? undefined : span, began })
    return trace
  }

  sent(messages: readonly Stored[]): void {
    for (const message of messages) this.ended(message, undefined)
  }

  answered(message: Stored, error: unknown): void {
    this.ended(message, error === undefined ? undefined : coded(error))
  }

  private ended(message: Stored, error: ErrorRecord | undefined): void {
    const { sdk, sending } = this
    const found = sending.get(message)
    if (found === undefined) return
    sending.delete(message)
    const { about, span, began } = found
    sdk.count('sent', about, error)
    if (span === undefined) return
    sdk.end(span, error)
    sdk.measure(about, began, error)
  }

  batch(messages: readonly Stored[]): (error?: unknown) => void {
    const { sdk, sending } = this
    const first = messages[0]
    const about = first === undefined ? undefined : sending.get(first)?.about
    if (about === undefined) return () => {}
    const links = messages.flatMap((message) => linkTo(sdk.spanAt(carriedBy(message))))
    const count = { 'messaging.batch.message_count': messages.length }
    const began = now()
    const options = { kind: sdk.api.SpanKind.CLIENT, links }
    const span = sdk.begin(about, count, options, sdk.active() ?? sdk.root)
    return (thrown) => {
      const error = thrown === undefined ? undefined : coded(thrown)
      for (const message of messages) this.ended(message, error)
      sdk.end(span, error)
      sdk.measure(about, began, error)
    }
  }

  attempt(of: Received, type: MessageType, attempt: number): AttemptTrace {
    return new AttemptSpans(this.sdk, of, { type, attempt })
  }

  decided(of: Received, what: Settlement): void {
    const { sdk } = this
    const about = { operation: settling(what), destination: of.destination, processor: of.processor }
    const cause = sdk.spanAt(carriedBy(of.message))
    const parent = sdk.active() ?? (cause === undefined ? sdk.root : sdk.contextOf(cause))
    const options = { kind: sdk.api.SpanKind.CLIENT, links: linkTo(cause) }
    sdk.end(sdk.begin(about, facts(of.message), options, parent))
  }
}

class AttemptSpans implements AttemptTrace {
  private readonly sdk: Sdk
  private readonly of: Received
  private readonly type: MessageType
  private readonly about: About
  private readonly span: Span | undefined
  private readonly context: Context
  private readonly began = now()
  private state: 'processing' | 'ended' | 'failed' | 'settled' = 'processing'
  /** The end of the handler: milliseconds since 1970, and on the clock of durations. */
  private endedAt = { wall: 0, clock: 0 }

  constructor(sdk: Sdk, of: Received, { type, attempt }: { readonly type: MessageType; readonly attempt: number }) {
    const { message, destination, processor } = of
    this.sdk = sdk
    this.of = of
    this.type = type
    this.about = { operation: processing, destination, processor }
    const cause = sdk.spanAt(carriedBy(message))
    const parent = cause === undefined ? sdk.root : sdk.contextOf(cause)
    const options = { kind: sdk.api.SpanKind.CONSUMER, links: linkTo(cause) }
    this.span = sdk.begin(this.about, { ...facts(message), 'messaging.millrace.attempt': attempt }, options, parent)
    this.context = this.span === undefined ? parent : sdk.contextOf(this.span)
    sdk.count('consumed', this.about)
  }

  get trace(): string | null {
    return this.sdk.traceOf(this.span) ?? carriedBy(this.of.message)
  }

  within<T>(fn: () => T): T {
    let end: { readonly value: T } | { readonly error: unknown } | undefined
    try {
      this.sdk.api.context.with(this.context, () => {
        try {
          end = { value: fn() }
        } catch (error) {
          end = { error }
        }
      })
    } catch (error) {
      this.sdk.failed(error)
    }
    // The SDK has failed before it called the function.
    if (end === undefined) return fn()
    const { error, value } = end as { readonly error?: unknown; readonly value: T }
    if ('error' in (end as object)) throw error
    return value
  }

  returned(left: 'nothing' | 'commit'): void {
    this.endedAt = { wall: Date.now(), clock: now() }
    if (left === 'nothing') this.processed('ended')
  }

  failed(thrown: unknown): void {
    const { state } = this
    if (state === 'failed' || state === 'settled') return
    const error = this.recordOf(thrown)
    if (state === 'processing') {
      this.endedAt = { wall: Date.now(), clock: now() }
      this.processed('failed', error)
      return
    }
    this.state = 'failed'
    // It returned, and its commit failed.
    this.settle('acknowledge', error ?? coded(thrown))
  }

  settled(how: Settlement): void {
    if (this.state === 'settled') return
    if (this.state === 'processing') this.processed('ended')
    this.state = 'settled'
    this.settle(how)
  }

  private processed(state: 'ended' | 'failed', error?: ErrorRecord): void {
    this.state = state
    this.sdk.end(this.span, error)
    this.sdk.measure(this.about, this.began, error)
  }

  private settle(how: Settlement, error?: ErrorRecord): void {
    const { sdk, context, endedAt, of } = this
    const about = { ...this.about, operation: settling(how) }
    const options = { kind: sdk.api.SpanKind.CLIENT, startTime: endedAt.wall }
    const took = now() - endedAt.clock
    sdk.end(sdk.begin(about, facts(of.message), options, context), error, endedAt.wall + took)
    sdk.measure(about, endedAt.clock, error)
  }

  /** A refusal that its asker is told is an answer. Secrets are hidden, as wherever an error is kept. */
  private recordOf(thrown: unknown): ErrorRecord | undefined {
    const { message } = this.of
    if (isRefused(thrown) && message.asked !== undefined) return undefined
    const { code, message: text } = recordError(thrown)
    const secrets = secretsOf(this.type, message)
    return { code: textWithout(secrets, code), message: textWithout(secrets, text) }
  }
}

const creating: Operation = { name: 'create', type: 'create' }
const processing: Operation = { name: 'process', type: 'process' }
const publishing: Operation = { name: 'publish', type: 'send' }
const commanding: Operation = { name: 'send', type: 'send' }

const sendingTo = ({ kind }: To): Operation => (kind === 'channel' ? commanding : publishing)

type To = Pick<Destination, 'kind' | 'name'>

const settling = (name: Settlement): Operation => ({ name, type: 'settle' })

const linkTo = (context: SpanContext | undefined): Link[] => (context === undefined ? [] : [{ context }])

/** What a span says of its message beside that. */
function facts({ id, type, correlationId }: Stored): Attributes {
  return {
    'messaging.message.id': id,
    'messaging.message.conversation_id': correlationId,
    'messaging.millrace.message.type': type,
  }
}

/** An error of a call, whose text may have data in it. */
const coded = (error: unknown): ErrorRecord => {
  const { code } = recordError(error)
  return { code, message: code }
}
