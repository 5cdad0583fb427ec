// What people tell each other at the desk: claims, notes, snoozes.
import type { Actor } from '../model/desk.ts'

/** Options of `desk.claim`. */
export interface ClaimOptions extends Actor {
  /** Time for which the claim lasts, milliseconds, 1,000 to 604,800,000 (7 days), default 1,800,000 (30 minutes). */
  readonly forMs?: number | undefined
  /** True to take over the claim of somebody else, on record. Default false. */
  readonly takeOver?: boolean | undefined
}

/** Options of `desk.snooze`. */
export interface SnoozeOptions extends Actor {
  readonly reason: string
  /** The time at which it ends, milliseconds since 1970, at most a year from now. */
  readonly until: number
  /** The number of held messages at which it ends before that, from 1. Default: twice as many as are held now. */
  readonly orCount?: number | undefined
}

/**
 * Claims, notes and snoozes: the part of {@link Desk} by which people who work on it know of each other. Each is in the
 * audit log and changes neither a message nor its `revision`.
 */
export interface DeskClaims {
  /**
   * Claims a message: the others see in each row who works on it, until the claim ends. While it lasts, repairs by
   * somebody else fail with `millrace/claimed`, and operations of somebody else refuse the message; rules and the app
   * itself are not bound. It ends at its time, with `unclaim`, and when the message is resolved. A person who claims a
   * message again prolongs the claim.
   *
   * @param id its number at the desk
   * @param options who and why, for how long, and whether a claim of somebody else is taken over
   * @throws `millrace/unknown-item`; `millrace/not-held` for a resolved message; `millrace/claimed` while somebody else has
   *   claimed it
   *
   * @example
   * ```ts
   * const [first] = await shop.desk.list()
   * await shop.desk.claim(first!.id, { by: 'ada', forMs: 3_600_000 })
   * const { claim } = (await shop.desk.show(first!.id))!
   * console.assert(claim?.by === 'ada')
   * ```
   */
  claim(id: number, options: ClaimOptions): Promise<void>
  /**
   * Ends a claim of one's own; nothing happens where there is none.
   *
   * @param id its number at the desk
   * @param actor who, and why
   * @throws `millrace/unknown-item`; `millrace/claimed` for a claim of somebody else: take it over first
   *
   * @example
   * ```ts
   * const [first] = await shop.desk.list()
   * await shop.desk.claim(first!.id, { by: 'ada' })
   * await shop.desk.unclaim(first!.id, { by: 'ada' })
   * ```
   */
  unclaim(id: number, actor: Actor): Promise<void>
  /**
   * Leaves a note on a message or on a group. The notes on a message are lines of its `history`; a group shows the newest
   * as `note`, and `audit({ group })` lists all.
   *
   * @param about the number of a message at the desk, or `{ group }` with the id of a group
   * @param text the note, 1 to 2,000 characters
   * @param actor who
   * @throws `millrace/unknown-item`, `millrace/unknown-group`
   *
   * @example
   * ```ts
   * const [group] = await shop.desk.groups()
   * await shop.desk.note({ group: group!.id! }, 'the supplier is told, ticket 17', { by: 'ada' })
   * ```
   */
  note(about: number | { readonly group: number }, text: string, actor: Actor): Promise<void>
  /**
   * Snoozes a group: it is quiet until a time, or until it has so many held messages. It stays in the list and says so, its
   * messages stay held, their lanes closed; `counts` and `groups` tell how many of the held messages are in snoozed groups.
   *
   * @param group the id of a group
   * @param options who and why, until when, or until how many
   * @throws `millrace/unknown-group`; `millrace/bad-option` for a time that is over
   *
   * @example
   * ```ts
   * const [group] = await shop.desk.groups()
   * const until = Date.now() + 86_400_000
   * await shop.desk.snooze(group!.id!, { until, by: 'ada', reason: 'the supplier answers on Monday' })
   * ```
   */
  snooze(group: number, options: SnoozeOptions): Promise<void>
  /**
   * Ends a snooze; nothing happens where there is none.
   *
   * @param group the id of a group
   * @param actor who, and why
   * @throws `millrace/unknown-group`
   *
   * @example
   * ```ts
   * const [group] = await shop.desk.groups()
   * await shop.desk.wake(group!.id!, { by: 'ada' })
   * ```
   */
  wake(group: number, actor: Actor): Promise<void>
}
