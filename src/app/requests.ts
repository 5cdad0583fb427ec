import { fault } from '../model/errors.ts'
import { forPeople } from '../model/people.ts'
import type { Explanation, RequestRow, RequestState, WhenHeld } from '../model/requests.ts'

/** Options of `app.request`. */
export interface RequestOptions {
  /**
   * What becomes of the caller when a person has to decide about the request: it is held at the desk, or stands in line
   * behind a message that is. `'fail'` (default): the call rejects at once with `millrace/request-held`. `'wait'`: it
   * waits for the end, up to `timeoutMs`. The request itself continues either way.
   */
  readonly whenHeld?: 'fail' | 'wait' | undefined
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
   * `waiting`: not ended; `held`: at the desk, where a person decides; `replied`, `refused`, `discarded` and
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
  /**
   * The number at the desk of the held message of its context that it waits behind, when `state` is `'waiting'`;
   * undefined when it waits behind none.
   */
  readonly behind?: number | undefined
  /** When it was sent, milliseconds since 1970. */
  readonly askedAt: number
  /** When it ended, milliseconds since 1970; undefined before. */
  readonly endedAt?: number | undefined
}

/** @throws `millrace/bad-option` */
export function checkWhenHeld(where: string, given: unknown): WhenHeld {
  if (given === undefined) return 'fail'
  if (given === 'fail' || given === 'wait') return given
  throw fault('millrace/bad-option', `${where}: whenHeld is ${forPeople(given)}, but must be 'fail' or 'wait'`)
}

/** The state of a request, from what the store keeps of it. */
export function statusOf(row: RequestRow): RequestStatus {
  const { id, type: command, state, item, behind, outcome, askedAt, endedAt } = row
  return {
    id,
    command,
    state,
    askedAt,
    ...(endedAt === null ? {} : { endedAt }),
    ...(item === null ? {} : { item }),
    ...(behind === null ? {} : { behind }),
    ...(state === 'replied' ? { reply: outcome } : {}),
    ...(state === 'refused' ? { refusal: outcome as Explanation } : {}),
    ...(state === 'discarded' || state === 'withdrawn' ? { reason: (outcome as Explanation).message } : {}),
  }
}
