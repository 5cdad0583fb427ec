// The desk for people: one surface, for a running app and for a stopped one.
import { type Actor, checkText, type Decision } from '../model/desk.ts'
import type { DeskRow } from '../model/desk-views.ts'
import { fault } from '../model/errors.ts'
import { checkRepair, type Repair } from '../model/repairs.ts'
import { checked } from './calls.ts'
import { type ClaimsBackend, claimsOn } from './claims-surface.ts'
import type { Desk } from './desk.ts'
import { type OperationsBackend, operationsOn } from './operations-surface.ts'

const lineShown = 10
const historyShown = 1_000

/** Carries the actions out: the engine of a running app, or a store that no app has. */
export interface DeskBackend extends OperationsBackend, ClaimsBackend {
  decide(item: number, decision: Decision, actor: Repair): Promise<void>
  takeBack(item: number, actor: Repair): Promise<void>
}

/** Checks what is asked for and has it done. `backend` gives what does it, or throws when there is nothing. */
export function deskOn(backend: () => DeskBackend, itself: string, now: () => number): Desk {
  const us: Actor = { by: itself }
  const look: DeskBackend['look'] = async (read) => backend().look(read)
  /** The row without a claim that has ended. */
  const today = <Row extends DeskRow>(row: Row): Row =>
    row.claim === null || row.claim.until > now() ? row : { ...row, claim: null }
  return checked<Desk>('desk', {
    list: async (filter = {}) => (await look((desk) => desk.list(filter))).map(today),
    show: async (id) => {
      const item = await look((desk) => desk.item(id, { line: lineShown, history: historyShown }))
      return item && { ...today(item), line: item.line.map(today) }
    },
    line: async (id, page = {}) => {
      const rows = await look((desk) => desk.line(id, page))
      if (rows !== undefined) return rows.map(today)
      throw fault(
        'millrace/unknown-item',
        `message ${id} is not in a lane at the desk: it is resolved, or never was there`,
      )
    },
    counts: () => look((desk) => desk.counts(now())),
    groups: (by = 'all', filter = {}) => look((desk) => desk.groups(by, filter, now())),
    release: async (id, actor = us) => backend().decide(id, { do: 'retry' }, checkRepair('release', actor)),
    resubmit: async (id, data, actor) => {
      const note = checkText('resubmit', 'reason', actor.reason)
      return backend().decide(id, { do: 'resubmit', data, note }, checkRepair('resubmit', actor))
    },
    discard: async (id, actor) => {
      const reason = checkText('discard', 'reason', actor.reason)
      return backend().decide(id, { do: 'discard', reason }, checkRepair('discard', actor))
    },
    takeBack: async (id, actor = us) => backend().takeBack(id, checkRepair('takeBack', actor)),
    ...claimsOn(backend, now),
    ...operationsOn(backend, us, now),
    audit: (filter = {}) => look((desk) => desk.audit(filter)),
  })
}
