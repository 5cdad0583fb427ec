// The SDK of OpenTelemetry, behind its API. Code of it (samplers, processors, exporters) runs outside of every attempt, and
// whatever it throws ends here: that is logged once.
import type { Attributes, Context, Counter, Histogram, Span, SpanContext, SpanOptions } from '@opentelemetry/api'
import { type ErrorRecord, recordError } from '../../model/error-record.ts'
import { traceFields, traceOf } from '../../model/trace.ts'
import type { World } from '../../seam/world.ts'
import { outside } from './late-errors.ts'

type Api = typeof import('@opentelemetry/api')

/** As the conventions advise, seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** Names of errors of the language: the only ones beside those of Millrace that may label a metric. */
const errorNames: ReadonlySet<string> = new Set([
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'ReferenceError',
  'AggregateError',
  'AbortError',
  'TimeoutError',
])

export interface Operation {
  readonly name: string
  readonly type: 'create' | 'send' | 'process' | 'settle'
}

/** What a span or a measurement is about. */
export interface About {
  readonly operation: Operation
  readonly destination: string
  readonly processor?: string | undefined
}

/** Milliseconds, on the clock of durations. */
export const now = (): number => performance.now()

/** The SDK, behind the API: whatever it throws ends here. */
export class Sdk {
  readonly api: Api
  private readonly log: World['log']
  private readonly tracer: ReturnType<Api['trace']['getTracer']>
  private readonly operations: Histogram
  private readonly processing: Histogram
  private readonly sent: Counter
  private readonly consumed: Counter
  private hasFailed = false

  constructor(api: Api, log: World['log']) {
    this.api = api
    this.log = log
    this.tracer = api.trace.getTracer('millrace')
    const meter = api.metrics.getMeter('millrace')
    const seconds = { unit: 's', advice: { explicitBucketBoundaries: buckets } }
    const messages = { unit: '{message}' }
    this.operations = meter.createHistogram('messaging.client.operation.duration', {
      ...seconds,
      description: 'Duration of messaging operation initiated by a producer or consumer client.',
    })
    this.processing = meter.createHistogram('messaging.process.duration', {
      ...seconds,
      description: 'Duration of processing operation.',
    })
    this.sent = meter.createCounter('messaging.client.sent.messages', {
      ...messages,
      description: 'Number of messages producer attempted to send to the broker.',
    })
    this.consumed = meter.createCounter('messaging.client.consumed.messages', {
      ...messages,
      description: 'Number of messages that were delivered to the application.',
    })
  }

  safely<T>(fn: () => T): T | undefined {
    try {
      return outside(fn)
    } catch (error) {
      this.failed(error)
      return undefined
    }
  }

  failed(error: unknown): void {
    if (this.hasFailed) return
    this.hasFailed = true
    const { message } = recordError(error)
    this.log('warn', 'OpenTelemetry failed, and the app continues without what it lost', { error: message })
  }

  begin(about: About, attributes: Attributes, options: SpanOptions, parent: Context): Span | undefined {
    const { operation, destination } = about
    const all = { ...labels(about), ...attributes }
    return this.safely(() =>
      this.tracer.startSpan(`${operation.name} ${destination}`, { ...options, attributes: all }, parent),
    )
  }

  end(span: Span | undefined, error?: ErrorRecord, endTime?: number): void {
    if (span === undefined) return
    this.safely(() => {
      if (error !== undefined) {
        span.setAttribute('error.type', error.code)
        span.setStatus({ code: this.api.SpanStatusCode.ERROR, message: error.message })
      }
      span.end(endTime)
    })
  }

  /** Measures an operation, in seconds since `began`. */
  measure(about: About, began: number, error?: ErrorRecord): void {
    const took = (now() - began) / 1_000
    const histogram = about.operation.type === 'process' ? this.processing : this.operations
    this.safely(() => histogram.record(took, labels(about, error)))
  }

  count(what: 'sent' | 'consumed', about: About, error?: ErrorRecord): void {
    this.safely(() => this[what].add(1, labels(about, error)))
  }

  /** The context of the code that runs now; undefined where it has no span. */
  active(): Context | undefined {
    try {
      const context = this.api.context.active()
      const span = this.api.trace.getSpanContext(context)
      return span !== undefined && this.api.isSpanContextValid(span) ? context : undefined
    } catch (error) {
      this.failed(error)
      return undefined
    }
  }

  get root(): Context {
    return this.api.ROOT_CONTEXT
  }

  /** A context whose span is that of a place in a trace, or one that runs here. */
  contextOf(span: Span | SpanContext): Context {
    const { trace } = this.api
    return 'spanContext' in span ? trace.setSpan(this.root, span) : trace.setSpanContext(this.root, span)
  }

  /** The place in a trace that a message has. */
  spanAt(trace: string | null): SpanContext | undefined {
    const { traceparent, tracestate } = traceFields(trace)
    if (traceparent === undefined) return undefined
    const [, traceId, spanId, flags] = traceparent.split('-') as [string, string, string, string]
    const traceState = tracestate === undefined ? undefined : this.safely(() => this.api.createTraceState(tracestate))
    const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
    if (!this.api.isSpanContextValid(span)) return undefined
    return traceState === undefined ? span : { ...span, traceState }
  }

  traceOf(span: Span | undefined): string | null {
    const found = span === undefined ? undefined : this.safely(() => span.spanContext())
    if (found === undefined || !this.api.isSpanContextValid(found)) return null
    const { traceId, spanId, traceFlags, traceState } = found
    const flags = (traceFlags & 0xff).toString(16).padStart(2, '0')
    return traceOf(
      `00-${traceId}-${spanId}-${flags}`,
      this.safely(() => traceState?.serialize()),
    )
  }
}

/** What tells spans and measurements apart: names that the app declares, and no data. */
function labels({ operation, destination, processor }: About, error?: ErrorRecord): Attributes {
  return {
    'messaging.system': 'millrace',
    'messaging.operation.name': operation.name,
    'messaging.operation.type': operation.type,
    'messaging.destination.name': destination,
    ...(processor === undefined ? {} : { 'messaging.consumer.group.name': processor }),
    ...(error === undefined ? {} : { 'error.type': labelOf(error.code) }),
  }
}

const labelOf = (code: string) => (code.startsWith('millrace/') || errorNames.has(code) ? code : '_OTHER')
