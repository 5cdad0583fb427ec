// A real SDK of OpenTelemetry in memory, registered as an app of a user does it.
import { type Attributes, context, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'

/** A span as tests look at it. */
export interface Seen {
  readonly name: string
  readonly kind: keyof typeof SpanKind
  readonly trace: string
  readonly id: string
  /** The id of its parent; undefined for the first of its trace. */
  readonly parent: string | undefined
  /** The ids of the spans that it is linked to. */
  readonly links: readonly string[]
  readonly status: keyof typeof SpanStatusCode
  readonly said: string | undefined
  readonly attributes: Attributes
}

interface Ends {
  after(fn: () => unknown): void
}

export interface SdkOptions {
  readonly sampler?: Sampler
  readonly processor?: SpanProcessor
}

/** Registers an SDK until the end of a test. */
export function sdk(t: Ends, { sampler, processor }: SdkOptions = {}) {
  const exporter = new InMemorySpanExporter()
  const measures = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: measures, exportIntervalMillis: 3_600_000 })
  const meters = new MeterProvider({ readers: [reader] })
  const spanProcessors = [...(processor === undefined ? [] : [processor]), new SimpleSpanProcessor({ exporter })]
  const tracers = new TracerProvider({ spanProcessors, ...(sampler === undefined ? {} : { sampler }) })
  trace.setGlobalTracerProvider(tracers)
  metrics.setGlobalMeterProvider(meters)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  t.after(async () => {
    trace.disable()
    metrics.disable()
    context.disable()
    await meters.shutdown()
    await tracers.shutdown()
  })
  const spans = () => exporter.getFinishedSpans().map(seen)
  return {
    spans,
    /** The only span with a name, and with some attributes. */
    only(name: string, with_: Attributes = {}): Seen {
      const found = spans().filter(
        (span) => span.name === name && Object.entries(with_).every(([key, value]) => span.attributes[key] === value),
      )
      if (found.length !== 1)
        throw new Error(`${found.length} spans "${name}", of ${JSON.stringify(spans().map((s) => s.name))}`)
      return found[0]!
    },
    forget: () => exporter.reset(),
    /** The data points of a metric. */
    async points(name: string) {
      await meters.forceFlush()
      const all =
        measures
          .getMetrics()
          .at(-1)
          ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? []
      return all.filter((metric) => metric.descriptor.name === name)
    },
  }
}

function seen(span: ReadableSpan): Seen {
  const { traceId, spanId } = span.spanContext()
  return {
    name: span.name,
    kind: SpanKind[span.kind] as keyof typeof SpanKind,
    trace: traceId,
    id: spanId,
    parent: span.parentSpanContext?.spanId,
    links: span.links.map((link) => link.context.spanId),
    status: SpanStatusCode[span.status.code] as keyof typeof SpanStatusCode,
    said: span.status.message,
    attributes: span.attributes,
  }
}
