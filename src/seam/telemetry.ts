// The way to a telemetry system, such as OpenTelemetry: the engine tells it of each message that is sent, handled and
// settled. One thing comes back, the place in a trace that a message carries. Nothing of it throws, and nothing that the
// engine does depends on it. A run without one has undefined in its place.
//
//   a message:  made ──durable──→ sent, answered
//                └──refused──→ answered with an error, where somebody waits
//   an attempt: begins ──returned──→ its handler has ended ──settled──→ done
//                  └──failed──→ again, later, or ──settled──→ refused, held
import type { Stored } from '../model/codec.ts'
import type { Destination, MessageType } from '../model/message.ts'

/**
 * The parent of the sending of a message: the code that runs now, else the message's own place in a trace; or that place
 * alone, for code that continues long after it began. `batch`: as `caller`, and it is sent with others.
 */
export type Prompted = 'caller' | 'cause' | 'batch'

/** What has become of a message, as its processor acknowledges it. */
export type Settlement = 'acknowledge' | 'refuse' | 'hold' | 'release' | 'resubmit' | 'discard'

/** A message for a processor. */
export interface Received {
  readonly message: Stored
  readonly processor: string
  /** The topic or channel. */
  readonly destination: string
}

export interface Telemetry {
  /** A message is made. Returns the place in a trace that it is to carry. */
  made(message: Stored, to: Pick<Destination, 'kind' | 'name'>, prompted: Prompted): string | null
  /** Messages are durable. Those that it was not told of before are ignored. */
  sent(messages: readonly Stored[]): void
  /** The caller of a message is told what became of it. */
  answered(message: Stored, error?: unknown): void
  /** Messages are about to be sent together. Returns the function that ends that. */
  batch(messages: readonly Stored[]): (error?: unknown) => void
  /** An attempt begins; `type` is that of its handler. */
  attempt(of: Received, type: MessageType, attempt: number): AttemptTrace
  /** A decision about a message at the desk is durable. */
  decided(of: Received, what: Settlement): void
}

export interface AttemptTrace {
  /** The place in the trace of what the attempt itself does. */
  readonly trace: string | null
  /** Calls code of the attempt, which may ask for that place. */
  within<T>(fn: () => T): T
  /** Its handler has returned. `commit`: a function of it is still to run. */
  returned(left: 'nothing' | 'commit'): void
  /** It has failed; its second failure is ignored. */
  failed(error: unknown): void
  /** What follows from it is durable. */
  settled(how: Settlement): void
}
