// A request as the store keeps it.

/** The state of a requested command. `held`: a person decides about it at the desk. */
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
  /** The number of the held message of its lane, while it stands in line behind that. */
  readonly behind: number | null
  readonly outcome: unknown
  readonly askedAt: number
  readonly endedAt: number | null
}

/** What becomes of a caller when a person has to decide about its request. */
export type WhenHeld = 'fail' | 'wait'
