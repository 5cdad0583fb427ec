// The log as people see it: its messages, and which of them are shown.
import type { Attributes } from './attributes.ts'

/** A message of a log, as it is shown. */
export interface LogRow {
  /** The topic or channel it is in. */
  readonly destination: string
  readonly kind: 'topic' | 'channel'
  readonly stream: number
  readonly position: number
  readonly id: string
  readonly type: string
  readonly version: number
  /** The publisher: `/app`, `/app/processor`, or the source of a message from another system. */
  readonly source: string
  /** When it was published, milliseconds since 1970. */
  readonly time: number
  readonly context: string | null
  readonly correlationId: string
  readonly causationId: string | null
  readonly traceparent: string | null
  /** Attributes of a message from another system; null for the app's own. */
  readonly attributes: Attributes | null
  /** The data as JSON. */
  readonly json: string
}

/** The place of a message. */
export interface LogPlace {
  readonly stream: number
  readonly position: number
}

/** A filter of messages; every field that is set must match. */
export interface LogFilter {
  /** Name of a topic or channel. */
  readonly destination?: string | undefined
  readonly type?: string | undefined
  readonly context?: string | undefined
  readonly correlation?: string | undefined
}
