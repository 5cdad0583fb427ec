// What people tell each other at the desk: who works on a message, notes, groups that are to be quiet for a while.

import type { Claim, NoteAbout } from '../model/claims.ts'
import type { Actor } from '../model/desk.ts'
import type { Snooze } from '../model/desk-views.ts'

/**
 * Each change is one transaction with its line of the audit log, and durable when it resolves. None changes the revision
 * of a message. A claim ends at its time, with `unclaim`, and when its message is resolved. A snooze ends at its time, with
 * `wake`, and when its group has as many held messages as it says.
 */
export interface Claims {
  /** The claim on a message that lasts at a time. May show what is not durable yet. */
  of(item: number, now: number): Promise<Claim | undefined>
  /**
   * Claims a message, or prolongs the claim of the same person.
   *
   * @throws `millrace/unknown-item`, `millrace/not-held` for a resolved one; `millrace/claimed` while somebody else has
   *   claimed it and `takeOver` is false
   */
  claim(item: number, claim: Claim, how: { readonly takeOver: boolean; readonly reason: string | null }): Promise<void>
  /** Ends a claim of one's own. Errors: `millrace/unknown-item`, `millrace/claimed`. */
  unclaim(item: number, actor: Actor, at: number): Promise<void>
  /** Errors: `millrace/unknown-item`, `millrace/unknown-group`. */
  note(about: NoteAbout, text: string, note: { readonly by: string; readonly at: number }): Promise<void>
  /** Makes a group quiet. Without a number of messages it ends at twice as many as are held. Errors: `millrace/unknown-group`. */
  snooze(group: number, snooze: Omit<Snooze, 'orCount'> & { readonly orCount: number | undefined }): Promise<void>
  /** Ends a snooze. Errors: `millrace/unknown-group`. */
  wake(group: number, actor: Actor, at: number): Promise<void>
}
