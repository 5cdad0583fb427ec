// What is at the desk, and what people do about it: one surface, whether the app runs here or not at all.
import type {
  Actor,
  AuditFilter,
  AuditRow,
  Cause,
  Decision,
  DeskCounts,
  DeskFilter,
  DeskGroup,
  DeskReads,
  DeskRow,
  GroupBy,
  GroupFilter,
  NewOperation,
  Operation,
  OperationFilter,
  OperationOutcome,
  RefusedItem,
  Selection,
} from '../index.ts'
import { checkActor, checkText } from '../model/desk.ts'
import { fault } from '../model/errors.ts'
import { checked } from './calls.ts'

/** Everything about one message at the desk. */
export interface DeskItem extends DeskRow {
  /** The first that wait behind it, in order. */
  readonly line: readonly DeskRow[]
  /** The message that caused it; null where none did, or where finding it would take reading much. */
  readonly cause: Cause | null
  /** What was done about it, oldest first. */
  readonly history: readonly AuditRow[]
}

export interface OperationOptions extends Actor {
  /** 1 to 100 characters, its own: for people to know it by. */
  readonly name: string
  /** Of a release: one message first, and the others only when that one was handled. Default false. */
  readonly oneFirst?: boolean | undefined
}

/**
 * The desk of a running app; the same for people, the command line and programs. Every function checks what it is given:
 * `millrace/bad-option`, `millrace/unknown-option`.
 *
 * Lists give a page: at most `limit` rows, and at most 16 MiB of them (`pageBytes`), but at least one. A page with fewer
 * rows than its limit need not be the last: to read all, ask again `after` the last row until a page is empty.
 */
export interface Desk {
  /**
   * Those that fit, the oldest first; default: all that are at the desk and not resolved, at most 100. Each row has the
   * `data` of its message.
   */
  list(filter?: DeskFilter): Promise<DeskRow[]>
  /** Everything about one; undefined when there is none such (any more). */
  show(id: number): Promise<DeskItem | undefined>
  counts(): Promise<DeskCounts>
  /**
   * How many are held, by processor, error, type or each combination of them; the largest group first, at most `limit`
   * (default 10,000).
   */
  groups(by?: GroupBy, filter?: GroupFilter): Promise<DeskGroup[]>
  /**
   * Lets a held message run again, and the line behind it in order. Like every action here: resolves when it is on
   * disk, is in the audit log from then on, and done twice it changes nothing (the second is `millrace/not-held`).
   *
   * @param actor who and why; default: the app itself
   * @throws `millrace/unknown-item`, `millrace/not-held`, `millrace/unknown-processor`
   */
  release(id: number, actor?: Actor): Promise<void>
  /**
   * Sends corrected data in place of a held message's: the same message, with its id and context, checked against its
   * schema. The reason is needed; what was changed is in the audit log.
   *
   * @throws as of `release`; `millrace/bad-data`, `millrace/not-json`, `millrace/too-large`,
   *   `millrace/context-changed`, `millrace/unknown-type`, `millrace/bad-option` without a reason
   */
  resubmit(id: number, data: unknown, actor: Actor): Promise<void>
  /**
   * Gives a held message up; what waits behind it goes on. The reason is needed. Stays at the desk as discarded for
   * `deskRetainMs`.
   *
   * @throws as of `release`; `millrace/bad-option` without a reason
   */
  discard(id: number, actor: Actor): Promise<void>
  /**
   * Takes back a discard within `takeBackMs`: the message joins the end of its lane.
   *
   * @throws `millrace/unknown-item`, `millrace/not-discarded`, `millrace/too-late`, `millrace/unknown-processor`
   */
  takeBack(id: number, actor?: Actor): Promise<void>
  /**
   * Releases or discards all held messages that fit now, as an operation with a name, progress and an end; what comes
   * to be held later is none of it. Resolves when the selection is on disk; it is carried out from then on, also across
   * restarts.
   *
   * @throws `millrace/nothing-selected`, `millrace/duplicate-name`, `millrace/bad-option`
   */
  select(action: Operation['action'], what: Selection, options: OperationOptions): Promise<Operation>
  /** Operations, the oldest first, at most `limit` (default 100). */
  operations(filter?: OperationFilter): Promise<Operation[]>
  /**
   * What has become of the messages that an operation has released or discarded, of at most the first 10,000: that a
   * message is released says that it is tried again, and not that it is handled.
   */
  outcome(operation: number): Promise<OperationOutcome>
  /** Messages of an operation that it could do nothing about, and why, at most 100. */
  refused(operation: number): Promise<RefusedItem[]>
  /**
   * Ends an operation; what it has done stays done.
   *
   * @throws `millrace/unknown-operation`, `millrace/operation-ended`
   */
  abort(operation: number, actor?: Actor): Promise<void>
  /** The audit log, newest first, at most `limit` (default 100) lines. Nothing is ever removed from it. */
  audit(filter?: AuditFilter): Promise<AuditRow[]>
}

