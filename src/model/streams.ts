// Topics and channels as the store keeps them: each is a stream of messages with positions.

/** A topic or channel as it has to exist in the store. */
export interface SourcePlan {
  readonly kind: 'topic' | 'channel'
  readonly name: string
}

export interface StreamInfo {
  readonly id: number
  readonly kind: 'topic' | 'channel'
  readonly name: string
  /** The newest position; 0 when the stream is empty. */
  readonly head: number
}

/** Where a processor that the store does not know yet begins. */
export type StartAt = 'beginning' | 'now' | Date
