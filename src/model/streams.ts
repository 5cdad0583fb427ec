// Topics and channels as the store keeps them. Each is a stream of messages with positions.

/** A topic or channel that must exist in the store. */
export interface SourcePlan {
  readonly kind: 'topic' | 'channel'
  readonly name: string
  /** What the app itself publishes there: for stores that take messages without it. Default: nothing. */
  readonly publishes?: readonly PublishedKind[] | undefined
}

/** A type in its present version, and the source of its messages. */
export interface PublishedKind {
  readonly type: string
  readonly version: number
  readonly source: string
}

export interface StreamInfo {
  readonly id: number
  readonly kind: 'topic' | 'channel'
  readonly name: string
  /** The newest position; 0 when the stream is empty. */
  readonly head: number
}

/** The starting point of a processor that is new to the store. */
export type StartAt = 'beginning' | 'now' | Date
