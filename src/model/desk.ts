// Messages at the desk and the decisions of rules and people: values and pure functions.
//
//   attempts used up ──→ deciding ──the rule says──→ trying | held | discarded
//        └ no rule ──→ held ──retry, resubmit──→ trying ──done──→ handled
//                       └─────discard──→ discarded ──take back──→ trying, or in line, at the end of its lane
//   failed, to be tried again ──→ trying ──done──→ (gone: it never needed anybody)
//   line: waits behind the head of its lane; its turn ──→ trying ──done──→ (gone)
//   all but handled, and discarded of what is handled again ──its processor is reset──→ reset (gone without an attempt)
//
// Each lane at the desk has exactly one head. The head is held, deciding or trying; all others of the lane are in line.
import type { ChangeList } from './change.ts'
import type { Stored } from './codec.ts'
import { type ErrorRecord, fault } from './errors.ts'

/**
 * The state of a message at the desk. `held`: waits for a person; `deciding`: a rule decides; `trying`: is tried again;
 * `line`: waits behind another message of its context; `handled`, `discarded` and `reset` are final.
 */
export type DeskState = 'held' | 'deciding' | 'trying' | 'line' | Resolution

/**
 * The end of a message that had failed. `handled`: an attempt succeeded; `discarded`: a person or a rule gave it up;
 * `reset`: its processor was reset, and handles it again where it begins before it.
 */
export type Resolution = 'handled' | 'discarded' | 'reset'

/** One failed attempt. */
export interface Try {
  /** The time of the failure, milliseconds since 1970. */
  readonly at: number
  readonly code: string
  readonly message: string
  /** The version of the app that made the attempt; left out where it had none. */
  readonly version?: string | undefined
}

/** A copy of a message at the desk, with its state for one processor. A change makes a new value. */
export interface DeskEntry {
  readonly id: number
  readonly processor: string
  /** The message with its current data; a resubmit replaces them. */
  readonly message: Stored
  readonly state: DeskState
  /** The context whose lane it belongs to; null where it has no lane and no message waits behind it. */
  readonly lane: string | null
  /** Its place in the lane, ascending. */
  readonly place: number
  /** The earliest time of the next attempt, milliseconds since 1970; 0 for at once. */
  readonly dueAt: number
  /** Attempts since it was published, released or resubmitted. */
  readonly attempts: number
  /** The number of times the process died while this message ran alone. */
  readonly kills: number
  /** The number of times its data were replaced. */
  readonly corrections: number
  /** The number of acts on record about it; see {@link Repair}. The store counts it. */
  readonly revision: number
  /** The number of times its attempts were used up or it was refused. */
  readonly failures: number
  /** The number of decisions of a rule since the last decision of a person. */
  readonly decisions: number
  readonly error: ErrorRecord | null
  /** The failed attempts, oldest first; only the newest {@link triesMax}. */
  readonly tries: readonly Try[]
  /** The data as published, as JSON; null until they are replaced. */
  readonly original: string | null
  /** The time at which it came to the desk, milliseconds since 1970. */
  readonly heldAt: number
  /** The time at which it was handled, discarded or reset, milliseconds since 1970. */
  readonly resolvedAt: number | null
}

/** The most messages counted behind the head of a lane; where there are more, this number is shown. */
export const waitingCounted = 1_000

/** The most failed attempts kept of one message. */
export const triesMax = 50

/** The states of a message that is the head of a lane or has no lane. */
export const headStates: readonly DeskState[] = ['held', 'deciding', 'trying']

/** The person or program that acts, and the reason. */
export interface Actor {
  /** The name of the person; a rule is `rule NAME`, the app itself is `millrace`. 1 to 2,000 characters. */
  readonly by: string
  /** The reason, for the audit log. 1 to 2,000 characters. */
  readonly reason?: string | undefined
}

