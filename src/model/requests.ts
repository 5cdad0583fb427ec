// A request as the store keeps it.

/** The state of a requested command. */
export type RequestState = 'waiting' | 'held' | 'replied' | 'refused' | 'discarded' | 'withdrawn'

/** The explanation of a refusal or a discard. */
export interface Explanation {
  readonly message: string
  /** The data of a refusal, as the `refusal` schema of the command gives them. */
  readonly data?: unknown
}

export interface RequestRow {
  readonly id: string
  /** The type of the command. */
  readonly type: string
  readonly state: RequestState
  /** Its number at the desk, while it is held. */
  readonly item: number | null
  readonly outcome: unknown
  readonly askedAt: number
  readonly endedAt: number | null
}
