// The desk for people: one surface, for a running app and for a stopped one.
import { type Actor, type Change, checkText, type Decision } from '../model/desk.ts'
import type { KeptRow } from '../model/desk-views.ts'
import { fault } from '../model/errors.ts'
import { checkRepair, type Repair } from '../model/repairs.ts'
import type { Part } from '../parts/part.ts'
import { checked } from './calls.ts'
import { type ClaimsBackend, claimsOn } from './claims-surface.ts'
import type { Desk } from './desk.ts'
import { type EditsBackend, editsOn } from './edits-surface.ts'
import { type OperationsBackend, operationsOn } from './operations-surface.ts'
import { typesOf } from './rows.ts'
import { tellingOf } from './told.ts'
import { type TrialsBackend, trialsOn } from './trials-surface.ts'

const lineShown = 10
const historyShown = 1_000

/** Carries the actions out: the engine of a running app, or a store that no app has. */
export interface DeskBackend extends Omit<OperationsBackend, 'corrected'>, ClaimsBackend, EditsBackend, TrialsBackend {
  decide(item: number, decision: Decision | Change, actor: Repair): Promise<void>
  takeBack(item: number, actor: Repair): Promise<void>
}

export interface DeskOf {
  /** The name by which the app acts. */
  readonly itself: string
  /** The parts of the app; empty where its code is not known. */
  readonly parts: readonly Part[]
  /** The version of that code, where it says one. */
  readonly version?: string | undefined
  now(): number
}

/** Checks what is asked for and has it done. `backend` gives what does it, or throws when there is nothing. */
export function deskOn(backend: () => DeskBackend, { itself, parts, version, now }: DeskOf): Desk {
  const us: Actor = { by: itself }
  const telling = tellingOf(parts, version)
  const look: DeskBackend['look'] = async (read) => backend().look(read)
  /** The row without a claim that has ended. */
  const today = <Row extends KeptRow>(row: Row): Row =>
    row.claim === null || row.claim.until > now() ? row : { ...row, claim: null }
  return checked<Desk>('desk', {
    list: async (filter = {}) => (await look((desk) => desk.list(filter))).map((row) => telling.row(today(row))),
    show: async (id) => {
      const item = await look((desk) => desk.item(id, { line: lineShown, history: historyShown }))
      return item && telling.item({ ...today(item), line: item.line.map(today) })
    },
    line: async (id, page = {}) => {
      const rows = await look((desk) => desk.line(id, page))
      if (rows !== undefined) return rows.map((row) => telling.row(today(row)))
      throw fault(
        'millrace/unknown-item',
        `message ${id} is not in a lane at the desk: it is resolved, or never was there`,
      )
    },
    counts: () => look((desk) => desk.counts(now())),
    groups: async (by = 'all', filter = {}) =>
      (await look((desk) => desk.groups(by, filter, now()))).map(telling.group),
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
    ...editsOn(backend, () => (parts.length === 0 ? undefined : typesOf(parts))),
    ...trialsOn(backend, us, parts),
    ...claimsOn(backend, now),
    ...operationsOn(backend, us, now),
    audit: (filter = {}) => look((desk) => desk.audit(filter)),
  })
}