/** The action of a line of the audit log. */
export type DeskAction =
  | 'held'
  | 'released'
  | 'resubmitted'
  /** Its data were replaced while it waited in line. */
  | 'corrected'
  | 'kept'
  | 'discarded'
  | 'taken back'
  | 'handled'
  | 'paused'
  | 'resumed'
  | 'set'
  | 'reset'
  | 'retired'
  /** A person ran it for a trial, and all that it did was taken back. */
  | 'tried'
  /** A test event was asked for, of a part that delivers. */
  | 'tested'
  | 'selected'
  | 'run'
  | 'aborted'
  | 'expired'
  /** An action asked for while the app did not run; at its start it was impossible. */
  | 'not possible'
  /** Of a flow or an operation. */
  | 'stopped'
  /** Actions on flows, beside `paused` and `resumed`. */
  | 'cancelled'
  | 'answered'
  | 'run again'
  /** What people tell each other, about a message or a group of held messages. */
  | 'claimed'
  | 'unclaimed'
  | 'noted'
  | 'snoozed'
  | 'woken'
  /** A request over HTTP by somebody who may not, or who is not known. */
  | 'refused'
  /** Of a schedule: its event was published once more. */
  | 'fired'
  /** A token for the HTTP server. */
  | 'made'
  | 'revoked'

/** One line of the audit log. */
export interface AuditRow {
  readonly id: number
  /** The time of the action, milliseconds since 1970. */
  readonly at: number
  readonly by: string
  readonly action: DeskAction
  /** The number of the message at the desk; null for a line about a processor, an operation, a group or a flow. */
  readonly item: number | null
  /** The number of the group of held messages; null for any other line. */
  readonly group: number | null
  /** The name of the processor, operation or flow; of a refused request its route. */
  readonly subject: string
  readonly reason: string | null
  /** The facts of the action: the error of `held`, the data before and after of `resubmitted`. */
  readonly detail: unknown
}

export type Audit = Omit<AuditRow, 'id' | 'group'> & { readonly group?: number | undefined }

// ── decisions ────────────────────────────────────────────────────────────────────────────────────────────────────

/** The decision to try a message again. Made by {@link retry}. */
export interface Retry {
  readonly do: 'retry'
}
/** The decision to send corrected data. Made by {@link resubmit}. */
export interface Resubmit<Data = unknown> {
  readonly do: 'resubmit'
  readonly data: Data
  readonly note: string
}
/** The decision to leave a message to a person. Made by {@link hold}. */
export interface Hold {
  readonly do: 'hold'
  readonly reason: string
}
/** The decision to drop a message. Made by {@link discard}. */
export interface Discard {
  readonly do: 'discard'
  readonly reason: string
}

/** The decision of an operation to send a message with changed data. */
export interface Change {
  readonly do: 'change'
  readonly change: ChangeList
  readonly note: string
}

/** The decision of a rule about a failed message. People at the desk have the same four choices. */
export type Decision<Data = unknown> = Retry | Resubmit<Data> | Hold | Discard

/**
 * Decides to try a message again as it is, with all its attempts. For rules of a desk; people use `app.desk.release`.
 *
 * @returns the decision, to be returned from a rule
 *
 * @example
 * ```ts
 * const patientDesk = desk('patient-desk', {
 *   on: Payments,
 *   decide: { 'card.charge': ({ error }) => (/timeout/.test(error.message) ? retry() : hold('look at it')) },
 * })
 * ```
 */
export function retry(): Retry {
  return { do: 'retry' }
}

/**
 * Decides to try a message again with corrected data. It keeps its id, its context and its place in the lane. The log
 * and other processors keep the data as they were published. Data that do not fit the schema, or belong to another
 * context, are not sent: the message is held.
 *
 * @param data the corrected data
 * @param note what was corrected, for the audit log, 1 to 2,000 characters
 * @returns the decision, to be returned from a rule
 * @throws `millrace/bad-option` without a note
 *
 * @example
 * ```ts
 * const trimmingDesk = desk('trimming-desk', {
 *   on: Orders,
 *   decide: {
 *     'order.placed': ({ message: { data } }) => resubmit({ ...data, sku: data.sku.trim() }, 'spaces removed'),
 *   },
 * })
 * ```
 */
export function resubmit<Data>(data: Data, note: string): Resubmit<Data> {
  return { do: 'resubmit', data, note: checkText('resubmit', 'note', note) }
}

