// The events that tell of a failed message and of its end, on the topic of failures.
import type { Stored } from '../../model/codec.ts'
import type { DeskEntry, Resolution } from '../../model/desk.ts'
import { failedMessage, failures, failureTypes } from '../../model/failures.ts'
import type { Event } from '../../model/message.ts'

/** Encodes an event about a message that failed at a processor. */
export type EncodeFailure = (type: Event, data: object, cause: Stored, processor: string) => Stored

/** A processor whose messages fail. */
interface Failing {
  readonly spec: { readonly destination: { readonly name: string } }
}

const none: readonly Stored[] = []

export class FailureEvents {
  private readonly encode: EncodeFailure

  constructor(encode: EncodeFailure) {
    this.encode = encode
  }

  /** The message has used up its attempts. */
  failed(processor: Failing, entry: DeskEntry): readonly Stored[] {
    const { code, message, data } = entry.error!
    const error = data === undefined ? { code, message } : { code, message, data }
    return this.about(failureTypes.failed, processor, entry, { error, attempts: entry.attempts })
  }

  /** The failed message has come to its end. Nothing is told of one that never failed, and was discarded in line. */
  resolved(processor: Failing, entry: DeskEntry, outcome: Resolution): readonly Stored[] {
    return entry.failures === 0 ? none : this.about(failureTypes.resolved, processor, entry, { outcome })
  }

  /** No event about messages of the topic of failures itself: it would fail in turn. */
  private about(type: Event, { spec }: Failing, entry: DeskEntry, more: object): readonly Stored[] {
    const on = spec.destination.name
    if (on === failures.name) return none
    const { processor, message, corrections } = entry
    const data = { processor, on, message: failedMessage(entry), corrections, ...more }
    return [this.encode(type, data, message, processor)]
  }
}