const lineShown = 10
const historyShown = 1_000
const refusedShown = 100
const nameCharsMax = 100

/** What carries the actions out: the engine of a running app, or a file that no app has. */
export interface DeskBackend {
  look<T>(read: (desk: DeskReads) => T): Promise<T>
  decide(item: number, decision: Decision, actor: Actor): Promise<void>
  takeBack(item: number, actor: Actor): Promise<void>
  select(operation: NewOperation, what: Selection): Promise<Operation>
  abort(operation: number, actor: Actor): Promise<void>
}

/** Checks what is asked for and has it done. `backend` gives what does it, or throws when there is nothing. */
export function deskOn(backend: () => DeskBackend, itself: string, now: () => number): Desk {
  const us: Actor = { by: itself }
  const look: DeskBackend['look'] = async (read) => backend().look(read)
  return checked<Desk>('desk', {
    list: (filter = {}) => look((desk) => desk.list(filter)),
    show: (id) =>
      look((desk) => {
        const row = desk.row(id)
        return row === undefined ? undefined : itemOf(row, desk)
      }),
    counts: () => look((desk) => desk.counts()),
    groups: (by = 'all', filter = {}) => look((desk) => desk.groups(by, filter)),
    release: async (id, actor = us) => backend().decide(id, { do: 'retry' }, checkActor('release', actor)),
    resubmit: async (id, data, actor) => {
      const note = checkText('resubmit', 'reason', actor.reason)
      return backend().decide(id, { do: 'resubmit', data, note }, checkActor('resubmit', actor))
    },
    discard: async (id, actor) => {
      const reason = checkText('discard', 'reason', actor.reason)
      return backend().decide(id, { do: 'discard', reason }, checkActor('discard', actor))
    },
    takeBack: async (id, actor = us) => backend().takeBack(id, checkActor('takeBack', actor)),
    select: async (action, what, options) => backend().select(newOperation(action, options, now()), what),
    operations: (filter = {}) => look((desk) => desk.operations(filter)),
    outcome: (id) => look((desk) => desk.outcome(id)),
    refused: (id) => look((desk) => desk.refused(id, refusedShown)),
    abort: async (id, actor = us) => backend().abort(id, checkActor('abort', actor)),
    audit: (filter = {}) => look((desk) => desk.audit(filter)),
  })
}

/** A row with what waits behind it and what was done about it. */
function itemOf(row: DeskRow, desk: DeskReads): DeskItem {
  return {
    ...row,
    line: row.waiting === 0 ? [] : desk.behind(row, lineShown),
    cause: desk.cause(row) ?? null,
    history: desk.audit({ item: row.id, limit: historyShown }).reverse(),
  }
}

/** @throws `millrace/bad-option` */
function newOperation(action: Operation['action'], options: OperationOptions, startedAt: number): NewOperation {
  const where = 'desk.select'
  const { name, oneFirst = false } = options
  const { by, reason = null } = checkActor(where, options)
  checkText(where, 'name', name)
  if (name.length > nameCharsMax) {
    throw fault('millrace/bad-option', `${where}: the name has more than ${nameCharsMax} characters`)
  }
  if (action === 'discard') checkText(where, 'reason', reason)
  if (action === 'discard' && oneFirst) {
    throw fault('millrace/bad-option', `${where}: oneFirst is for a release: what is discarded is not tried`)
  }
  return { name, action, by, reason, oneFirst, startedAt }
}
