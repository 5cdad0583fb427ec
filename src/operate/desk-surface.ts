// The desk for people: one surface, for a running app and for a stopped one.
import { type Actor, checkActor, checkText, type Decision } from '../model/desk.ts'
import type { NewOperation, Operation, Selection } from '../model/desk-views.ts'
import { fault } from '../model/errors.ts'
import type { DeskReads } from '../seam/desk-reads.ts'
import type { OperationReads } from '../seam/operations.ts'
import { checked } from './calls.ts'
import type { Desk, OperationOptions } from './desk.ts'

const lineShown = 10
const historyShown = 1_000
const refusedShown = 100
const nameCharsMax = 100

/** Carries the actions out: the engine of a running app, or a store that no app has. */
export interface DeskBackend {
  look<T>(read: (desk: DeskReads, operations: OperationReads) => Promise<T>): Promise<T>
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
    show: (id) => look((desk) => desk.item(id, { line: lineShown, history: historyShown })),
    line: async (id, page = {}) => {
      const rows = await look((desk) => desk.line(id, page))
      if (rows !== undefined) return rows
      throw fault(
        'millrace/unknown-item',
        `message ${id} is not in a lane at the desk: it is resolved, or never was there`,
      )
    },
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
    operations: (filter = {}) => look((_desk, operations) => operations.list(filter)),
    outcome: (id) => look((_desk, operations) => operations.outcome(id)),
    refused: (id) => look((_desk, operations) => operations.refused(id, refusedShown)),
    abort: async (id, actor = us) => backend().abort(id, checkActor('abort', actor)),
    audit: (filter = {}) => look((desk) => desk.audit(filter)),
  })
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
    throw fault('millrace/bad-option', `${where}: oneFirst goes with a release only: a discarded message is not tried`)
  }
  return { name, action, by, reason, oneFirst, startedAt }
}
