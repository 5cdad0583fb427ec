// What people may do about a message that others may act on at the same time.
//
// A revision counts the acts on record about one message: held, released, resubmitted, corrected, kept, discarded, taken
// back, handled. Notes, claims and trials are no acts. A repair that names a revision is carried out on that revision or not at
// all: the second of two editors is told what the first one did.
import { type Actor, type AuditRow, checkActor, type DeskAction, type DeskEntry } from './desk.ts'
import { fault, type MillraceError } from './errors.ts'

/** The person or program that repairs a message, and the revision that it has seen. */
export interface Repair extends Actor {
  /**
   * The `revision` of the message as it was seen. When somebody has acted on it since, the repair is refused with
   * `millrace/stale-revision`. Default: the message is repaired as it is.
   */
  readonly revision?: number | undefined
}

export function checkRepair(where: string, repair: Repair): Repair {
  const actor = checkActor(where, repair)
  return repair.revision === undefined ? actor : { ...actor, revision: repair.revision }
}

/** Lines of the audit log that are no acts. */
const quiet: ReadonlySet<DeskAction> = new Set(['not possible', 'tried', 'claimed', 'unclaimed', 'noted'])

/** Whether a line of the audit log about a message raises its revision. */
export const isAct = (action: DeskAction): boolean => !quiet.has(action)

/**
 * The newest act since a revision, among lines of the audit log, the newest first: that of a person, where there is one.
 * What the app does follows from it.
 */
export function lastAct(lines: readonly AuditRow[], acts: number): AuditRow | undefined {
  const since = lines.filter(({ action }) => isAct(action)).slice(0, Math.max(1, acts))
  return since.find(({ by }) => by !== 'millrace') ?? since[0]
}

/**
 * Tells a second editor what the first one did.
 *
 * @param lines the newest lines of the audit log about the message, the newest first
 */
export function staleRevision({ id, revision }: DeskEntry, seen: number, lines: readonly AuditRow[]): MillraceError {
  const { by, action, at, reason } = lastAct(lines, revision - seen) ?? {
    by: null,
    action: null,
    at: null,
    reason: null,
  }
  const who = at === null ? '' : `: ${action} by ${by} at ${new Date(at).toISOString()}`
  const why = reason === null ? '' : ` (${reason})`
  const what = `message ${id} has changed since revision ${seen}, it has revision ${revision} now`
  return fault('millrace/stale-revision', `${what}${who}${why}`, { data: { id, revision, by, action, at, reason } })
}

/** Lines of the audit log that are read to find the newest act. */
export const actsRead = 100
