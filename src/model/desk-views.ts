// The desk as people see it: messages, groups, operations on many messages, pending actions, the audit log.
import type { ChangeList } from './change.ts'
import type { Claim } from './claims.ts'
import type { Actor, AuditRow, Change, Decision, DeskEntry, DeskState } from './desk.ts'
import type { Help } from './help.ts'
import type { OperationState } from './operation-states.ts'

/** A filter of messages at the desk; every field that is set must match. */
export interface DeskFilter {
  readonly processor?: string | undefined
  /** Default: all states but the resolved ones. */
  readonly states?: readonly DeskState[] | undefined
  /** The name of the message type. */
  readonly type?: string | undefined
  readonly context?: string | undefined
  /** The id of a {@link DeskGroup}. */
  readonly group?: number | undefined
  /** Only entries with a higher id. */
  readonly after?: number | undefined
  /** The most rows, default 100. */
  readonly limit?: number | undefined
}

/** A page of the line behind a message. */
export interface LineFilter {
  /** Only messages with a higher `place`: of the next page, the place of the last row. */
  readonly after?: number | undefined
  /** The most rows, default 100. */
  readonly limit?: number | undefined
}

/** What the code of the app tells people; all null where a command does not know it (`--db` without the app file). */
export interface Told {
  /** What the error means and what to do, by the `help` of a desk; null where nothing is said. */
  readonly help: Help | null
  /** Who answers for the processor; null where nothing is said, and for a group of several processors. */
  readonly owner: string | null
}

/** A message at the desk as people see it. Where it stands in a list, stacks of its error have their first line only. */
export interface DeskRow extends KeptRow, Told {
  /** Whether its processor says that it may be tried; null where the code of the app is not known. */
  readonly trial: boolean | null
  /** The version of the app that made its last failed attempt; null where none is known. */
  readonly codeThen: string | null
  /** The version of the app as its code says now; null where it says none, or the code is not known. */
  readonly codeNow: string | null
}

/** A message at the desk as a store has it. */
export interface KeptRow extends DeskEntry {
  /** The number of the message at the head of its lane, behind which it is in line; null unless its state is `line`. */
  readonly behind: number | null
  /** The number of messages in line behind it, counted up to 1,000. */
  readonly waiting: number
  /** The action asked for while the app did not run; it is done when the app starts. */
  readonly pending: PendingAction | null
  /** Who works on it; null where nobody does. */
  readonly claim: Claim | null
  /** The current data of the message; the stored text where it is not JSON. */
  readonly data: unknown
}

/** The message that caused another. */
export interface Cause {
  /** The topic or channel it is in. */
  readonly destination: string
  readonly type: string
}

/** One message at the desk with its line and its history. */
export interface DeskItem extends DeskRow {
  /** The first ten messages that wait behind it, in order. */
  readonly line: readonly DeskRow[]
  /** The message that caused it; null where none did, or where finding it would read too much. */
  readonly cause: Cause | null
  /** The lines of the audit log about it, oldest first. */
  readonly history: readonly AuditRow[]
}

/** One message at the desk as a store has it. */
export interface KeptItem extends KeptRow, Pick<DeskItem, 'cause' | 'history'> {
  readonly line: readonly KeptRow[]
}

/** A group of held messages; {@link GroupBy} says what they share. */
export interface DeskGroup extends KeptGroup, Told {}

/** A group of held messages as a store has it. */
export interface KeptGroup {
  /** The id for {@link DeskFilter}; null unless the group is of one processor, type and error. */
  readonly id: number | null
  readonly processor: string | null
  readonly type: string | null
  /** The error without the parts that differ between messages. */
  readonly error: string | null
  readonly held: number
  /** How many of them are in a group that is snoozed: all or none, unless it is of several. */
  readonly snoozed: number
  /** Until when it is quiet; null where it is not, or is of several groups. */
  readonly snooze: Snooze | null
  /** The newest note on it; null where nobody left one, or it is of several groups. */
  readonly note: Note | null
  /** The times at which the first and the last of them were held, milliseconds since 1970. */
  readonly firstAt: number
  readonly lastAt: number
}

/** A group that is quiet for a while. Its messages stay held and in sight, and their lanes closed. */
export interface Snooze {
  /** The time at which it ends, milliseconds since 1970. */
  readonly until: number
  /** The number of held messages at which it ends before that. */
  readonly orCount: number
  readonly by: string
  readonly at: number
  readonly reason: string
}

