// Failures of another system that say little or nothing of the message that was sent to it.
//
// A refusal is about the message: another attempt would end as this one. A failure by the other side is about that side:
// every message would meet it. So it uses up attempts only where the other side took other messages in between; while it
// takes none it is away, and one message at a time is tried until one succeeds.

/** What a failure says of the message. */
export interface Away {
  /** True where it says nothing: the message was not read, as with a refused connection or a limit on requests. */
  readonly unread: boolean
  /** The wait that the other side asks for, milliseconds. */
  readonly retryAfterMs?: number | undefined
}

const marked = new WeakMap<object, Away>()

/** Marks an error as a failure of the other side. */
export function markAway<E extends Error>(error: E, away: Away): E {
  marked.set(error, away)
  return error
}

export function awayOf(error: unknown): Away | undefined {
  return typeof error === 'object' && error !== null ? marked.get(error) : undefined
}
