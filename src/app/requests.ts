import type { Explanation, RequestRow, RequestState } from '../model/requests.ts'

/** Options of `app.request`. */
export interface RequestOptions {
  /** Time to wait for the reply, milliseconds, 1 to 2,592,000,000 (30 days), default 30,000. */
  readonly timeoutMs?: number | undefined
  /**
   * The id of the request, as of `publish`. A repeated request with the same id sends nothing and gets the same end.
   */
  readonly id?: string | undefined
}

/** The state of a request, as {@link App.requestStatus} gives it. */
export interface RequestStatus {
  /** The id of its command. */
  readonly id: string
  /** The type of the command. */
  readonly command: string
  /**
   * `waiting`: not ended; `held`: at the desk, where a rule or a person decides; `replied`, `refused`, `discarded` and
   * `withdrawn` are ends.
   */
  readonly state: RequestState
  /** The reply, when `state` is `'replied'`. */
  readonly reply?: unknown
  /** The refusal, when `state` is `'refused'`. */
  readonly refusal?: Explanation | undefined
  /** The reason, when `state` is `'discarded'` or `'withdrawn'`. */
  readonly reason?: string | undefined
  /** Its number at the desk, when `state` is `'held'`. */
  readonly item?: number | undefined
  /** When it was sent, milliseconds since 1970. */
  readonly askedAt: number
  /** When it ended, milliseconds since 1970; undefined before. */
  readonly endedAt?: number | undefined
}

/** The state of a request, from what the store keeps of it. */
export function statusOf(row: RequestRow): RequestStatus {
  const { id, type: command, state, item, outcome, askedAt, endedAt } = row
  return {
    id,
    command,
    state,
    askedAt,
    ...(endedAt === null ? {} : { endedAt }),
    ...(item === null ? {} : { item }),
    ...(state === 'replied' ? { reply: outcome } : {}),
    ...(state === 'refused' ? { refusal: outcome as Explanation } : {}),
    ...(state === 'discarded' || state === 'withdrawn' ? { reason: (outcome as Explanation).message } : {}),
  }
}
