// The topic on which Millrace publishes what failed and how it was resolved. A failure is an event like any other.
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { asStored } from './codec.ts'
import type { DeskEntry, Resolution } from './desk.ts'
import { type Event, event, type Topic, topic } from './message.ts'
import type { Schema } from './schema.ts'

/** The message that a failure is about. */
export interface FailedMessage {
  readonly id: string
  readonly type: string
  readonly context: string | null
  /** The publisher: `/app`, or `/app/processor`. */
  readonly source: string
  /** The time at which it was published, milliseconds since 1970. */
  readonly time: number
  readonly correlationId: string
  /** Its data as the processor got them. */
  readonly data: unknown
}

/** The data of `processing.failed`: a processor has used up its attempts at a message, or refused it. */
export interface ProcessingFailed {
  readonly processor: string
  /** The topic or channel of the processor. */
  readonly on: string
  readonly message: FailedMessage
  readonly error: { readonly code: string; readonly message: string; readonly data?: unknown }
  readonly attempts: number
  /** The number of times the data were replaced at the desk. */
  readonly corrections: number
}

/** The data of `processing.resolved`: a failed message was handled in the end, discarded, or reset. */
export interface ProcessingResolved {
  readonly processor: string
  readonly on: string
  readonly message: FailedMessage
  readonly outcome: Resolution
  readonly corrections: number
}

const text = { type: 'string' }
const textOrNull = { type: ['string', 'null'] }
const wholeNumber = { type: 'integer', minimum: 0 }

function object(properties: Readonly<Record<string, unknown>>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', properties, required }
}

const message = object({
  id: text,
  type: text,
  context: textOrNull,
  source: text,
  time: wholeNumber,
  correlationId: text,
  data: {},
})
const about = { processor: text, on: text, message, corrections: wholeNumber }
const error = object({ code: text, message: text, data: {} }, ['data'])
const failedShape = object({ ...about, error, attempts: wholeNumber })
const resolvedShape = object({ ...about, outcome: { enum: ['handled', 'discarded', 'reset'] satisfies Resolution[] } })

/**
 * A schema for our own events. Only Millrace publishes them, so it checks little beyond that the data are an object.
 *
 * @param shape the JSON Schema of the data, the same in every draft
 */
function ours<T>(shape: Record<string, unknown>): Schema<T> {
  const standard: StandardSchemaV1.Props<T> & StandardJSONSchemaV1.Props<T> = {
    version: 1,
    vendor: 'millrace',
    jsonSchema: { input: () => shape, output: () => shape },
    validate: (value) =>
      typeof value === 'object' && value !== null && 'processor' in value
        ? { value: current(value) as T }
        : { issues: [{ message: 'only Millrace publishes on this topic' }] },
  }
  return { '~standard': standard }
}

/** Files of format 13 and before call the corrections `revision`. */
function current(value: object): object {
  if (!('revision' in value)) return value
  const { revision: corrections, ...rest } = value
  return { ...rest, corrections }
}

const contextOf = ({ message }: { readonly message: FailedMessage }) => message.context ?? message.id

/**
 * Its context is that of the failed message, or the id where there is none, so events about one message stay in order.
 */
const processingFailed: Event<'processing.failed', ProcessingFailed> = event('processing.failed', {
  schema: ours<ProcessingFailed>(failedShape) as never,
  context: contextOf as never,
})

const processingResolved: Event<'processing.resolved', ProcessingResolved> = event('processing.resolved', {
  schema: ours<ProcessingResolved>(resolvedShape) as never,
  context: contextOf as never,
})

/**
 * The topic of failures, part of every app. `processing.failed` comes when a processor has used up its attempts at a
 * message or refused it, before any rule decides. `processing.resolved` comes when the message is handled in the end,
 * discarded, or ended by a reset of its processor. So a processor can undo its own work when another one fails.
 *
 * Each is published in the commit that moves the message, so there is exactly one for each failure. A message whose
 * discard is taken back is resolved once more. Their context is that of the failed message. Failures of processors on
 * this topic are not published. Messages are kept for `deskRetainMs`, and until each processor of the topic has had
 * them.
 *
 * @example
 * ```ts
 * const alarm = processor('alarm', {
 *   on: failures,
 *   sends: [SendReminder],
 *   handle: {
 *     'processing.failed': ({ data: { processor, message } }, { send }) => {
 *       if (processor === 'labels') send(SendReminder, { orderId: String(message.context) })
 *     },
 *   },
 * })
 * ```
 */
export const failures: Topic<typeof processingFailed | typeof processingResolved> = topic('failures', [
  processingFailed,
  processingResolved,
])

export const failureTypes = { failed: processingFailed, resolved: processingResolved }

export function failedMessage({ message }: DeskEntry): FailedMessage {
  const { id, type, context, source, time, correlationId, json } = message
  return { id, type, context, source, time, correlationId, data: asStored(json) }
}
