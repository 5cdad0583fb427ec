// Claims: who works on a message at the desk, and until when.
//
//   free ──claim──→ claimed by A until T ──claim by A──→ claimed by A until a later T
//                     ├──T, unclaim by A, the message is resolved──→ free
//                     └──claim by B with takeOver──→ claimed by B          (claim by B: refused)
//
// While a claim lasts, nobody else repairs the message, nor does an operation of somebody else. Rules and the app itself
// are not bound by it.
import { fault, type MillraceError } from './errors.ts'

/** A claim on a message at the desk: others see that somebody works on it. */
export interface Claim {
  readonly by: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** The time at which it ends, milliseconds since 1970. */
  readonly until: number
}

/** The message or the group that a note is about. */
export type NoteAbout = { readonly item: number } | { readonly group: number }

/** Whether a claim binds who acts: the app itself acts for nobody. */
export function isBound(by: string): boolean {
  return by !== 'millrace' && !by.startsWith('app ')
}

/** Tells that somebody else works on a message. */
export function claimed(item: number, { by, until }: Claim): MillraceError {
  const what = `${by} works on message ${item} until ${new Date(until).toISOString()}`
  return fault('millrace/claimed', what, { data: { id: item, by, until } })
}
