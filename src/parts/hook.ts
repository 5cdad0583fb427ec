// A hook as a part of an app: what it publishes for which request. Who may call it is for the edge that serves it.
import type { Event } from '../model/message.ts'

/** A way in for signed webhooks, made by `hook` of `millrace/http`. */
export interface Hook {
  readonly kind: 'hook'
  readonly name: string
  readonly publishes: Event
  /** Checks who has sent a request, and returns the id that the sender gave it. */
  readonly verify: (request: HookRequest) => HookVerdict
  /** The data of the event; undefined for a request that no event follows. */
  readonly data: (body: unknown, headers: Headers) => unknown
}

/** A request that came in, as its signature is checked. */
export interface HookRequest {
  /** Returns a header by its lower-case name. */
  readonly header: (name: string) => string | null | undefined
  readonly body: Uint8Array
  /** The time, milliseconds since 1970. */
  readonly now: number
}

/** The id of a request that was sent by whom it should be, or why it was not. */
export type HookVerdict = { readonly ok: true; readonly id: string } | { readonly ok: false; readonly why: string }
