// What is at the desk, and what rules and people may decide about it: values and pure functions.
//
//   failed for good ──→ deciding ──the rule says──→ trying | held | discarded
//        └ no rule ──→ held ──retry, resubmit──→ trying ──done──→ handled
//                       └─────discard──→ discarded ──take back──→ trying, or in line, at the end of its lane
//   failed, to be tried again ──→ trying ──done──→ (gone: it never needed anybody)
//   line: waits behind the head of its lane; its turn ──→ trying ──done──→ (gone)
//
// Each lane at the desk has exactly one head; it is held, deciding or trying, and all others of it are in line.
import type { Stored } from './codec.ts'
import { type ErrorRecord, fault } from './errors.ts'

export type DeskState = 'held' | 'deciding' | 'trying' | 'line' | 'handled' | 'discarded'

/** One failed attempt. */
export interface Try {
  /** When it failed, milliseconds since 1970. */
  readonly at: number
  readonly code: string
  readonly message: string
}

/** A message at the desk: a copy of it, and what became of it for one processor. */
export interface DeskEntry {
  readonly id: number
  readonly processor: string
  /** With today's data: a resubmit replaces them. */
  message: Stored
  state: DeskState
  /** The context whose lane at the desk it belongs to; null while it stands alone and closes nothing. */
  lane: string | null
  /** Order within the lane. */
  place: number
  /** Not to be tried before, milliseconds since 1970; 0 for at once. */
  dueAt: number
  /** Attempts since it was published, released or resubmitted. */
  attempts: number
  /** How often the process died while this message ran alone. */
  kills: number
  /** How often its data were replaced. */
  revision: number
  /** How often it has failed for good. */
  failures: number
  /** How often a rule has decided since a person last did. */
  decisions: number
  error: ErrorRecord | null
  /** The failed attempts, oldest first, at most {@link triesMax} of the newest. */
  tries: readonly Try[]
  /** The data as it was published, as JSON, once it was replaced. */
  original: string | null
  /** When it came to the desk, milliseconds since 1970. */
  readonly heldAt: number
  /** When it was handled or discarded. */
  resolvedAt: number | null
}

/** How many messages behind the head of a lane are counted; where there are more, so many are shown. */
export const waitingCounted = 1_000

/** How many failed attempts are kept of one message. */
export const triesMax = 50

/** The states in which a message is the head of a lane, or alone. */
export const headStates: readonly DeskState[] = ['held', 'deciding', 'trying']

/** Who acts, and why. */
export interface Actor {
  /** A person, by name; rules are `rule NAME`, the app itself is `millrace`. */
  readonly by: string
  readonly reason?: string | undefined
}

export type DeskAction =
  | 'held'
  | 'released'
  | 'resubmitted'
  | 'kept'
  | 'discarded'
  | 'taken back'
  | 'handled'
  | 'paused'
  | 'resumed'
  | 'selected'
  | 'aborted'
  /** What was wished for while the app did not run could not be done at its start. */
  | 'not possible'
  /** Of flows, beside `paused` and `resumed`. */
  | 'cancelled'
  | 'stopped'
  | 'answered'
  | 'run again'

/** One line of the audit log. */
export interface AuditRow {
  readonly id: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly by: string
  readonly action: DeskAction
  /** The message at the desk; null where it is about a processor, an operation or a flow. */
  readonly item: number | null
  /** The processor, the operation, or the flow. */
  readonly subject: string
  readonly reason: string | null
  /** What belongs to the action: the error of `held`, the data before and after of `resubmitted`. */
  readonly detail: unknown
}

export type Audit = Omit<AuditRow, 'id'>

// ── decisions ────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Retry {
  readonly do: 'retry'
}
export interface Resubmit<Data = unknown> {
  readonly do: 'resubmit'
  readonly data: Data
  readonly note: string
}
export interface Hold {
  readonly do: 'hold'
  readonly reason: string
}
export interface Discard {
  readonly do: 'discard'
  readonly reason: string
}

/** What a rule decides about a message that failed for good; the actions of people are the same four. */
export type Decision<Data = unknown> = Retry | Resubmit<Data> | Hold | Discard

/** Try it again as it is. */
export function retry(): Retry {
  return { do: 'retry' }
}

/**
 * Send corrected data in its place: same id, same context, checked against the schema.
 *
 * @param note what was corrected, for the audit log
 * @throws `millrace/bad-option` without a note
 */
export function resubmit<Data>(data: Data, note: string): Resubmit<Data> {
  return { do: 'resubmit', data, note: checkText('resubmit', 'note', note) }
}

/** Keep it for a person. Errors: `millrace/bad-option` without a reason. */
export function hold(reason: string): Hold {
  return { do: 'hold', reason: checkText('hold', 'reason', reason) }
}

/** Give it up, on record; what waits behind it goes on. Errors: `millrace/bad-option` without a reason. */
export function discard(reason: string): Discard {
  return { do: 'discard', reason: checkText('discard', 'reason', reason) }
}

/** Longest note, reason or name of a person, characters. */
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

/** What a rule gave, if it is a decision at all, as plain values. Errors: what its getters throw. */
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

/** Refuses what people cannot do to a message as it is now. Errors: `millrace/not-held`, `millrace/not-discarded`. */
export function checkState({ id, state, processor }: DeskEntry, wanted: 'held' | 'discarded'): void {
  if (state === wanted) return
  const now = {
    held: 'is held',
    deciding: `is with the rule of its desk, which has not decided yet`,
    trying: 'was released already and is being tried',
    line: 'waits in line behind another of its context; what holds up the line is its head',
    handled: 'was handled meanwhile',
    discarded: 'was discarded already',
  }[state]
  const code = wanted === 'held' ? 'millrace/not-held' : 'millrace/not-discarded'
  throw fault(code, `message ${id} of processor "${processor}" ${now}`, { data: { id, state } })
}

/**
 * What an error is grouped by: its code, and its message without what differs from one message to the next (numbers,
 * ids, what stands in quotes).
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

/** The failed attempts with one more. */
export function withTry(tries: readonly Try[], at: number, { code, message }: ErrorRecord): readonly Try[] {
  const all = [...tries, { at, code, message: message.slice(0, tryTextMax) }]
  return all.length > triesMax ? all.slice(-triesMax) : all
}

const tryTextMax = 500
