// The place of a message in a trace, as of W3C Trace Context. It is kept as one text, `traceparent`, with a space and
// `tracestate` behind it where there is one. A message from elsewhere has its `tracestate` among its attributes.
import type { Attributes } from './attributes.ts'

/** As of W3C Trace Context, in lower case. */
export const traceparentPattern: RegExp = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** The longest `tracestate` that every system must pass on, and its characters. A longer one is left out. */
const statePattern = /^[\x20-\x7e]{1,512}$/

/** The place in a trace as two attributes, or headers. */
export type TraceFields = Readonly<Partial<Record<'traceparent' | 'tracestate', string>>>

/** The text of both. */
export function traceOf(traceparent: string, tracestate: unknown): string {
  return typeof tracestate === 'string' && statePattern.test(tracestate) ? `${traceparent} ${tracestate}` : traceparent
}

/** The place in the trace that whatever follows from a message has. */
export function carriedBy({ trace, attributes }: Traced): string | null {
  return trace === null || attributes === null ? trace : traceOf(trace, attributes['tracestate'])
}

interface Traced {
  readonly trace: string | null
  readonly attributes: Attributes | null
}

/** The text taken apart. */
export function traceFields(trace: string | null): TraceFields {
  if (trace === null) return {}
  const space = trace.indexOf(' ')
  return space === -1
    ? { traceparent: trace }
    : { traceparent: trace.slice(0, space), tracestate: trace.slice(space + 1) }
}

/** The `traceparent` alone. */
export const traceparentOf = (trace: string | null): string | null => traceFields(trace).traceparent ?? null

/** The place in a trace that headers give; null where they give none. */
export function traceIn(headers: Pick<Headers, 'get'>): string | null {
  const traceparent = headers.get('traceparent')
  return traceparent !== null && traceparentPattern.test(traceparent)
    ? traceOf(traceparent, headers.get('tracestate'))
    : null
}