/**
 * Decides to leave a message to a person. It waits at the desk, and so does its lane.
 *
 * @param reason why, for the person, 1 to 2,000 characters
 * @returns the decision, to be returned from a rule
 * @throws `millrace/bad-option` without a reason
 *
 * @example
 * ```ts
 * const carefulDesk = desk('careful-desk', {
 *   on: Payments,
 *   decide: { 'card.charge': ({ error }) => hold(`call the bank: ${error.message}`) },
 * })
 * ```
 */
export function hold(reason: string): Hold {
  return { do: 'hold', reason: checkText('hold', 'reason', reason) }
}

/**
 * Decides to give a message up, on record. Its lane continues with the next message. `app.desk.takeBack` reverses it
 * for `takeBackMs`.
 *
 * @param reason why, for the audit log, 1 to 2,000 characters
 * @returns the decision, to be returned from a rule
 * @throws `millrace/bad-option` without a reason
 *
 * @example
 * ```ts
 * const letterDesk = desk('letter-desk', {
 *   on: Letters,
 *   decide: { 'reminder.send': () => discard('a reminder is not worth the wait') },
 * })
 * ```
 */
export function discard(reason: string): Discard {
  return { do: 'discard', reason: checkText('discard', 'reason', reason) }
}

/** The longest note, reason or name of a person, characters. */
export const textMax = 2_000

export function checkText(where: string, name: string, text: unknown): string {
  if (isText(text)) return text
  throw fault('millrace/bad-option', `${where}: ${name} must be a text of 1 to ${textMax} characters`)
}

function isText(text: unknown): text is string {
  return typeof text === 'string' && text.trim() !== '' && text.length <= textMax
}

export function checkActor(where: string, { by, reason }: Actor): Actor {
  checkText(where, 'by', by)
  if (reason !== undefined) checkText(where, 'reason', reason)
  return { by, reason }
}

/** Reads the decision that a rule returned; undefined where it is none. Throws what its getters throw. */
export function decisionOf(value: unknown): Decision | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const given = value as Readonly<Record<string, unknown>>
  const { do: what, note, reason } = given
  switch (what) {
    case 'retry':
      return { do: what }
    case 'resubmit':
      return 'data' in given && isText(note) ? { do: what, data: given['data'], note } : undefined
    case 'hold':
    case 'discard':
      return isText(reason) ? { do: what, reason } : undefined
    default:
      return undefined
  }
}

// ── what may be done when ────────────────────────────────────────────────────────────────────────────────────────

/**
 * Refuses an action that the state of a message does not allow. Errors: `millrace/not-held`, `millrace/not-discarded`.
 */
export function checkState({ id, state, processor }: DeskEntry, wanted: 'held' | 'discarded'): void {
  if (state === wanted) return
  const now = {
    held: 'is held',
    deciding: `is with the rule of its desk, which has not decided yet`,
    trying: 'was released already and is being tried',
    line: 'waits in line behind another message of its context; release the head of the line',
    handled: 'was handled already',
    discarded: 'was discarded already',
    reset: 'has ended: its processor was reset',
  }[state]
  const code = wanted === 'held' ? 'millrace/not-held' : 'millrace/not-discarded'
  throw fault(code, `message ${id} of processor "${processor}" ${now}`, { data: { id, state } })
}

/**
 * The key by which errors are grouped: the code, and the message without the parts that differ from one message to the
 * next (numbers, ids, quoted text).
 */
export function fingerprint(error: ErrorRecord | null): string {
  if (error === null) return '-'
  const text = error.message
    .slice(0, 1_000)
    .replace(/"[^"\n]*"|'[^'\n]*'|`[^`\n]*`/g, '"…"')
    .replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '#')
    .replace(/\b(?:0x)?[0-9a-f]*\d[0-9a-f]*\b/gi, '#')
    .replace(/\s+/g, ' ')
  return `${error.code}: ${text}`.slice(0, fingerprintMax)
}

const fingerprintMax = 160

/** Appends a failed attempt and keeps the newest {@link triesMax}. */
export function withTry(tries: readonly Try[], failed: Try): readonly Try[] {
  const { version, message } = failed
  const one = { at: failed.at, code: failed.code, message: message.slice(0, tryTextMax) }
  const all = [...tries, version === undefined ? one : { ...one, version }]
  return all.length > triesMax ? all.slice(-triesMax) : all
}

const tryTextMax = 500
