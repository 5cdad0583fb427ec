// Corrections, for a running app and for a stopped one.
import { applyChange, checkChangeList, currentData } from '../model/change.ts'
import type { Stored } from '../model/codec.ts'
import { type Change, checkText, type Decision, type DeskEntry, type Resubmit } from '../model/desk.ts'
import { fault, isMillraceError } from '../model/errors.ts'
import { shapeOf } from '../model/json-schema.ts'
import type { MessageType } from '../model/message.ts'
import { type Misfit, misfitsOf } from '../model/misfits.ts'
import { checkRepair, type Repair } from '../model/repairs.ts'
import type { DeskReads } from '../seam/desk-reads.ts'
import type { OperationReads } from '../seam/operations.ts'
import type { DeskCheck, DeskEdit, DeskEdits, DeskForm } from './desk-edits.ts'

export interface EditsBackend {
  look<T>(read: (desk: DeskReads, operations: OperationReads) => Promise<T>): Promise<T>
  decide(item: number, decision: Decision | Change, actor: Repair): Promise<void>
  /** @throws as a resubmit; `millrace/unknown-processor`, `millrace/no-app` */
  corrected(entry: DeskEntry, decision: Resubmit | Change): Stored
}

/** The types of an app by name; undefined where its code is not known. */
export type TypesKnown = ReadonlyMap<string, { readonly type: MessageType }> | undefined

export function editsOn(backend: () => EditsBackend, types: () => TypesKnown): DeskEdits {
  const entryOf = async (id: number): Promise<DeskEntry> => {
    const entry = await backend().look((desk) => desk.item(id, { line: 0, history: 0 }))
    if (entry !== undefined) return entry
    throw fault('millrace/unknown-item', `there is no message ${id} at the desk`)
  }
  return {
    form: async (id) => formOf((await entryOf(id)).message, types()),
    check: async (id, edit) => checked(backend(), await entryOf(id), edit, types()),
    change: async (id, change, actor) => {
      const note = checkText('change', 'reason', actor.reason)
      const list = checkChangeList('change', change)
      return backend().decide(id, { do: 'change', change: list, note }, checkRepair('change', actor))
    },
  }
}

function formOf({ type: name }: Stored, types: TypesKnown): DeskForm {
  if (types === undefined) {
    throw fault('millrace/no-app', 'the shape of data is in the code of the app: name the app file')
  }
  const type = types.get(name)?.type
  if (type === undefined) {
    return { type: name, version: null, schema: null, why: `the app no longer has type "${name}"`, secret: [] }
  }
  return { type: name, version: type.version, ...shapeOf(type.schema), secret: type.secret }
}

function checked(backend: EditsBackend, entry: DeskEntry, edit: DeskEdit, types: TypesKnown): DeskCheck {
  const { id: item, revision, message } = entry
  const decision = decisionOf(edit)
  const about = { item, revision, type: message.type, before: message.json }
  try {
    return { ...about, after: backend.corrected(entry, decision).json, error: null, misfits: [] }
  } catch (why) {
    if (!isMillraceError(why) || why.code === 'millrace/no-app' || why.code === 'millrace/unknown-processor') throw why
    const { code, message: text } = why
    const type = code === 'millrace/bad-data' ? types?.get(message.type)?.type : undefined
    const misfits = type === undefined ? [] : misfitsIn(type, message, decision)
    return { ...about, after: null, error: { code, message: text }, misfits }
  }
}

function misfitsIn(type: MessageType, message: Stored, decision: Resubmit | Change): Misfit[] {
  if (decision.do === 'resubmit') return misfitsOf({ type, data: decision.data }, '')
  try {
    return misfitsOf({ type, data: currentData(type, message, applyChange(message.json, decision.change)) }, '')
  } catch {
    // The upcast of an earlier version has thrown: the error says so.
    return []
  }
}

/** @throws `millrace/bad-option` */
function decisionOf({ data, change }: DeskEdit): Resubmit | Change {
  if ((data === undefined) === (change === undefined)) {
    throw fault('millrace/bad-option', 'desk.check: give data or change, one of the two')
  }
  if (change === undefined) return { do: 'resubmit', data, note: 'check' }
  return { do: 'change', change: checkChangeList('desk.check', change), note: 'check' }
}
