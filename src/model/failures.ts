// The topic on which Millrace itself says what has failed and what became of it: a failure is an event like any other.
import { asStored } from './codec.ts'
import type { DeskEntry } from './desk.ts'
import { type Event, event, type Topic, topic } from './message.ts'
import type { Schema } from './schema.ts'

/** The message that a failure is about. */
export interface FailedMessage {
  readonly id: string
  readonly type: string
  readonly context: string | null
  /** The publisher: `/app`, or `/app/processor`. */
  readonly source: string
  /** When it was published, milliseconds since 1970. */
  readonly time: number
  readonly correlationId: string
  /** Its data as the processor was given them. */
  readonly data: unknown
}

/** The data of `processing.failed`: the attempts of a processor at a message are used up, or it was refused. */
export interface ProcessingFailed {
  readonly processor: string
  /** The topic or channel of the processor. */
  readonly on: string
  readonly message: FailedMessage
  readonly error: { readonly code: string; readonly message: string; readonly data?: unknown }
  readonly attempts: number
  /** How often the data were replaced at the desk. */
  readonly revision: number
}

/** The data of `processing.resolved`: a failed message was handled after all, or discarded. */
export interface ProcessingResolved {
  readonly processor: string
  readonly on: string
  readonly message: FailedMessage
  readonly outcome: 'handled' | 'discarded'
  readonly revision: number
}

/** Only Millrace publishes these, so that their shape needs no check beyond being an object. */
function ours<T>(): Schema<T> {
  return {
    '~standard': {
      version: 1,
      vendor: 'millrace',
      validate: (value) =>
        typeof value === 'object' && value !== null && 'processor' in value
          ? { value: value as T }
          : { issues: [{ message: 'only Millrace publishes on this topic' }] },
    },
  }
}

const contextOf = ({ message }: { readonly message: FailedMessage }) => message.context ?? message.id

/** Context: that of the failed message, or its id where it has none; so what concerns one message stays in order. */
const processingFailed: Event<'processing.failed', ProcessingFailed> = event('processing.failed', {
  schema: ours<ProcessingFailed>() as never,
  context: contextOf as never,
})

const processingResolved: Event<'processing.resolved', ProcessingResolved> = event('processing.resolved', {
  schema: ours<ProcessingResolved>() as never,
  context: contextOf as never,
})

/**
 * The topic of failures, part of every app. `processing.failed` comes when a message has failed for good for a
 * processor, before any rule decides; `processing.resolved` when it was handled after all or discarded. So a processor
 * can undo what it did before another one failed.
 *
 * Each leaves in the commit that moves the message, so there is exactly one for each failure; a message whose discard
 * was taken back is resolved once more. Their context is that of the failed message. Failures of processors on this
 * topic are not published. Messages are kept for `deskRetainMs`, and until each processor of the topic has had them.
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
