// A request to another system, and what became of it. A result is a value: nothing is thrown.
//
//   not sent: nothing has reached the other side     unknown: it may have, and no answer came     answered

/** A request by HTTP. */
export interface Sending {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Hosts that may be reached without TLS, and at addresses that are not public: names as in the URL. */
  readonly allow: readonly string[]
  /** Time for all of it, milliseconds. */
  readonly timeoutMs: number
  /** Aborts when nobody waits for the answer. */
  readonly signal?: AbortSignal | undefined
  /** Calls the function that sends it: for code that asks where it runs, such as that which follows clients of HTTP. */
  readonly within?: (<T>(fn: () => T) => T) | undefined
}

/** An answer. A redirect is an answer too: it is never followed. */
export interface Answer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** The beginning of the body, at most {@link answerBytesMax}. */
  readonly body: string
  /** Whether the body was longer, or broke off. */
  readonly cut: boolean
}

export type Sent =
  | ({ readonly is: 'answered' } & Answer)
  | { readonly is: 'not sent' | 'unknown'; readonly code: string; readonly why: string }

/** What is kept of the body of an answer, bytes; more is not read. */
export const answerBytesMax = 16 * 1024
