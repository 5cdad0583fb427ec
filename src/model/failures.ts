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
  /** Who published it: `/app`, `/app/processor`. */
  readonly source: string
  /** When, milliseconds since 1970. */
  readonly time: number
  readonly correlationId: string
  /** Its data as the processor was given it. */
  readonly data: unknown
}

/** A message has failed for good for one processor: its attempts are used up, or it was refused. */
export interface ProcessingFailed {
  readonly processor: string
  /** The topic or channel of the processor. */
  readonly on: string
  readonly message: FailedMessage
  readonly error: { readonly code: string; readonly message: string; readonly data?: unknown }
  readonly attempts: number
  /** How often its data had been replaced at the desk. */
  readonly revision: number
}

/** A message that had failed was resolved: handled after all, or given up. */
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
 * The topic of failures, part of every app: `processing.failed` when a message has failed for good for a processor,
 * `processing.resolved` when that was resolved. Both leave with the commit that moves the message to the desk or
 * takes it away, so that there is exactly one for each failure; a message whose discard was taken back is resolved once
 * more. Processors on this topic publish none. Kept for `deskRetainMs`, and till each processor of the topic has had them.
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