/** A note that a person has left. */
export interface Note {
  readonly text: string
  readonly by: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** A filter of the groups of held messages. */
export interface GroupFilter {
  readonly processor?: string | undefined
  /** The most groups, default 10,000; the largest are kept. */
  readonly limit?: number | undefined
}

/** The field by which messages are grouped. */
export type GroupBy = 'processor' | 'error' | 'type' | 'all'

/** An operation on many held messages: a frozen selection with a name, progress and an end. */
export interface Operation {
  readonly id: number
  readonly name: string
  /** `resubmit`: each is changed by `change` and released. */
  readonly action: 'release' | 'resubmit' | 'discard'
  readonly by: string
  readonly reason: string | null
  /** The change of the data of each message; null unless `action` is `resubmit`. */
  readonly change: ChangeList | null
  /** True to do one message first, and the others only after that one is handled. */
  readonly oneFirst: boolean
  readonly state: OperationState
  /** Messages selected, dealt with, and of the latter impossible (somebody else released them first). */
  readonly total: number
  readonly done: number
  readonly refused: number
  /** The lanes of the selected messages: those of one processor and context; a message without a context is one. */
  readonly lanes: number
  /** The most lanes in each second; null for no limit. */
  readonly perSecond: number | null
  /** The number of failures at which it stops; null for none. */
  readonly stopAfter: number | null
  /** Messages that were refused since it was last run and, with `stopAfter`, those that were held again. */
  readonly failures: number
  /** With `perSecond`, the earliest time at which the next lane begins, milliseconds since 1970. */
  readonly nextAt: number | null
  /** The time until which a prepared one can be run, milliseconds since 1970. */
  readonly expiresAt: number | null
  /** The time at which it was selected, milliseconds since 1970. */
  readonly startedAt: number
  readonly endedAt: number | null
}

/** The way in which an operation is to be carried out, and who says so. */
export interface OperationRun extends Actor {
  /** The most lanes in each second; default: as before. */
  readonly perSecond?: number | undefined
  /** The number of failures at which it stops; default: as before. */
  readonly stopAfter?: number | undefined
}

/** A filter of operations; every field that is set must match. */
export interface OperationFilter {
  readonly name?: string | undefined
  /** Only operations with a higher id. */
  readonly after?: number | undefined
  /** The most rows, default 100. */
  readonly limit?: number | undefined
}

/** The current state of the messages of an operation. */
export interface OperationOutcome {
  /** Released and handled, or resolved since. */
  readonly handled: number
  /** Released, and being tried or in line. */
  readonly trying: number
  /** Released, and held again or with a rule. */
  readonly held: number
  readonly discarded: number
}

/** An operation before it begins: prepared where `expiresAt` is set. */
export type NewOperation = Pick<
  Operation,
  'name' | 'action' | 'by' | 'reason' | 'change' | 'oneFirst' | 'perSecond' | 'stopAfter' | 'expiresAt' | 'startedAt'
>

/** A message that an operation has not dealt with. */
export interface SelectedItem {
  readonly item: number
  /** The lane it is in: the lowest number of the selected messages of that lane. */
  readonly lane: number
  /** Whether the operation has acted on another message of the lane. */
  readonly begun: boolean
}

/** A message that an operation could not act on, with the reason. */
export interface RefusedItem {
  readonly item: number
  readonly why: string
}

/** The place of a page in the selection of an operation. */
export interface PreviewPage {
  /** Only messages with a higher number. */
  readonly after?: number | undefined
  /** The most messages, default 20, at most 100. */
  readonly limit?: number | undefined
}

/** The result that the change of an operation would have for one of its messages. */
export interface Preview {
  /** The number of the message at the desk. */
  readonly item: number
  /** Its data, as JSON text: every digit is as it is stored. */
  readonly before: string
  /** Its data after the change, as JSON text; null where the change is refused. */
  readonly after: string | null
  /** The reason for which the change would be refused; null where it fits. */
  readonly why: string | null
}

/** An action of a person on a message at the desk. */
export type DecisionOrTakeBack = Decision | Change | { readonly do: 'take back' }

/** An action on a message at the desk, asked for by a caller that does not own its lane. The owner carries it out. */
export interface PendingAction extends Actor {
  readonly item: number
  readonly action: DecisionOrTakeBack
  readonly at: number
}

/** A filter of the audit log; every field that is set must match. */
export interface AuditFilter {
  readonly item?: number | undefined
  readonly group?: number | undefined
  /** True: only requests over HTTP that were refused. */
  readonly refused?: boolean | undefined
  /** Only older lines; the newest come first. */
  readonly before?: number | undefined
  /** The most rows, default 100. */
  readonly limit?: number | undefined
}

export interface HeldCount {
  readonly processor: string
  /** The topic or channel. */
  readonly destination: string
  readonly held: number
}

/** A selection of held messages, by filter or by number. */
export type Selection = Omit<DeskFilter, 'states' | 'after' | 'limit'> & {
  readonly items?: readonly number[] | undefined
  /** Only messages whose last failed attempt was made by this version of the app. */
  readonly failedIn?: string | undefined
}

/** The numbers of messages at the desk. */
export interface DeskCounts {
  readonly held: number
  /** How many of the held messages are in groups that are snoozed. */
  readonly snoozed: number
  readonly waiting: number
  /** Discarded messages that can still be looked at. */
  readonly discarded: number
}

/** A processor that a person has paused. */
export interface Paused {
  readonly processor: string
  readonly at: number
  readonly by: string
  readonly reason: string | null
}

/** What a reset of a processor would end, by number. */
export interface EndedByReset {
  /** Messages that are held or with a rule. */
  readonly held: number
  /** Messages that have failed and wait for another attempt. */
  readonly tried: number
  /** Messages in line behind others, and those that were interrupted. */
  readonly inLine: number
  /** Those of all that the processor would not handle again. */
  readonly left: number
  /** Elements in open batches of a gather. */
  readonly gathered: number
}

/** The number of handlers of a processor that may run at once, as a person has set it. */
export interface ConcurrencySet {
  readonly processor: string
  readonly most: number
}

/** The number of messages that each processor holds, the paused processors, and the concurrency that people have set. */
export interface DeskAtProcessors {
  readonly held: readonly HeldCount[]
  readonly paused: readonly Paused[]
  readonly concurrencies: readonly ConcurrencySet[]
}
